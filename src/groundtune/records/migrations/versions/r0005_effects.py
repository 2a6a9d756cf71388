"""Tables for what agents did: effects, approvals, and the chain of the audit log with a key for each customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables. They fill when agents act."""
    op.create_table(
        "effects",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("call", sa.Text),
        sa.Column("approval", sa.String(32), unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("intended_at", sa.Text, nullable=False),
        sa.Column("settled_at", sa.Text),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("conversation", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("call", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.Text),
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "audit_keys",
        sa.Column("subject", sa.String(32), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
    )
