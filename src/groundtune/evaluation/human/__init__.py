"""People rate answers blind: assignments, sheets to send by mail, reading them back, and what came out."""
