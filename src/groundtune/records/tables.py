"""The tables of the records as they are now. SQLite and PostgreSQL hold the same ones; `migrations/` makes them.

Answers, comparisons and kept values are JSON in text columns: exactly what was given comes back, on every database.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

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

effects = Table(
    "effects",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("conversation", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("signature", Text, nullable=False),  # of the action
    Column("digest", String(32), nullable=False),  # of the call
    Column("call", Text),  # JSON; null once the customer was forgotten
    Column("approval", String(32), unique=True),  # the one that it used up
    Column("state", Text, nullable=False),  # an `EffectState`
    Column("worker", Text, nullable=False),
    Column("result", Text),  # JSON; null until it is settled, and once the customer was forgotten
    Column("intended_at", Text, nullable=False),
    Column("settled_at", Text),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(32), primary_key=True),  # a hash of what the approver presents
    Column("conversation", Text, nullable=False),
    Column("actor", Text, nullable=False),  # for whom the call would be made
    Column("approver", Text, nullable=False),  # a principal, or "asker"
    Column("signature", Text, nullable=False),
    Column("digest", String(32), nullable=False),
    Column("call", Text),  # JSON; null once the customer was forgotten
    Column("state", Text, nullable=False),  # an `ApprovalState`
    Column("asked_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Text),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", String(32), nullable=False),  # stands for the customer
    Column("body", Text, nullable=False),  # JSON without anything personal
    Column("sealed", Text, nullable=False),  # JSON, encrypted with the customer's key
    Column("hash", String(64), nullable=False),  # of all above and of the hash before it
)

audit_keys = Table(
    "audit_keys",
    metadata,
    Column("subject", String(32), primary_key=True),
    Column("key", Text, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("actor", Text, nullable=False),  # the user
    Column("candidate", Text, nullable=False),
    Column("consent", Boolean, nullable=False),  # to learning from it
    Column("begun_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("asker", Text),  # a JSON list; null where it is not known
)

turns = Table(
    "turns",
    metadata,
    Column("conversation", String(32), ForeignKey("conversations.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("role", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("answer", Text),  # JSON; null for what is no answer
    Column("said_at", Text, nullable=False),
    Column("person", Text),  # who said it in the assistant's place
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("actor", Text, nullable=False),  # the user in whose conversation it was said
    Column("content", Text, nullable=False),  # JSON
    Column("state", Text, nullable=False),  # a `ProposalState`
    Column("document", Text),  # what it became
    Column("reviewer", Text),
    Column("made_at", Text, nullable=False),
    Column("decided_at", Text),
)

enriched = Table(
    "enriched",
    metadata,
    Column("conversation", String(32), primary_key=True),
    Column("at", Text, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("conversation", String(32), primary_key=True),  # may be erased before
    Column("turn", Integer, primary_key=True),  # the number of the answer
    Column("rater", Text, primary_key=True),  # the user, or an expert
    Column("actor", Text, nullable=False),  # the user whose conversation it is
    Column("candidate", Text, nullable=False),
    Column("thumb", Boolean),
    Column("stars", Integer),
    Column("text", Text, nullable=False),
    Column("correction", Text, nullable=False),  # the answer as it should have been
    Column("complaint", Text, nullable=False),  # its class; empty where nothing is complained of
    Column("classified_by", Text, nullable=False),
    Column("asked_at", Text),
    Column("declined_at", Text),
    Column("given_at", Text),
    Index("feedback_actor", "actor"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("kind", Text, primary_key=True),  # a `JobKind`
    Column("subject", Text, primary_key=True),
    Column("state", Text, nullable=False),  # a `JobState`
    Column("attempts", Integer, nullable=False),
    Column("due_at", Text, nullable=False),  # not before; while somebody works on it, the end of their time
    Column("owner", Text, nullable=False),  # who works on it; empty if nobody does
    Column("why", Text, nullable=False),  # the last attempt did not end it
    Column("asked_at", Text, nullable=False),
)
