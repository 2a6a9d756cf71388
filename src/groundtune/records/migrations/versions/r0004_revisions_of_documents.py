"""A table for the documents as they were read, one row for each revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table. It fills when documents are ingested."""
    op.create_table(
        "revisions",
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("revision", sa.Text),
        sa.Column("kept_at", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
    )
