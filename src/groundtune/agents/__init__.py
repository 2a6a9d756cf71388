"""Agents: what they may do, what they did, and how well they did it. Knows nothing above layer 0 but `records`."""
