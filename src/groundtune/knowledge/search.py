"""Asking a store: embeds the question, hands it over with the caller's principals, has the best passages reranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundtune.protocols import Embedder, KnowledgeStore, Reranker
from groundtune.values import Passage, Query


@dataclass(frozen=True, slots=True)
class Depth:
    """How far each step looks: chunks that vector and word search each propose, passages that are reranked, and
    passages that are returned."""

    limit: int
    reranked: int = 12
    candidates: int = 30


def search_many(
    store: KnowledgeStore,
    embedder: Embedder,
    texts: Sequence[str],
    depth: Depth,
    principals: Sequence[str],
    reranker: Reranker | None = None,
    where: Mapping[str, str] | None = None,
) -> list[list[Passage]]:
    """Return the passages of each question, in order; questions are embedded together.

    Only documents whose metadata equals every value of `where`, and that one of `principals` may read, are searched.
    """
    vectors = embedder.embed(texts, "query")
    fused = depth.limit if reranker is None else max(depth.limit, depth.reranked)
    found = [
        store.search(Query(text, tuple(map(float, vector)), fused, tuple(principals), where or {}, depth.candidates))
        for text, vector in zip(texts, vectors, strict=True)
    ]
    if reranker is None:
        return found
    return [
        rerank(reranker, text, passages, depth.reranked)[: depth.limit]
        for text, passages in zip(texts, found, strict=True)
    ]


def rerank(reranker: Reranker, text: str, passages: Sequence[Passage], number: int) -> list[Passage]:
    """Return `passages` with the first `number` of them in the reranker's order; equals keep theirs.

    Those carry the reranker's score; the others follow as they were, with the score of the fusion.
    """
    first = passages[:number]
    scores = reranker.score(text, first)
    ordered = [replace(first[index], score=float(scores[index])) for index in np.argsort(-scores, kind="stable")]
    return [replace(passage, rank=rank) for rank, passage in enumerate([*ordered, *passages[number:]], start=1)]
