"""All that a report says, as one frozen value, and the same as JSON.

Pure: the lead of a comparison puts the parts together; the renderers beside this file only read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from groundtune.comparison.recommend import Recommendation
from groundtune.evaluation.human.results import HumanReport
from groundtune.evaluation.statistics import NoiseFloor
from groundtune.values import Answer, Case, Difference, Estimate, Failure, Score


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 90th percentile of `n` measurements, in seconds."""

    median: float
    p90: float
    n: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds until the first token and until the whole answer, one question at a time, on `machine`.

    The machine is "unknown" for times of before it was noted, and empty where no time was measured.
    """

    first_token: Spread | None
    total: Spread | None
    machine: str = ""


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Tokens over all answers of a run, as the model counts them."""

    prompt_tokens: int
    completion_tokens: int
    answers: int


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One candidate's run. `scores` holds corpus measures (`corpus_bleu`) too, by scorer name."""

    name: str
    signature: str
    scores: Mapping[str, Estimate]
    latency: Latency
    usage: TokenUse
    abstained: int
    failed: int
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BenchmarkFacts:
    """The cases that were run: `part` names the split, `unanswerable` counts cases that have no answer."""

    fingerprint: str
    cases: int
    part: str
    groups: int
    unanswerable: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case with every candidate's answer and scores: `scores[candidate][scorer]`."""

    case: Case
    answers: Mapping[str, Answer | Failure]
    scores: Mapping[str, Mapping[str, Score]]


@dataclass(frozen=True, slots=True)
class Curve:
    """How an adapter was trained: (step, training loss, held-out loss), None where it was not measured."""

    adapter: str
    points: tuple[tuple[int, float | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """A resolved setting and where its value came from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Repeat:
    """A candidate that was run twice, and how far both runs are apart, by scorer."""

    candidate: str
    floors: Mapping[str, NoiseFloor]

    def floor(self, scorer: str) -> float:
        """Return the difference up to which nothing is called better."""
        return self.floors[scorer].floor if scorer in self.floors else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The whole comparison. `scorers` maps name to signature, in the order to show; `comparisons` cover all scorers.
    `human` holds what people said of these runs' answers, by study."""

    project: str
    created_at: datetime
    benchmark: BenchmarkFacts
    decide_by: str
    scorers: Mapping[str, str]
    candidates: tuple[CandidateResult, ...]
    comparisons: tuple[Difference, ...]
    recommendation: Recommendation
    cases: tuple[CaseRow, ...]
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.95
    margin: float = 0.02
    detectable: float | None = None
    repeat: Repeat | None = None
    human: Mapping[str, HumanReport] = field(default_factory=dict)

    @property
    def ordered_scorers(self) -> list[str]:
        """The deciding scorer, its parts, then the others that any candidate has, in the given order."""
        known = list(dict.fromkeys([*self.scorers, *(name for one in self.candidates for name in one.scores)]))
        present = [name for name in known if any(name in one.scores for one in self.candidates)]
        return sorted(present, key=lambda name: (name != self.decide_by, not name.startswith(f"{self.decide_by}_")))


def as_json(report: Report) -> dict[str, object]:
    """Return the report as JSON types, without the texts of cases and answers, which the records hold."""
    return {
        "project": report.project,
        "created_at": report.created_at.isoformat(),
        "benchmark": asdict(report.benchmark),
        "decide_by": report.decide_by,
        "confidence": report.confidence,
        "margin": report.margin,
        "detectable_difference": report.detectable,
        "candidates": {one.name: _candidate(one) for one in report.candidates},
        "noise_floor": _repeat(report.repeat) if report.repeat else None,
        "comparisons": [asdict(found) for found in report.comparisons],
        "recommendation": {
            **asdict(report.recommendation),
            "indistinguishable": list(report.recommendation.indistinguishable),
            "reasons": list(report.recommendation.reasons),
        },
        "scorers": dict(report.scorers),
        "cases": [_case(row) for row in report.cases],
        "training": [
            {
                "adapter": curve.adapter,
                "points": [
                    {"step": step, "train_loss": train, "eval_loss": held_out} for step, train, held_out in curve.points
                ],
            }
            for curve in report.curves
        ],
        "notes": list(report.notes),
        "settings": {one.key: {"value": one.value, "origin": one.origin} for one in report.settings},
        "versions": dict(report.versions),
        "human": {name: asdict(replace(found, comments=())) for name, found in report.human.items()},
    }


def _candidate(one: CandidateResult) -> dict[str, object]:
    return {
        "signature": one.signature,
        "scores": {name: asdict(found) for name, found in one.scores.items()},
        "latency": {
            "seconds_to_first_token": asdict(one.latency.first_token) if one.latency.first_token else None,
            "seconds": asdict(one.latency.total) if one.latency.total else None,
            "machine": one.latency.machine,
        },
        "usage": asdict(one.usage),
        "abstained": one.abstained,
        "failed": one.failed,
        "settings": dict(one.settings),
    }


def _repeat(repeat: Repeat) -> dict[str, object]:
    found = {name: {**asdict(noise), "floor": noise.floor} for name, noise in repeat.floors.items()}
    return {"candidate": repeat.candidate, "scorers": found}


def _case(row: CaseRow) -> dict[str, object]:
    return {
        "id": row.case.id,
        "group": row.case.group,
        "answerable": row.case.answerable,
        "scores": {
            candidate: {name: score.value for name, score in scores.items()} for candidate, scores in row.scores.items()
        },
    }
