"""Asking a store: embeds the question, hands it over with the asker's principals, leaves near duplicates out and has
the best passages reranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundtune.knowledge.near_duplicates import without_near_duplicates
from groundtune.knowledge.retriever import Retriever
from groundtune.knowledge.spaces import Space, join
from groundtune.protocols import Embedder, KnowledgeStore, Reranker
from groundtune.values import LEGS, Leg, Passage, Query, Search


@dataclass(frozen=True, slots=True)
class Depth:
    """How far each step looks: chunks that vector and word search each propose, passages that are reranked, and
    passages that are returned. `resemblance` is that of near duplicates, 0 where all passages are returned;
    `legs` are the ways that are searched."""

    limit: int
    reranked: int = 12
    candidates: int = 30
    resemblance: float = 0.0
    legs: tuple[Leg, ...] = LEGS

    def before(self, reranker: Reranker | None) -> int:
        """Return how many passages there must be before near duplicates are left out and the rest is reranked."""
        ranked = self.limit if reranker is None else max(self.limit, self.reranked)
        return max(ranked, self.candidates) if self.resemblance else ranked


def search_many(
    store: KnowledgeStore,
    embedder: Embedder,
    searches: Sequence[Search],
    depth: Depth,
    reranker: Reranker | None = None,
    spaces: Sequence[Space] = (),
) -> list[list[Passage]]:
    """Return the passages of each search, in order; texts are embedded together.

    Each search sees what its own asker may read, whoever else asks in the same batch. What `spaces` of pictures and
    recordings give comes in at the end: a reranker knows words only.
    """
    asked = {place: search for place, search in enumerate(searches) if search.file is None or search.text.strip()}
    vectors = embedder.embed([search.text for search in asked.values()], "query")
    fused = depth.before(reranker)
    results: list[list[Passage]] = [[] for _ in searches]
    for (place, search), vector in zip(asked.items(), vectors, strict=True):
        near, where, most = tuple(map(float, vector)), search.where, depth.candidates
        query = Query(search.text, near, fused, search.asker, where, most, depth.legs, search.without)
        results[place] = store.search(query)
    return join(store, spaces, searches, _ordered(results, searches, depth, reranker), depth.limit)


def retrieve_many(
    retriever: Retriever, searches: Sequence[Search], depth: Depth, reranker: Reranker | None = None
) -> list[list[Passage]]:
    """Return the passages of each search, in order, as `search_many` does."""
    return _ordered(retriever.retrieve(searches, depth.before(reranker)), searches, depth, reranker)


def _ordered(
    results: list[list[Passage]], searches: Sequence[Search], depth: Depth, reranker: Reranker | None
) -> list[list[Passage]]:
    different = [without_near_duplicates(passages, depth.resemblance) for passages in results]
    if reranker is not None:
        different = [
            rerank(reranker, search.text, passages, depth.reranked)
            for search, passages in zip(searches, different, strict=True)
        ]
    return [passages[: depth.limit] for passages in different]


def rerank(reranker: Reranker, text: str, passages: Sequence[Passage], number: int) -> list[Passage]:
    """Return `passages` with the first `number` of them in the reranker's order; equals keep theirs.

    Those carry the reranker's score; the others follow as they were, with the score of the fusion.
    """
    first = passages[:number]
    scores = reranker.score(text, first)
    ordered = [replace(first[index], score=float(scores[index])) for index in np.argsort(-scores, kind="stable")]
    return [replace(passage, rank=rank) for rank, passage in enumerate([*ordered, *passages[number:]], start=1)]
