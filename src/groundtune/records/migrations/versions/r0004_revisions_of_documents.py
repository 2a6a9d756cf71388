"""Tables for the documents as they were read, one row for each revision, and for which of them a store holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables. They fill when documents are ingested."""
    op.create_table(
        "revisions",
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("revision", sa.Text),
        sa.Column("kept_at", sa.Text, nullable=False),
    )
    op.create_table(
        "live",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
    )
