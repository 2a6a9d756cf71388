"""The whole content of a report, as one frozen value, which `report.json` is written from and read into.

Pure: `summary` computes it, the renderers beside this file read it. Texts of cases and answers (`rows`) are for the
page only: they are in no file besides it, as the records hold them.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, TypeAdapter

from groundtune.comparison.agent_results import AgentSection
from groundtune.comparison.recommend import Recommendation
from groundtune.evaluation.human.results import HumanReport
from groundtune.evaluation.scorers import known_scorers
from groundtune.protocols import Scorer
from groundtune.settings import ComparisonSettings
from groundtune.statistics import NoiseFloor
from groundtune.values import Answer, Case, Difference, Estimate, Failure, Score


@dataclass(frozen=True, slots=True)
class Measure:
    """What the report knows of a scorer: its words, its scale (lowest and highest value) and its signature."""

    signature: str
    title: str
    means: str
    misleads: str
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True


def measure(scorer: Scorer) -> Measure:
    """Return what the scorer says of itself."""
    words = scorer.words
    return Measure(scorer.signature, words.title, words.means, words.misleads, scorer.scale, scorer.higher_is_better)


def unknown_measure(name: str, signature: str = "") -> Measure:
    """Return what can be said of a scorer that a report names and that is not installed."""
    return Measure(signature, name, "A measure that is not installed here; see its signature.", "")


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

    first_token: Annotated[Spread | None, Field(alias="seconds_to_first_token")]
    total: Annotated[Spread | None, Field(alias="seconds")]
    machine: str = ""


_Counted = Annotated[int, Field(exclude_if=operator.not_)]


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Tokens over all answers of a run, as the model counts them.

    `reasoned` answers came with reasoning of `reasoning_words` words in all, and of `reasoning_tokens` where the model
    counts them; they are among `completion_tokens`. What is 0 of these is not written, as reports had none before.
    """

    prompt_tokens: int
    completion_tokens: int
    answers: int
    reasoned: _Counted = 0
    reasoning_words: _Counted = 0
    reasoning_tokens: _Counted = 0


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One candidate's run. `settings` tell what it is made of; `without_content` counts answers that say nothing."""

    name: str
    signature: str
    scores: Mapping[str, Estimate]
    latency: Latency
    usage: TokenUse
    abstained: int
    failed: int
    settings: Mapping[str, str] = field(default_factory=dict)
    without_content: int = 0


@dataclass(frozen=True, slots=True)
class BenchmarkFacts:
    """The cases that were run: `part` names the split, `unanswerable` counts cases that have no answer, `clarify` those
    that need a question back."""

    fingerprint: str
    cases: int
    part: str
    groups: int
    unanswerable: int
    clarify: int = 0

    @property
    def answerable(self) -> int:
        """How many cases have an answer."""
        return self.cases - self.unanswerable - self.clarify


@dataclass(frozen=True, slots=True)
class CaseScores:
    """One case's values: `scores[candidate][scorer]`, None where there is none."""

    id: str
    group: str
    answerable: bool
    scores: Mapping[str, Mapping[str, float | None]]
    clarify: bool = False


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case with every candidate's answer and scores, texts and reasons included: `scores[candidate][scorer]`."""

    case: Case
    answers: Mapping[str, Answer | Failure]
    scores: Mapping[str, Mapping[str, Score]]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Losses after `step` optimizer steps, None where they were not measured."""

    step: int
    train: Annotated[float | None, Field(alias="train_loss")] = None
    held_out: Annotated[float | None, Field(alias="eval_loss")] = None


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """How something was tuned: on top of what (`lineage`), for how long and on what, how many gates its data went
    through and which did not pass and were accepted, and what tuning measured, in sentences."""

    name: str
    technique: str
    lineage: tuple[str, ...]
    hours: float
    hardware: str
    gates: int = 0
    accepted: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve:
    """How an adapter was trained."""

    adapter: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class TagResult:
    """The deciding scorer on the `cases` that have a tag, by candidate."""

    tag: str
    cases: int
    scores: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Setting:
    """A resolved setting and where its value came from."""

    key: str
    value: str
    origin: str


def _with_floor(floors: Mapping[str, NoiseFloor]) -> dict[str, object]:
    written = TypeAdapter(Mapping[str, NoiseFloor]).dump_python(floors, mode="json")
    return {name: {**values, "floor": floors[name].floor} for name, values in written.items()}


@dataclass(frozen=True, slots=True)
class Repeat:
    """A candidate that was run twice, and how far both runs are apart, by scorer."""

    candidate: str
    floors: Annotated[Mapping[str, NoiseFloor], Field(alias="scorers"), PlainSerializer(_with_floor)]

    def floor(self, scorer: str) -> float:
        """Return the difference up to which nothing is called better."""
        return self.floors[scorer].floor if scorer in self.floors else 0.0


# --- what stands by name in the file and in order here --------------------------------------------


def _by_key(key: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Write a tuple of values as one object, by their `key`, in their order; read it back."""

    def read(given: Any) -> Any:  # noqa: ANN401 -- whatever stands in the file
        return [{key: name, **value} for name, value in given.items()] if isinstance(given, dict) else given

    def write(values: Sequence[Any]) -> dict[str, Any]:
        rows = [TypeAdapter(type(value)).dump_python(value, mode="json", by_alias=True) for value in values]
        return {row.pop(key): row for row in rows}

    return BeforeValidator(read), PlainSerializer(write)


