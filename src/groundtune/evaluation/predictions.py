"""Scoring answers from anywhere: predictions.jsonl against a benchmark.

Knows the two file formats and the shape of `groundtune score --json`. Does not know how the answers were made, and
says so where it matters: abstention is scored only if the file tells who abstained, retrieval only if it names
passages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.remarks import remarks
from groundtune.evaluation.run import Outcome, score_answers
from groundtune.files import Name, read_jsonl
from groundtune.protocols import AnswerFact, Progress, Scorer, silent
from groundtune.reply import says_nothing
from groundtune.statistics import Method, estimate
from groundtune.values import Answer, Case, Estimate, Failure, Passage, Place, Score, Usage

REMEDIES: Mapping[AnswerFact, str] = {
    "abstention": 'Add "abstained": true or false to the lines.',
    "passages": 'Add "passages" to the lines.',
    "citations": "A file of answers has no citations: leave this scorer out.",
}
UNTOLD: Mapping[AnswerFact, Score] = {
    "abstention": Score(None, "the line does not tell whether the answer abstained"),
    "passages": Score(None, "the line names no passages"),
    "citations": Score(None, "a file of answers has no citations"),
}
MISSING = Failure("predictions.jsonl has no line for this case")


class PassageLine(BaseModel):
    """One entry of `passages`, best first. Without `text` the whole document was given."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(min_length=1)
    text: str = ""


class PredictionLine(BaseModel):
    """One line of predictions.jsonl."""

    model_config = ConfigDict(extra="forbid")

    id: Name
    answer: str
    passages: list[PassageLine] | None = None
    abstained: bool | None = None

    @property
    def facts(self) -> frozenset[AnswerFact]:
        """What the line tells besides the text. An empty list of passages tells that nothing was found."""
        told: dict[AnswerFact, bool] = {"abstention": self.abstained is not None, "passages": self.passages is not None}
        return frozenset(fact for fact, is_told in told.items() if is_told)

    def value(self) -> Answer:
        """Return the answer as if groundtune had given it."""
        passages = tuple(
            Passage(given.document, Place(0, len(given.text)), given.text, "", rank, 1 / rank)
            for rank, given in enumerate(self.passages or [], start=1)
        )
        return Answer(
            self.answer,
            bool(self.abstained),
            Usage(),
            passages,
            support=None if self.passages is None else 0.0,  # tells a search that found nothing from no search
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """Answers by case id, what each line tells besides its text, and what any line of the file at `path` does."""

    answers: dict[str, Answer]
    told: dict[str, frozenset[AnswerFact]]
    facts: frozenset[AnswerFact]
    path: Path

    def refuse_unfounded(self, scorers: Sequence[Scorer]) -> None:
        """Raise `InputError` if one of `scorers` would give false values because no line tells a fact that it needs."""
        for scorer in scorers:
            missing = sorted(scorer.needs - self.facts)
            if scorer.strict and missing:
                raise InputError(
                    f"`{scorer.name}` needs information on {missing[0]}, and no line has it.",
                    place=self.path,
                    remedy=REMEDIES[missing[0]],
                )


@dataclass(frozen=True, slots=True)
class ScoredCase:
    """One case's values by scorer, None where there is none, and the reason for each of those; also what a scorer has
    to say for a value."""

    id: str
    group: str
    scores: Mapping[str, float | None]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScoredBenchmark:
    """The benchmark that was scored."""

    fingerprint: str
    cases: int


@dataclass(frozen=True, slots=True)
class Scoring:
    """What `groundtune score` finds: the same shape in Python, in its JSON, and where a gate reads it back.

    `summary` holds what is no mean of cases too, such as corpus BLEU; `cases` do not. `notes` say what the values rest
    on, such as texts that an encoder read in part. `without_content` names the cases whose answers neither say anything
    nor that it is not known.
    """

    summary: Mapping[str, Estimate]
    cases: tuple[ScoredCase, ...]
    signatures: Mapping[str, str]
    benchmark: ScoredBenchmark
    notes: tuple[str, ...] = ()
    without_content: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it as JSON types."""
        return dict(_SCORING.dump_python(self, mode="json"))


_SCORING = TypeAdapter(Scoring)


def read_scoring(document: object) -> Scoring:
    """Return the scoring that was written as `document`. Raises pydantic's `ValidationError` if it is none."""
    return _SCORING.validate_python(document)


def load_predictions(path: Path, benchmark: Benchmark) -> Predictions:
    """Read predictions.jsonl. Raises `InputError` at an id that stands twice or that the benchmark does not have."""
    known = {case.id for case in benchmark.cases}
    lines: dict[str, int] = {}
    rows = read_jsonl(path, PredictionLine)
    for number, row in rows:
        if row.id not in known:
            raise InputError(
                f"the benchmark has no approved case `{row.id}`.", place=path, line=number, remedy="Correct the id."
            )
        if row.id in lines:
            raise InputError(
                f"`{row.id}` is answered here and on line {lines[row.id]}.",
                place=path,
                line=number,
                remedy="Keep one answer per case.",
            )
        lines[row.id] = number
    facts: set[AnswerFact] = set()
    if any(row.passages for _, row in rows):
        facts.add("passages")
    if any(row.abstained is not None for _, row in rows):
        facts.add("abstention")
    answers, told = {row.id: row.value() for _, row in rows}, {row.id: row.facts for _, row in rows}
    return Predictions(answers, told, frozenset(facts), path)


def score_predictions(
    benchmark: Benchmark,
    predictions: Predictions,
    scorers: Sequence[Scorer],
    *,
    method: Method,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> Scoring:
    """Return what `groundtune score` finds; a case without a prediction has failed with every scorer.

    A case whose line lacks a fact that a scorer needs is unscored with that scorer, with the reason.
    """
    pairs: list[tuple[Case, Outcome]] = [(case, predictions.answers.get(case.id, MISSING)) for case in benchmark.cases]
    untold = {scorer.name: _untold(predictions, scorer) for scorer in scorers}
    scores = score_answers(scorers, pairs, untold, lambda scorer, new: None, progress=progress)
    groups = [case.group for case, _ in pairs]
    summary = {
        scorer.name: estimate(list(scores[scorer.name].values()), groups, method=method.on(scorer), rng=rng)
        for scorer in scorers
    }
    by_case = {scorer.name: scores[scorer.name] for scorer in scorers if scorer.total is None}
    return Scoring(
        summary,
        tuple(_scored(case, {name: values[case.id] for name, values in by_case.items()}) for case, _ in pairs),
        {scorer.name: scorer.signature for scorer in scorers},
        ScoredBenchmark(benchmark.fingerprint, len(pairs)),
        tuple(remarks({name: list(values.values()) for name, values in scores.items()})),
        tuple(
            case.id for case, outcome in pairs if isinstance(outcome, Answer) and says_nothing(outcome, case.question)
        ),
    )


def _untold(predictions: Predictions, scorer: Scorer) -> dict[str, Score]:
    """Return the score of each case whose line lacks a fact that `scorer` needs."""
    missing = {id: sorted(scorer.needs - told) for id, told in predictions.told.items()}
    return {id: UNTOLD[facts[0]] for id, facts in missing.items() if facts}


def _scored(case: Case, scores: Mapping[str, Score]) -> ScoredCase:
    return ScoredCase(
        case.id,
        case.group,
        {name: score.value for name, score in scores.items()},
        {name: score.reason for name, score in scores.items() if score.value is None or score.reason},
    )
