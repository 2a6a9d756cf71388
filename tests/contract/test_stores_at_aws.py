"""The contract of stores against Amazon: `make test-aws`, for those who have an account.

GROUNDTUNE_TEST_OPENSEARCH and GROUNDTUNE_TEST_OPENSEARCH_SERVERLESS name indexes that do not exist yet, as
`[knowledge] store` would; each test makes one of its own beside them, and deletes it. GROUNDTUNE_TEST_OPENSEARCH_NEXT
is a collection of the next generation. GROUNDTUNE_TEST_RDS names a database of RDS or Aurora, asked with tokens.
GROUNDTUNE_TEST_KENDRA names an index of Kendra for tests alone, Enterprise Edition: each test has documents and
principals of its own there, and removes its documents; all of them take hours.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from groundtune.knowledge.retriever import Retriever
from groundtune.knowledge.stores import _kendra_hits, _kendra_requests, open_retriever, open_store
from groundtune.protocols import KnowledgeStore
from groundtune.settings import StoreSettings, Table
from groundtune.testing.entries import EMBEDDER
from groundtune.testing.retrievers import RetrieverContract
from groundtune.testing.revisions import MemoryRevisions
from groundtune.testing.stores import StoreContract

pytest.importorskip("opensearchpy")
psycopg = pytest.importorskip("psycopg")

from groundtune.knowledge.stores._opensearch import OpensearchSettings, SearchIndex  # noqa: E402
from groundtune.knowledge.stores._postgresql import Database, PostgresqlSettings  # noqa: E402

pytestmark = pytest.mark.aws


def named(variable: str) -> str:
    url = os.environ.get(variable)
    if not url:
        pytest.skip(f"{variable} is not set")
    return url


def own(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:12]


class OpensearchAtAws(StoreContract):
    variable = ""
    settings = OpensearchSettings()

    @pytest.fixture(autouse=True)
    def _cleaned(self, tmp_path: Path):
        self.url = f"{named(self.variable)}-{own(tmp_path)}"
        yield
        index = SearchIndex(self.url, self.settings)
        for name in (index.name, f"{index.name}-writer"):
            index._drop(name)

    def open(self, folder: Path) -> KnowledgeStore:
        parts: dict[str, Table] = {"opensearch": self.settings}
        return open_store(self.url, folder, EMBEDDER, StoreSettings().with_parts(parts))


class TestOpensearchService(OpensearchAtAws):
    variable = "GROUNDTUNE_TEST_OPENSEARCH"


class TestOpensearchServerless(OpensearchAtAws):
    variable = "GROUNDTUNE_TEST_OPENSEARCH_SERVERLESS"


class TestOpensearchServerlessNext(OpensearchAtAws):
    variable = "GROUNDTUNE_TEST_OPENSEARCH_NEXT"
    settings = OpensearchSettings(generation="next")


class TestRds(StoreContract):
    @pytest.fixture(autouse=True)
    def _cleaned(self, tmp_path: Path):
        self.url = named("GROUNDTUNE_TEST_RDS")
        self.settings = PostgresqlSettings(login="rds-iam", schema_name=f"test_{own(tmp_path)}")
        yield
        with Database(self.url, self.settings).connection() as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {self.settings.schema_name} CASCADE")

    def open(self, folder: Path) -> KnowledgeStore:
        parts: dict[str, Table] = {"postgresql": self.settings}
        return open_store(self.url, folder, EMBEDDER, StoreSettings().with_parts(parts))


class TestKendra(RetrieverContract):
    """What earlier tests left is there for an hour, so that ids and principals are this test's own."""

    @pytest.fixture(autouse=True)
    def _apart(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        self.url, self.revisions = named("GROUNDTUNE_TEST_KENDRA"), MemoryRevisions()
        mark = f"groundtune-test-{own(tmp_path)}-"
        for module in (_kendra_requests, _kendra_hits):
            monkeypatch.setattr(module, "OURS", mark)
        group_of = _kendra_requests.group_of
        monkeypatch.setattr(_kendra_requests, "group_of", lambda principal: group_of(f"{mark}{principal}"))
        yield
        self.open(tmp_path).remove(list(self.revisions.live()))

    def open(self, folder: Path) -> Retriever:
        opened = open_retriever(self.url, folder, self.revisions)
        assert opened is not None
        return opened