def _measures(given: Any) -> Any:  # noqa: ANN401 -- whatever stands in the file
    """Read reports of 0.1, too, which told signatures only."""
    if not isinstance(given, dict) or not any(isinstance(value, str) for value in given.values()):
        return given
    known = known_scorers(ComparisonSettings())
    return {
        name: replace(measure(known[name]), signature=value) if name in known else unknown_measure(name, value)
        for name, value in given.items()
        if isinstance(value, str)
    }


def _without_comments(human: Mapping[str, HumanReport]) -> dict[str, Any]:
    """What raters wrote stays in the study."""
    told = {name: replace(study, comments=()) for name, study in human.items()}
    return dict(TypeAdapter(Mapping[str, HumanReport]).dump_python(told, mode="json"))


@dataclass(frozen=True, slots=True)
class Report:
    """The whole comparison. `scorers` are in the order to show; `comparisons` cover all of them.

    `agents` is what the candidates did as agents, None where none act. `human` holds what people said of these runs'
    answers, by study. `rows` are there only in a report that has just been made.
    """

    project: str
    created_at: datetime
    benchmark: BenchmarkFacts
    decide_by: str
    scorers: Annotated[Mapping[str, Measure], BeforeValidator(_measures)]
    candidates: Annotated[tuple[CandidateResult, ...], *_by_key("name")]
    comparisons: tuple[Difference, ...]
    recommendation: Recommendation
    cases: tuple[CaseScores, ...]
    curves: Annotated[tuple[Curve, ...], Field(alias="training")] = ()
    adapters: Annotated[tuple[AdapterFacts, ...], *_by_key("name")] = ()
    notes: tuple[str, ...] = ()
    settings: Annotated[tuple[Setting, ...], *_by_key("key")] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.95
    margin: float = 0.02
    detectable: Annotated[float | None, Field(alias="detectable_difference")] = None
    repeat: Annotated[Repeat | None, Field(alias="noise_floor")] = None
    by_tag: Annotated[tuple[TagResult, ...], *_by_key("tag")] = ()
    agents: Annotated[AgentSection | None, Field(exclude_if=lambda agents: agents is None)] = None
    human: Annotated[Mapping[str, HumanReport], PlainSerializer(_without_comments)] = field(default_factory=dict)
    rows: Annotated[tuple[CaseRow, ...], Field(exclude=True)] = ()

    @property
    def ordered_scorers(self) -> list[str]:
        """The deciding scorer, its parts, then the others that any candidate has, in the given order."""
        scored = dict.fromkeys(name for candidate in self.candidates for name in candidate.scores)
        present = [name for name in dict.fromkeys([*self.scorers, *scored]) if name in scored]
        return sorted(present, key=lambda name: (name != self.decide_by, not name.startswith(f"{self.decide_by}_")))

    def measure(self, scorer: str) -> Measure:
        """Return what is known of a scorer."""
        return self.scorers.get(scorer) or unknown_measure(scorer)


_REPORT = TypeAdapter(Report)


def as_json(report: Report) -> dict[str, object]:
    """Return the report as JSON types, without the texts of cases and answers, which the records hold."""
    return dict(_REPORT.dump_python(report, mode="json", by_alias=True))


def from_json(document: object) -> Report:
    """Return the report that was written as `document`. Raises pydantic's `ValidationError` if it is none."""
    return _REPORT.validate_python(document)
