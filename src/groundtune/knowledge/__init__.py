"""From the company's files to passages for a question."""
