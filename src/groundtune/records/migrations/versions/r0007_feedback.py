"""A table for what users think of answers, and whether they were asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table. It fills when users are asked, or say by themselves, how satisfied they are."""
    op.create_table(
        "feedback",
        sa.Column("conversation", sa.String(32), primary_key=True),
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("rater", sa.Text, primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("thumb", sa.Boolean),
        sa.Column("stars", sa.Integer),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("correction", sa.Text, nullable=False),
        sa.Column("complaint", sa.Text, nullable=False),
        sa.Column("classified_by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Text),
        sa.Column("declined_at", sa.Text),
        sa.Column("given_at", sa.Text),
    )
    op.create_index("feedback_actor", "feedback", ["actor"])
