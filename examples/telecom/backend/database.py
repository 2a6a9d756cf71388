"""Opening the database: SQLite or PostgreSQL, with transactions that read and transactions that write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import DeclarativeBase, Session

_CONNECTIONS = 40  # as many as the server has threads
_SECONDS = 30  # to wait for a writer that is at work


def open_database(place: str, base: type[DeclarativeBase]) -> Engine:
    """Open a file of SQLite or a URL, with the tables of `base`, which are made where they are missing."""
    url = make_url(place if "://" in place else f"sqlite:///{place}")
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, pool_size=_CONNECTIONS, connect_args={"timeout": _SECONDS})
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    else:
        engine = create_engine(url, pool_size=_CONNECTIONS, pool_pre_ping=True)
    base.metadata.create_all(engine)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and changes nothing."""
    with Session(engine) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session whose changes are committed, and on the disk, when the block ends, or not at all."""
    with Session(engine.execution_options(writes=True)) as session, session.begin():
        yield session


def _prepare(connection, record) -> None:  # noqa: ANN001 -- those of the driver
    connection.isolation_level = None  # SQLAlchemy's BEGIN is to be the one below
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Writers of SQLite wait for one another at their beginning, so that none fails at its end."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
