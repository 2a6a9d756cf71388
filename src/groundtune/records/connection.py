"""Opening the database behind the records, and saying in plain words when it refuses.

Knows URLs, folders and database errors; knows nothing of runs, answers or scores.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from groundtune.errors import SettingsError, StoreError
from groundtune.extras import not_installed
from groundtune.files import within
from groundtune.records.revisions import migrate
from groundtune.secrets import masked

if TYPE_CHECKING:
    from sqlalchemy.dialects import sqlite

LOCK_SECONDS = 30.0  # how long a writer waits for another one

_REMEDIES = (
    ("locked", "Another process is writing to it. Wait until it has finished, then rerun the command."),
    ("readonly", "Make the file and its folder writable, or set [records] url to a writable place."),
    ("unable to open", "Make its folder writable, or set [records] url to a writable place."),
    ("not a database", "Restore it from a backup, or move it elsewhere to start with empty records."),
    ("malformed", "Restore it from a backup, or move it elsewhere to start with empty records."),
    ("is full", "Free some disk space, then rerun the command."),
    ("connect", "Check that the server is running and that [records] url has the right host, database and user."),
)


def connect(url: str, folder: Path) -> tuple[Engine, str]:
    """Return an engine on tables of the revision that we know, and the place to name in errors.

    Relative SQLite paths start at `folder`. Raises `SettingsError`, `NotInstalled` and `StoreError`.
    """
    parsed = _parse(url, folder)
    place = parsed.database if parsed.get_backend_name() == "sqlite" else parsed.render_as_string(hide_password=True)
    place = place or masked(url)
    engine = _engine(parsed)
    try:
        with refusals(place):
            migrate(engine, place)
    except BaseException:
        engine.dispose()
        raise
    return engine, place


def inserting(connection: Connection, table: Table) -> sqlite.Insert:
    """Return an INSERT that can say what happens to rows that are there: both databases have it, under one name."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgresql_insert

        return cast("sqlite.Insert", postgresql_insert(table))
    from sqlalchemy.dialects.sqlite import insert

    return insert(table)


@contextmanager
def refusals(place: str) -> Iterator[None]:
    """Turn what the database raises into `StoreError` with place and remedy."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        reason = masked(" ".join(cause.split()))
        remedy = next((text for word, text in _REMEDIES if word in reason.lower()), "Check the database.")
        raise StoreError(f"the database of the records failed: {reason}.", place=place, remedy=remedy) from error


def _parse(url: str, folder: Path) -> URL:
    remedy = "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE."
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except ArgumentError:
        raise SettingsError(f"`records.url` is {masked(url)!r}, which is not a database URL.", remedy=remedy) from None
    if backend == "postgresql" and parsed.drivername == backend:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        return parsed
    if parsed.database in (None, "", ":memory:"):
        raise SettingsError("`records.url` names no file, so nothing would be saved.", remedy=remedy)
    return parsed.set(database=str(within(folder.resolve(), str(parsed.database))))


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        _make_folder(Path(str(url.database)).parent)
    try:
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS})
    except NoSuchModuleError:
        raise SettingsError(
            f"`records.url` names the database {url.drivername}, which is not supported.",
            remedy="Use sqlite or postgresql.",
        ) from None
    except ModuleNotFoundError as error:
        raise not_installed("postgresql", f"`records.url` with {url.get_backend_name()}", error) from None
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder for the records cannot be created: {error.strerror}.",
            place=folder,
            remedy="Make its parent folder writable, or set [records] url to a writable place.",
        ) from None


def _set_up_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Readers and a writer at once (sqlite.org/wal.html); every commit reaches the disk; references hold."""
    cursor = connection.cursor()
    _log_ahead(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _log_ahead(cursor: DBAPICursor) -> None:
    """Switch to the write-ahead log, where SQLite itself does not wait for a process that is making the file."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
