"""Making a benchmark: reading, checking, drafting, reviewing, importing and freezing cases.

Knows documents' texts and the files that experts write; does not know how answers are made or scored.
"""
