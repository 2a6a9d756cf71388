"""A table for what is still to be done in the background, with what was left undone until now."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_LEFT = (
    ("settle", "SELECT key FROM effects WHERE state IN ('intended', 'unknown')"),
    (
        "propose",
        "SELECT id FROM conversations WHERE consent AND ended_at IS NOT NULL"
        " AND id NOT IN (SELECT conversation FROM enriched)",
    ),
)


def upgrade() -> None:
    """Make the table, and write down what effects and conversations still want."""
    table = op.create_table(
        "jobs",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
    )
    connection, time = op.get_bind(), datetime.now(UTC).isoformat()
    fresh = {"state": "open", "attempts": 0, "due_at": time, "owner": "", "why": "", "asked_at": time}
    for kind, left in _LEFT:
        rows = [{"kind": kind, "subject": key, **fresh} for key in connection.execute(sa.text(left)).scalars()]
        op.bulk_insert(table, rows)
