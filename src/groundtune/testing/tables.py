"""A whole comparison from a table of scores: what would the report advise? For tests and simulations; no model runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from groundtune.assembly.candidates import Candidate, registered
from groundtune.comparison.report import Latency, Report
from groundtune.comparison.summary import Material, Run, summarise
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.protocols import ScorerDefaults, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Failure, Score, Usage

WORDS = Words("Table", "A score out of a table.", "It is whatever the table says.")


class TableScorer(ScorerDefaults):
    """A scorer by name, scale and direction; its scores stand in a table."""

    __slots__ = ("higher_is_better", "name", "scale", "signature", "words")

    def __init__(
        self, name: str = "table", scale: tuple[float, float] = (0.0, 1.0), *, higher_is_better: bool = True
    ) -> None:
        self.name, self.signature, self.words = name, f"{name}|version:1", WORDS
        self.scale, self.higher_is_better = scale, higher_is_better

    def score(self, case: Case, answer: Answer) -> Score:
        """Refuse: the scores are in the table already."""
        raise NotImplementedError


def report_of(
    scores: Mapping[str, Sequence[float | Score | None]],
    groups: Sequence[str] | None = None,
    *,
    scorer: TableScorer | None = None,
    settings: ComparisonSettings | None = None,
) -> Report:
    """Return the report on candidates with these scores; each case is a group of its own unless `groups` are given.

    A number is a score, None is unscored, and a `Score` is taken as it is: `Score(None, "why", failed=True)` failed.
    Names of registered candidates have their cost; others cost one part more than base.
    """
    scorer = scorer or TableScorer()
    columns = {name: [_score(value) for value in column] for name, column in scores.items()}
    number = len(next(iter(columns.values())))
    groups = groups or [f"group {place}" for place in range(number)]
    cases = tuple(
        Case(f"c{place}", f"Question {place}?", "Yes.", (), True, group, "test") for place, group in enumerate(groups)
    )
    known = registered()
    runs = tuple(
        Run(
            known.get(name, Candidate(name, (name,))),
            name,
            "table",
            {case.id: _outcome(score) for case, score in zip(cases, column, strict=True)},
            {scorer.name: column},
            Latency(None, None),
        )
        for name, column in columns.items()
    )
    settings = (settings or ComparisonSettings()).model_copy(update={"decide_by": scorer.name})
    benchmark = Benchmark(cases, "table")
    return summarise(Material("table", datetime(2026, 1, 1, tzinfo=UTC), benchmark, cases, (scorer,), runs, settings))


def _score(value: float | Score | None) -> Score:
    if isinstance(value, Score):
        return value
    return Score(None, "does not apply") if value is None else Score(float(value))


def _outcome(score: Score) -> Answer | Failure:
    return Failure(score.reason) if score.failed else Answer("Yes.", False, Usage(1, 1))
