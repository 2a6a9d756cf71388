"""Retrieval pipelines: what can be set, and what each of them did. Opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TypeVar

from groundtune.settings import Settings
from groundtune.values import Score

SettingValue = TypeVar("SettingValue")
_SEARCHES = {"hybrid": 2, "vectors": 1, "words": 1}
KEYS = {
    "embedding": "embedding.name",
    "chunk_size": "knowledge.chunk_size",
    "search": "knowledge.search",
    "reranker": "knowledge.reranker",
    "passages": "knowledge.passages",
}
"""The setting behind each part of a pipeline."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How passages are found: the five settings that `groundtune retrieval tune` tries."""

    embedding: str
    chunk_size: int
    search: str
    reranker: str
    passages: int

    @classmethod
    def of(cls, settings: Settings) -> Pipeline:
        """Return that of a project."""
        knowledge = settings.knowledge
        own = (knowledge.chunk_size, knowledge.search, knowledge.reranker, knowledge.passages)
        return cls(settings.embedding.name, *own)

    @property
    def steps(self) -> tuple[int, int]:
        """How many rerankings and how many searches each question takes."""
        return int(self.reranker != "none"), _SEARCHES[self.search]

    @property
    def told(self) -> str:
        """It in a few words."""
        order = "" if self.reranker == "none" else f", {self.reranker}"
        return f"{self.search}{order}, {self.passages} of {self.chunk_size}, {self.embedding}"

    def changes(self, present: Pipeline) -> dict[str, object]:
        """Return the settings in which it differs from another, by dotted key."""
        before = asdict(present)
        return {KEYS[part]: value for part, value in asdict(self).items() if value != before[part]}

    def applied(self, settings: Settings) -> Settings:
        """Return the settings with this pipeline."""
        own = {part: value for part, value in asdict(self).items() if part != "embedding"}
        embedding = settings.embedding.model_copy(update={"name": self.embedding})
        return settings.model_copy(
            update={"embedding": embedding, "knowledge": settings.knowledge.model_copy(update=own)}
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a pipeline did: the recall of each case, the median time of a question, and the mean length of the passages
    together, in characters."""

    pipeline: Pipeline
    scores: Sequence[Score]
    milliseconds: float
    characters: float

    @property
    def recall(self) -> float:
        """The mean over the cases."""
        values = [score.value for score in self.scores if score.value is not None]
        return sum(values) / len(values)

    def simpler_than(self, other: Measured) -> bool:
        """Tell whether it takes fewer steps of one kind, no more of the other and no more text, or the same steps and a
        tenth less text. A reranking is never made good by a search less: it takes most of a question's time.
        """
        steps, before = self.pipeline.steps, other.pipeline.steps
        if any(own > theirs for own, theirs in zip(steps, before, strict=True)):
            return False
        return self.characters < (0.9 if steps == before else 1.1) * other.characters

    def effort(self, present: Pipeline) -> tuple[float, ...]:
        """Return what sorts simpler pipelines first: no reranking, fewer searches, less text, fewer changes. Times are
        noisy.
        """
        return (*self.pipeline.steps, round(self.characters), len(self.pipeline.changes(present)))


def ways(present: Pipeline, settings: Settings, *, fixed_index: bool) -> list[Pipeline]:
    """Return the pipelines to try, in the order of what they cost: without a reranker first, then with it; of these the
    present index first, then others of the same embedder, then others.

    Each has the greatest number of passages: the others are parts of it. A service with an index of its own,
    `fixed_index`, finds and splits in its own way.
    """
    tried = settings.retrieval
    sizes = [present.chunk_size] if fixed_index else _first(present.chunk_size, tried.chunk_sizes)
    embeddings = [present.embedding] if fixed_index else _first(present.embedding, tried.embeddings)
    searches = [present.search] if fixed_index else _first(present.search, tried.searches)
    rerankers = _first(present.reranker, tried.rerankers)
    most = max(numbers(present, tried.passages))
    wide = replace(present, passages=most)
    return [
        replace(wide, embedding=embedding, chunk_size=size, search=search, reranker=reranker)
        for reranker, embedding, size, search in product(rerankers, embeddings, sizes, searches)
    ]


def numbers(present: Pipeline, tried: Sequence[int]) -> list[int]:
    """Return the numbers of passages to try, smallest first."""
    return sorted({present.passages, *tried})


def _first(present: SettingValue, others: Sequence[SettingValue]) -> list[SettingValue]:
    return list(dict.fromkeys([present, *others]))
