"""Agents: what acts on back-end systems. Knows nothing above layer 0 but `records`."""
