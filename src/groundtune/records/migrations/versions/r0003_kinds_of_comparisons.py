"""Comparisons tell of which benchmark they are, and comparisons of several candidates from evaluations.

Until now an evaluation of one candidate was kept like a comparison. Earlier ones are told apart by how many candidates
their reports have.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from groundtune.records.kinds import kind_of, parsed

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns, and fill them from the reports."""
    op.add_column("comparisons", sa.Column("fingerprint", sa.Text))
    op.add_column("comparisons", sa.Column("kind", sa.Text, nullable=False, server_default="evaluation"))
    table = sa.table("comparisons", *map(sa.column, ("id", "report", "fingerprint", "kind")))
    connection = op.get_bind()
    for number in connection.scalars(sa.select(table.c.id)).all():  # one at a time: a report may have megabytes
        text = connection.scalar(sa.select(table.c.report).where(table.c.id == number))
        kind, fingerprint = kind_of(parsed(text))
        values = {"kind": kind, "fingerprint": fingerprint}
        connection.execute(sa.update(table).where(table.c.id == number).values(values))
