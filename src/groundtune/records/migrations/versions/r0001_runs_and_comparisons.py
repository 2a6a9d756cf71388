"""The tables of groundtune 0.1: runs with their answers and scores, and comparisons.

Tables that stand already are left as they are: a kill may have ended the making of them half-way.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("finished_at", sa.Text),
        if_not_exists=True,
    )
    op.create_table(
        "answers",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("answer", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("saved_at", sa.Text, nullable=False),
        sa.CheckConstraint("(answer IS NULL) <> (failure IS NULL)", name="answered_or_failed"),
        if_not_exists=True,
    )
    op.create_table(
        "scores",
        sa.Column("run", sa.String(32), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("signature", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("scorer", sa.Text, nullable=False),
        sa.Column("value", sa.Float(53)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        if_not_exists=True,
    )
