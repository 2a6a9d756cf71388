"""Finding passages as the settings say, in whatever holds the documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundtune.comparing import VERSION
from groundtune.knowledge.retriever import Retriever
from groundtune.knowledge.search import Depth, retrieve_many, search_many
from groundtune.knowledge.spaces import Space
from groundtune.knowledge.widening import Widening
from groundtune.protocols import Embedder, KnowledgeStore, Reranker, Revisions
from groundtune.settings import KnowledgeSettings
from groundtune.values import Passage, Search


@dataclass(frozen=True, slots=True)
class PassageFinder:
    """All that passages are found with: a store, the embedder of its vectors and its spaces, or a retriever without
    either; the reranker, if any; and the texts that passages are widened with."""

    settings: KnowledgeSettings
    holder: KnowledgeStore | Retriever
    embedder: Embedder | None
    reranker: Reranker | None
    revisions: Revisions
    spaces: Sequence[Space] = ()

    def find(self, searches: Sequence[Search], limit: int | None = None) -> list[list[Passage]]:
        """Return the passages of each search, best first; `limit` of them at most, `[knowledge] passages` if None."""
        return self.shown(self.ranked(searches, limit or self.settings.passages), searches)

    def ranked(self, searches: Sequence[Search], limit: int) -> list[list[Passage]]:
        """Return the passages of each search as they are held. The first of many are the few that `limit` allows."""
        settings = self.settings
        depth = Depth(limit, settings.reranked, settings.candidates, settings.near_duplicates, settings.legs)
        if isinstance(self.holder, Retriever):
            return retrieve_many(self.holder, searches, depth, self.reranker)
        assert self.embedder is not None
        return search_many(self.holder, self.embedder, searches, depth, self.reranker, self.spaces)

    def shown(self, ranked: list[list[Passage]], searches: Sequence[Search]) -> list[list[Passage]]:
        """Return passages with what stands around them, as they are handed over."""
        store = self.holder if isinstance(self.holder, KnowledgeStore) else None
        widened = Widening(self.settings, self.revisions, store).widened(ranked, searches)
        return [[passage.judged(self.settings.least_confidence) for passage in passages] for passages in widened]

    @property
    def signature(self) -> str:
        """All that can change which passages are found, but for the documents."""
        settings = self.settings
        order = "none" if self.reranker is None else f"{settings.reranked}|{self.reranker.signature}"
        vectors = "" if self.embedder is None else self.embedder.signature
        ours = f"|{settings.search}|candidates:{settings.candidates}|words:{VERSION}|{vectors}" if vectors else ""
        media = "".join(f"|{space.signature}" for space in self.spaces)
        shown = f"near_duplicates:{settings.near_duplicates}|widen:{settings.widen}-{settings.widen_to}"
        return f"passages:{settings.passages}{ours}{media}|reranked:{order}|{shown}"
