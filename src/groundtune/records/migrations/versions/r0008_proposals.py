"""Tables for knowledge proposed from conversations; who reads as what in a conversation, and who said a turn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, and the columns. They fill when conversations are looked through."""
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("reviewer", sa.Text),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Text),
    )
    op.create_table(
        "enriched",
        sa.Column("conversation", sa.String(32), primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.add_column("conversations", sa.Column("asker", sa.Text))
    op.add_column("turns", sa.Column("person", sa.Text))
