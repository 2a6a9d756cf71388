"""Opens the parts of a project from its settings, and builds candidates out of them.

Nothing below this package knows it. What it hands on are values and protocols: models, answerers, scorers.
"""
