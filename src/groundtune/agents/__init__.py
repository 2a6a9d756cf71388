"""Agents that act in back-ends, enrich the knowledge and listen. They import nothing but layer 0 and the records:
models, answerers and actions come as values, and `groundtune.assembly` puts a team together."""
