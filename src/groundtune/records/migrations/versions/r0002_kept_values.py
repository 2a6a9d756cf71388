"""A table for values that are kept by kind and key, the parts of a score, and passwords blanked in what stands there.

Answers are left as they are: what a document or a model says is no password of this project.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from groundtune.records.blanking import blanked_json
from groundtune.secrets import without_passwords

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table and the column, and blank passwords."""
    op.create_table(
        "kept",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("saved_at", sa.Text, nullable=False),
    )
    op.add_column("scores", sa.Column("parts", sa.Text))
    _blank("runs", "settings", blanked_json)
    _blank("comparisons", "report", blanked_json)
    _blank("runs", "signature", without_passwords)
    _blank("answers", "failure", without_passwords)
    _blank("scores", "reason", without_passwords)
    _blank_signatures_of_scores()


def _blank(table: str, column: str, blank: Callable[[str], str]) -> None:
    """Replace each text in the column by what `blank` makes of it; texts without a password are not touched."""
    where = sa.table(table, sa.column(column))
    held = where.c[column]
    connection = op.get_bind()
    for text in connection.scalars(sa.select(held).where(held.is_not(None)).distinct()).all():
        if blank(text) != text:
            connection.execute(sa.update(where).where(held == text).values({column: blank(text)}))


def _blank_signatures_of_scores() -> None:
    """A judge's signature names its address. Of two that differ in the password only, one's scores are enough."""
    scores = sa.table("scores", sa.column("signature"))
    connection = op.get_bind()
    texts = set(connection.scalars(sa.select(scores.c.signature).distinct()))
    for text in sorted(texts):
        blank = without_passwords(text)
        if blank != text and blank in texts:
            connection.execute(sa.delete(scores).where(scores.c.signature == text))
        elif blank != text:
            connection.execute(sa.update(scores).where(scores.c.signature == text).values(signature=blank))
            texts.add(blank)
