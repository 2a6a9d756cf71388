"""What opens the parts of a project from its settings, for whoever compares or serves. Knows no statistics."""
