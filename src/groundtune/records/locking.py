"""Being the only one who writes: one transaction at a time, whichever process it is in."""

from __future__ import annotations

from sqlalchemy import Connection, text


def hold(connection: Connection, lock: int) -> None:
    """Wait until no other transaction holds `lock`, any number that other programs on the same server do not use, and
    hold it until this one ends. It must be the first statement of its transaction.

    SQLite has one writer at a time anyhow; Python begins no transaction there for CREATE and ALTER by itself, and for
    INSERT after what was read before it.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
