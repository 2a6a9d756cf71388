"""Being the only one who writes: one transaction at a time, whichever process it is in."""

from __future__ import annotations

from enum import IntEnum, unique

from sqlalchemy import Connection, text


@unique
class RecordsLock(IntEnum):
    """The locks of the records: any numbers that other programs on the same PostgreSQL server do not lock."""

    MIGRATION = 7_265_163_114
    AUDIT = 7_265_163_115
    CONVERSATIONS = 7_265_163_116
    FEEDBACK = 7_265_163_117
    PROPOSALS = 7_265_163_118
    JOBS = 7_265_163_119


def hold(connection: Connection, lock: RecordsLock) -> None:
    """Wait until no other transaction holds `lock`, and hold it until this one ends. It must be the first statement of
    its transaction.

    SQLite has one writer at a time anyhow; Python begins no transaction there for CREATE and ALTER by itself, and for
    INSERT after what was read before it.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": int(lock)})
