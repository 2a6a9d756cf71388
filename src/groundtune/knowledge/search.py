"""Asking a store: embeds the question and hands it over with the caller's principals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundtune.protocols import Embedder, KnowledgeStore
from groundtune.values import Passage, Query


def search(
    store: KnowledgeStore,
    embedder: Embedder,
    text: str,
    limit: int,
    principals: Sequence[str],
    where: Mapping[str, str] | None = None,
    candidates: int = 30,
) -> list[Passage]:
    """Return at most `limit` passages for the question `text` that `principals` may read, best first."""
    return search_many(store, embedder, [text], limit, principals, where, candidates)[0]


def search_many(
    store: KnowledgeStore,
    embedder: Embedder,
    texts: Sequence[str],
    limit: int,
    principals: Sequence[str],
    where: Mapping[str, str] | None = None,
    candidates: int = 30,
) -> list[list[Passage]]:
    """Return the passages of each question, in order; questions are embedded together."""
    vectors = embedder.embed(texts, "query")
    return [
        store.search(Query(text, tuple(map(float, vector)), limit, tuple(principals), where or {}, candidates))
        for text, vector in zip(texts, vectors, strict=True)
    ]
