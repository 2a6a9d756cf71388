"""The tables of the records as they are now. SQLite and PostgreSQL hold the same ones; `migrations/` makes them.

Answers, comparisons and kept values are JSON in text columns: exactly what was given comes back, on every database.
"""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Float, ForeignKey, Integer, MetaData, String, Table, Text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("candidate", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("finished_at", Text),
)

answers = Table(
    "answers",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("answer", Text),  # JSON; null if the case failed
    Column("failure", Text),  # the reason; null if it was answered
    Column("saved_at", Text, nullable=False),
    CheckConstraint("(answer IS NULL) <> (failure IS NULL)", name="answered_or_failed"),
)

scores = Table(
    "scores",
    metadata,
    Column("run", String(32), ForeignKey("runs.id"), primary_key=True),
    Column("signature", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("scorer", Text, nullable=False),
    Column("value", Float(53)),
    Column("reason", Text, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("parts", Text),  # a JSON list; null if there are none
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created_at", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("fingerprint", Text),  # of the benchmark; null if the report does not tell
    Column("kind", Text, nullable=False),  # a `ComparisonKind`
)

kept = Table(
    "kept",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("document", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("revision", Text),  # JSON; null once the document was forgotten
    Column("kept_at", Text, nullable=False),
)

live = Table(
    "live",
    metadata,
    Column("store", Text, primary_key=True),  # URL of the store, with the index
    Column("document", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
)
