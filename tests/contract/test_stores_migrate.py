"""A knowledge base goes through all kinds of stores and comes back the same."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("opensearchpy")
psycopg = pytest.importorskip("psycopg")

from groundtune.knowledge.ingest import ingest  # noqa: E402
from groundtune.knowledge.migrate import migrate  # noqa: E402
from groundtune.knowledge.stores import open_store  # noqa: E402
from groundtune.settings import KnowledgeSettings, StoreSettings  # noqa: E402
from groundtune.testing.entries import EMBEDDER, ask  # noqa: E402

TELECOM = Path(__file__).parents[2] / "examples" / "telecom"
QUESTIONS = 200


def test_from_store_to_store_and_back(postgresql, node, client, tmp_path):
    urls = ["lancedb:first", postgresql, f"opensearch://127.0.0.1:{node}/migrated", "lancedb:last"]
    lines = (TELECOM / "benchmark.jsonl").read_text(encoding="utf-8").splitlines()[:QUESTIONS]
    questions = [json.loads(line)["question"] for line in lines]
    try:
        stores = [open_store(url, tmp_path, EMBEDDER, StoreSettings()) for url in urls]
        ingest(TELECOM / "documents", stores[0], EMBEDDER, KnowledgeSettings())
        found = [ask(stores[0], question) for question in questions]
        done = [migrate(*pair) for pair in pairwise(stores)]
        assert len({(each.documents, each.copied, each.chunks, each.revision) for each in done}) == 1
        assert done[0].documents == done[0].copied > 40
        assert [ask(stores[-1], question) for question in questions] == found
    finally:
        client.indices.delete(index="migrated", params={"ignore_unavailable": "true"})
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS groundtune CASCADE")
