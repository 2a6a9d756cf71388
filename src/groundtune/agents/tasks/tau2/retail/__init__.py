"""tau2 retail: a shop whose agent changes, cancels, returns and exchanges orders."""
