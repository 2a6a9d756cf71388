"""Tasks that agents are measured on: what they are, the world they are done in, and how they are graded.

Knows no model: whoever drives an agent through a task brings it.
"""
