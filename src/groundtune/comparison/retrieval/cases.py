"""The cases that pipelines and encoders are measured on, and how."""

from __future__ import annotations

from collections.abc import Sequence

from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.settings import ComparisonSettings
from groundtune.statistics.sample import Method
from groundtune.values import Answer, Case, Passage, Search, Split, Usage

SEED = 17  # of the tests


def with_passages(benchmark: Benchmark, split: Split) -> list[Case]:
    """Return the answerable cases of one side that name their passages."""
    return [case for case in benchmark.part(split) if case.evidence and case.answerable]


def searches_of(cases: Sequence[Case], knowledge: KnowledgeBase) -> list[Search]:
    """Return what is searched for the cases, with their askers: follow-up questions in the words that serve."""
    texts = knowledge.rewriting([case.asked for case in cases])
    return [Search(text, case.asker) for text, case in zip(texts, cases, strict=True)]


def unanswered(passages: Sequence[Passage]) -> Answer:
    """Return an answer with these passages and no text: what scorers of retrieval look at."""
    return Answer("", abstained=False, usage=Usage(), passages=tuple(passages), support=0.0)


def method_of(settings: ComparisonSettings) -> Method:
    """Return how scores between 0 and 1 are compared in a project."""
    return Method(settings.confidence, settings.resamples, settings.margin, (0.0, 1.0))
