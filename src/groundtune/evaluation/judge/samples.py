"""Answers with what a judge and what people said of them, on one scale: what calibration computes with.

Knows answers, ratings and rubrics; asks no judge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.evaluation.predictions import PredictionLine
from groundtune.evaluation.ratings import Rating
from groundtune.files import read_jsonl
from groundtune.statistics.agreement import RatingPair
from groundtune.text import words
from groundtune.values import Answer, Case, Score

RatingScale = tuple[float, float]


class AnswerLine(PredictionLine):
    """One line of answers.jsonl: a prediction, whose it is, and optionally the model that wrote it."""

    candidate: str
    model: str = ""


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """One candidate's answer to one case; `model` is who wrote it."""

    case: Case
    name: str
    answer: Answer
    model: str


@dataclass(frozen=True, slots=True)
class RatedSample:
    """One answer: levels of the rubric, counted from 1. `judge` is None where the judge failed or does not apply.

    `excess` is how many words longer than the ideal answer it is; `score` the judge's in [0, 1].
    """

    group: str
    candidate: str
    model: str
    excess: int
    score: float | None
    judge: int | None
    people: Mapping[str, int]

    @property
    def consensus(self) -> int:
        """The median of people's levels, the upper one of two; there must be some."""
        return int(median(self.people.values()) + 0.5)

    @property
    def pairs(self) -> list[RatingPair]:
        """The judge's level with each person's."""
        return [] if self.judge is None else [(self.judge, level) for level in self.people.values()]


def load_answers(path: Path, benchmark: Benchmark) -> list[RatedAnswer]:
    """Read answers.jsonl. Raises `InputError` at an unknown id and at a second answer of a candidate to a case."""
    cases = {case.id: case for case in benchmark.cases}
    lines: dict[tuple[str, str], int] = {}
    answers = []
    for number, row in read_jsonl(path, AnswerLine):
        if row.id not in cases:
            raise InputError(
                f"the benchmark has no approved case `{row.id}`.", place=path, line=number, remedy="Correct the id."
            )
        key = (row.id, row.candidate)
        if key in lines:
            raise InputError(
                f"`{row.candidate}` answers `{row.id}` here and on line {lines[key]}.",
                place=path,
                line=number,
                remedy="Keep one answer per candidate and case.",
            )
        lines[key] = number
        answers.append(RatedAnswer(cases[row.id], row.candidate, row.value(), row.model or row.candidate))
    return answers


def check_ratings(ratings: Iterable[Rating], answers: Iterable[RatedAnswer], place: Path) -> None:
    """Raise `InputError` at a rating of an answer that is not there."""
    known = {(rated.case.id, rated.name) for rated in answers}
    for rating in ratings:
        if (rating.case, rating.candidate) not in known:
            raise InputError(
                f"`{rating.rater}` rated the answer of `{rating.candidate}` to `{rating.case}`, which does not exist.",
                place=place,
                remedy="Run `groundtune evaluate` for that candidate, or give the rated answers with --answers.",
            )


def make_samples(
    answers: Sequence[RatedAnswer],
    scores: Sequence[Score],
    ratings: Sequence[Rating],
    rubric: Rubric,
    scale: RatingScale,
) -> list[RatedSample]:
    """Put `scores[i]` of `answers[i]` and people's ratings by the rubric's criterion side by side.

    `scale` is the lowest and the highest value that people could give; it is laid evenly over the rubric's levels.
    Raises `InputError` for a rating outside of it.
    """
    people: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for rating in ratings:
        if rating.criterion == rubric.criterion:
            people[rating.case, rating.candidate][rating.rater] = _level(rating, rubric, scale)
    return [
        RatedSample(
            rated.case.group,
            rated.name,
            rated.model,
            len(words(rated.answer.prose)) - len(words(rated.case.ideal_answer)),
            score.value,
            None if score.value is None else rubric.level(score.value),
            people.get((rated.case.id, rated.name), {}),
        )
        for rated, score in zip(answers, scores, strict=True)
    ]


def _level(rating: Rating, rubric: Rubric, scale: RatingScale) -> int:
    low, high = scale
    if not low <= rating.value <= high:
        raise InputError(
            f"`{rating.rater}` gave case `{rating.case}` {rating.value:g} for {rating.criterion}, but the scale goes "
            f"from {low:g} to {high:g}.",
            remedy="Name the scale that people used, as in --scale 1,4.",
        )
    return rubric.level((rating.value - low) / (high - low))
