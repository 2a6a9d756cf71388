"""Bringing a database to the revision that this groundtune knows, in one transaction, by one process at a time.

Alembic keeps the revision, in a table of its own name: a PostgreSQL database may hold other programs' tables, too.
Knows nothing of what a revision changes: that stands in `migrations/versions/`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from groundtune.errors import StoreError
from groundtune.records.locking import RecordsLock, hold

HEAD = "0009"
REVISION_TABLE = "groundtune_revision"
MIGRATIONS = Path(__file__).parent / "migrations"

_BEFORE_ALEMBIC = "groundtune_schema"  # the version table of groundtune 0.1, which knew version 1 only
_REWRITTEN = 1  # SQLite's `user_version` once no page of the file is left over from before passwords were blanked


def migrate(engine: Engine, place: str) -> None:
    """Make the tables, or change those of an older groundtune; what is up to date is looked at without a lock.

    Raises `StoreError` for a database of a newer groundtune, and what the database raises.
    """
    with engine.connect() as connection:
        up_to_date = _revision(connection) == HEAD
    if not up_to_date:
        with engine.begin() as connection:
            hold(connection, RecordsLock.MIGRATION)
            _upgrade(connection, place)
    if engine.dialect.name == "sqlite":
        _rewrite_once(engine)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(REVISION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {REVISION_TABLE}")).scalar()


def _upgrade(connection: Connection, place: str) -> None:
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
    revision = _revision(connection)
    if revision is None:
        revision = _adopt(connection, place)
    elif revision not in {script.revision for script in scripts.walk_revisions()}:
        raise _newer(f"revision {revision}", HEAD, place)
    with Operations.context(context):
        for script in reversed(list(scripts.iterate_revisions("head", revision or "base"))):
            script.module.upgrade()
            context.stamp(scripts, script.revision)


def _adopt(connection: Connection, place: str) -> str | None:
    """Take over a database of groundtune 0.1, whose tables are those of the first revision; None for an empty one."""
    if not inspect(connection).has_table(_BEFORE_ALEMBIC):
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA user_version = {_REWRITTEN}")
        return None
    version = connection.execute(text(f"SELECT version FROM {_BEFORE_ALEMBIC}")).scalar()
    if version not in (1, None):
        raise _newer(f"version {version}", "1", place)
    connection.execute(text(f"DROP TABLE {_BEFORE_ALEMBIC}"))
    return None if version is None else "0001"  # None: a kill ended the making of the tables


def _newer(theirs: str, ours: str, place: str) -> StoreError:
    return StoreError(
        f"the records have {theirs}, but this version of groundtune supports only up to {ours}.",
        place=place,
        remedy="Install the version of groundtune that wrote them, or set [records] url to another place.",
    )


def rewrite(engine: Engine) -> None:
    """Write the tables anew: unused pages must not keep what was erased (sqlite.org/lang_vacuum.html)."""
    statements = ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]
    if engine.dialect.name == "postgresql":
        statements = ["VACUUM FULL revisions", "VACUUM FULL answers"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _rewrite_once(engine: Engine) -> None:
    """Rewrite the file, unless that was done since passwords are blanked.

    Noted in the file when it is done, so that a kill in between does not leave it undone.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.exec_driver_sql("PRAGMA user_version").scalar() == _REWRITTEN:
            return
        for statement in ("VACUUM", f"PRAGMA user_version = {_REWRITTEN}", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.exec_driver_sql(statement)
