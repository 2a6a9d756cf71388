"""The audit log: a chain of entries, each with the hash of the one before it, so that a changed, missing or added entry
is seen.

What is personal lies beside the chain, encrypted with a key of the customer's own. The chain covers the encrypted text
only: erasing the key makes it unreadable, and the chain stays valid.

Entries cut off at the end are not seen by the chain itself: keep the last hash (`head`) elsewhere and compare.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, delete, insert, select

from groundtune.errors import StoreError
from groundtune.extras import not_installed
from groundtune.records.connection import inserting
from groundtune.records.tables import audit, audit_keys
from groundtune.values import digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12  # bytes, as AES-GCM wants them
START = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class AuditNote:
    """What is to be written down. `body` holds nothing personal; `personal` is encrypted."""

    kind: str
    body: Mapping[str, object]
    personal: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry as it stands in the log. `personal` is None where the customer's key was erased."""

    number: int
    at: datetime
    kind: str
    subject: str
    body: Mapping[str, object]
    personal: Mapping[str, object] | None
    hash: str


def subject_of(customer: str) -> str:
    """Return what stands for a customer in the log."""
    return digest("audit subject", customer)


def append(connection: Connection, at: str, customer: str, note: AuditNote) -> None:
    """Write an entry, in a transaction that holds `RecordsLock.AUDIT`."""
    subject = subject_of(customer)
    sealed = _sealed(_key_of(connection, subject), json.dumps(dict(note.personal), sort_keys=True))
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    number, before = (last.number + 1, last.hash) if last else (1, START)
    row = {
        "number": number,
        "at": at,
        "kind": note.kind,
        "subject": subject,
        "body": json.dumps(dict(note.body), sort_keys=True),
        "sealed": sealed,
    }
    connection.execute(insert(audit).values({**row, "hash": _hash(row, before)}))


def entries(connection: Connection, customer: str | None = None) -> list[AuditEntry]:
    """Return all entries, or those of a customer, in order."""
    wanted = select(audit).order_by(audit.c.number)
    if customer is not None:
        wanted = wanted.where(audit.c.subject == subject_of(customer))
    keys = {row.subject: b64decode(row.key) for row in connection.execute(select(audit_keys))}
    return [_entry(row, keys.get(row.subject)) for row in connection.execute(wanted)]


def broken_at(connection: Connection, head: str | None = None) -> int | None:
    """Return the number of the first entry that does not follow from the one before it; None if all do.

    `head` is the hash of an entry that was noted elsewhere: if none has it, the log was cut off, and the number after
    the last entry is returned.
    """
    before, expected, seen = START, 1, head in (None, START)
    for row in map(dict, connection.execute(select(audit).order_by(audit.c.number)).mappings()):
        if row["number"] != expected or row["hash"] != _hash(row, before):
            return expected
        before, expected = row["hash"], expected + 1
        seen = seen or before == head
    return None if seen else expected


def head_of(connection: Connection) -> str:
    """Return the hash of the last entry."""
    last = connection.execute(select(audit.c.hash).order_by(audit.c.number.desc()).limit(1)).scalar()
    return START if last is None else str(last)


def erase_key(connection: Connection, customer: str) -> None:
    """Make what is personal of a customer unreadable, for good. A later entry of theirs gets another key."""
    connection.execute(delete(audit_keys).where(audit_keys.c.subject == subject_of(customer)))


def _hash(row: Mapping[str, object], before: str) -> str:
    content = [row[name] for name in ("number", "at", "kind", "subject", "body", "sealed")]
    return hashlib.sha256(json.dumps([*content, before]).encode()).hexdigest()


def _key_of(connection: Connection, subject: str) -> bytes:
    known = select(audit_keys.c.key).where(audit_keys.c.subject == subject)
    key = connection.execute(known).scalar()
    if key is None:
        new = {"subject": subject, "key": b64encode(secrets.token_bytes(32)).decode()}
        connection.execute(inserting(connection, audit_keys).values(new).on_conflict_do_nothing())
        key = connection.execute(known).scalar_one()
    return b64decode(key)


def _sealed(key: bytes, text: str) -> str:
    nonce = secrets.token_bytes(_NONCE)
    return b64encode(nonce + _cipher(key).encrypt(nonce, text.encode(), None)).decode()


def _opened(key: bytes, sealed: str) -> str | None:
    """Return the text; None if it was encrypted with an earlier key of the customer."""
    from cryptography.exceptions import InvalidTag

    data = b64decode(sealed)
    try:
        return _cipher(key).decrypt(data[:_NONCE], data[_NONCE:], None).decode()
    except InvalidTag:
        return None


def _cipher(key: bytes) -> AESGCM:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise not_installed("agents", "the audit log of actions", error) from None
    return AESGCM(key)


def _entry(row: Row[Any], key: bytes | None) -> AuditEntry:
    text = None if key is None else _opened(key, row.sealed)
    try:
        personal, body = None if text is None else json.loads(text), json.loads(row.body)
        at = datetime.fromisoformat(row.at)
    except ValueError:
        raise StoreError(
            f"entry {row.number} of the audit log cannot be read: it was changed.",
            remedy="Restore the records from a backup, and find out who wrote to them.",
        ) from None
    return AuditEntry(row.number, at, row.kind, row.subject, body, personal, row.hash)
