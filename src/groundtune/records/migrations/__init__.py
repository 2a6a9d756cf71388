"""How the tables of the records came to be, revision by revision, oldest first.

A revision is one file in `versions/`: it names the one before it in `down_revision`, changes tables and what stands
in them in `upgrade`, on SQLite and PostgreSQL alike, and is never edited after a release. A new one becomes `HEAD` in
`records/revisions.py`, and `tables.py` shows what all of them together give. There is no way back: a database of a
newer groundtune is refused.
"""
