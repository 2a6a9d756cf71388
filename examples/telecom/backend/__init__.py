"""The back-end of the telecom example: a small but real service with a database of its own, for agents to act on.

Run it from the folder of the example with `python -m backend`; README.md beside this file says the rest.
"""
