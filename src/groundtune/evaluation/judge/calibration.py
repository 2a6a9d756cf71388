"""A judge compared with people: how far it agrees with them, how far they agree with one another, and its biases.

Computes from samples; asks no judge and reads no file. What decides is the judge's level against the median of
people's, which is less noisy than any one of them. "The judge with each person" and "each person with each other" are
the same figure over the same answers, so that the second shows what to expect of the first. Intervals are bootstrapped
over groups of cases.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from groundtune.evaluation.judge.pairwise import DuelVerdict, Unscored
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.evaluation.judge.samples import RatedSample
from groundtune.statistics.agreement import (
    FEW_GROUPS,
    RatingPair,
    alpha,
    bootstrap_interval,
    confusion,
    kappa,
    raw_agreement,
)
from groundtune.values import Failure

LEAST_ANSWERS = 30  # below, kappa's interval is about as wide as the scale of what is good and bad
PER_WORDS = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its interval; None where it is not defined."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """The judge's level against the median of people's. `table[i][j]`: judge said i + 1, people j + 1.

    `majority` is the raw agreement of always giving the commonest median. `raw_each` and `weighted_kappa_each` are of
    the judge with each person, over all ratings.
    """

    answers: int
    ratings: int
    raw: Figure
    kappa: Figure
    weighted_kappa: Figure
    raw_each: float | None
    weighted_kappa_each: float | None
    majority: float | None
    table: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Each person's level against each other's of the same answer; `alpha` is Krippendorff's, ordinal."""

    answers: int
    raters: int
    raw: float | None
    kappa: float | None
    weighted_kappa: float | None
    alpha: Figure


@dataclass(frozen=True, slots=True)
class Bias:
    """How much more than people the judge gives, on the scale from 0 to 1; None with the reason in `note`."""

    excess: Figure
    answers: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Pairs of answers asked in both orders: how often the judge preferred the same place in both.

    `undecided` counts pairs that it called equal in at least one order: a judge that always does follows no place.
    `p_value` is of the exact two-sided test that both places are preferred as often.
    """

    pairs: int
    failed: int
    unscored: int
    undecided: int
    first: int
    second: int
    p_value: float


Statistic = Callable[[list[RatedSample]], float | None]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made."""

    confidence: float
    resamples: int
    rng: np.random.Generator

    def figure(self, statistic: Statistic, samples: Sequence[RatedSample]) -> Figure:
        """Return the statistic with its interval over resampled groups; without one where groups are few."""
        value = statistic(list(samples))
        groups: dict[str, list[RatedSample]] = {}
        for sample in samples:
            groups.setdefault(sample.group, []).append(sample)
        if value is None or len(groups) < FEW_GROUPS:
            return Figure(value)
        ends = bootstrap_interval(
            lambda drawn: statistic([sample for group in drawn for sample in group]),
            list(groups.values()),
            confidence=self.confidence,
            resamples=self.resamples,
            rng=self.rng,
        )
        return Figure(value, *(ends or (None, None)))


def agreement(samples: Sequence[RatedSample], rubric: Rubric, bootstrap: Bootstrap) -> JudgeAgreement:
    """Return how far the judge agrees with people."""
    rated = [sample for sample in samples if sample.pairs]
    each = [pair for sample in rated for pair in sample.pairs]
    people = Counter(sample.consensus for sample in rated)
    return JudgeAgreement(
        len(rated),
        len(each),
        bootstrap.figure(lambda drawn: raw_agreement(_pairs(drawn)), rated),
        bootstrap.figure(lambda drawn: kappa(_pairs(drawn)), rated),
        bootstrap.figure(lambda drawn: kappa(_pairs(drawn), "quadratic"), rated),
        raw_agreement(each),
        kappa(each, "quadratic"),
        max(people.values()) / len(rated) if rated else None,
        confusion(_pairs(rated), range(1, len(rubric.levels) + 1)),
    )


def ceiling(samples: Sequence[RatedSample], bootstrap: Bootstrap) -> Ceiling:
    """Return how far people agree with one another; None throughout where nobody rated what another did."""
    shared = [sample for sample in samples if len(sample.people) > 1]
    pairs: list[RatingPair] = [pair for sample in shared for pair in permutations(sample.people.values(), 2)]
    raters = {rater for sample in samples for rater in sample.people}
    units = bootstrap.figure(lambda drawn: alpha([list(sample.people.values()) for sample in drawn], "ordinal"), shared)
    return Ceiling(len(shared), len(raters), raw_agreement(pairs), kappa(pairs), kappa(pairs, "quadratic"), units)


def length_bias(samples: Sequence[RatedSample], rubric: Rubric, bootstrap: Bootstrap) -> Bias:
    """Return how much more than people the judge gives for each `PER_WORDS` words beyond the ideal answer.

    The slope of the least-squares line through (words more than the ideal answer, judge minus people's mean). None
    where all answers are as long.
    """
    rated = [sample for sample in samples if sample.pairs]

    def slope(drawn: list[RatedSample]) -> float | None:
        excess = np.array([sample.excess for sample in drawn], dtype=np.float64) / PER_WORDS
        error = np.array([_error(sample, rubric) for sample in drawn])
        spread = float(((excess - excess.mean()) ** 2).sum()) if len(drawn) else 0.0
        return float(((excess - excess.mean()) * error).sum()) / spread if spread else None

    figure = bootstrap.figure(slope, rated)
    return Bias(
        figure,
        len(rated),
        ""
        if figure.value is not None
        else "no answer is rated, or all differ from the ideal answer by the same number of words",
    )


def self_preference(samples: Sequence[RatedSample], judge: str, rubric: Rubric, bootstrap: Bootstrap) -> Bias:
    """Return judge minus people on answers by models of the judge's own family, less the same on all others.

    None where either kind is missing. A family is what a model's name begins with: "qwen" of "qwen3-8b".
    """
    own = family(judge)
    rated = [sample for sample in samples if sample.pairs]

    def difference(drawn: list[RatedSample]) -> float | None:
        ours = [_error(sample, rubric) for sample in drawn if family(sample.model) == own]
        others = [_error(sample, rubric) for sample in drawn if family(sample.model) != own]
        return float(np.mean(ours) - np.mean(others)) if ours and others else None

    mine = sum(family(sample.model) == own for sample in rated)
    if not mine:
        return Bias(Figure(None), 0, f"no rated answer is by a model of the judge's family ({own})")
    if mine == len(rated):
        return Bias(Figure(None), mine, f"every rated answer is by a model of the judge's family ({own})")
    return Bias(bootstrap.figure(difference, rated), mine)


def position_bias(verdicts: Sequence[DuelVerdict | Unscored | Failure]) -> PositionBias:
    """Return how often the judge followed the place."""
    from scipy import stats

    flips = Counter(verdict.flip for verdict in verdicts if isinstance(verdict, DuelVerdict))
    first, second = flips["first"], flips["second"]
    p_value = float(stats.binomtest(first, first + second).pvalue) if first + second else 1.0
    failed = sum(isinstance(verdict, Failure) for verdict in verdicts)
    unscored = sum(isinstance(verdict, Unscored) for verdict in verdicts)
    undecided = sum(verdict == DuelVerdict("tie") for verdict in verdicts)
    return PositionBias(len(verdicts) - failed - unscored, failed, unscored, undecided, first, second, p_value)


def doubt(answers: int, weighted: float | None, least: float) -> str:
    """Return why a judge with this weighted kappa over `answers` is not trusted to decide, empty if it is."""
    if answers < LEAST_ANSWERS:
        return f"only {answers} of its scores were compared with human ratings, and at least {LEAST_ANSWERS} are needed"
    if weighted is None:
        return "its agreement with people is undefined: the judge and the people always gave the same level"
    if weighted < least:
        return f"it agrees too little with people: quadratic-weighted kappa is {weighted:.2f}, below {least:.2f}"
    return ""


def family(model: str) -> str:
    """Return what a model's name begins with, without scheme, organisation and vendor.

    >>> family("openai:Qwen/Qwen3-8B@http://localhost/v1"), family("bedrock:us.anthropic.claude-opus-4@us-east-1")
    ('qwen', 'claude')
    """
    own = (model.partition(":")[2] or model).partition("@")[0].rstrip("/").rpartition("/")[2].lower()
    own = re.sub(r"^(?:[a-z]+\.)+", "", own)
    return re.split(r"[^a-z]", own, maxsplit=1)[0] or own


def _pairs(samples: Sequence[RatedSample]) -> list[RatingPair]:
    """Return the judge's level and the median of people's for each answer that has both."""
    return [(sample.judge, sample.consensus) for sample in samples if sample.judge is not None and sample.people]


def _error(sample: RatedSample, rubric: Rubric) -> float:
    """Return judge minus people's mean, on the scale from 0 to 1."""
    people = [rubric.value(level) for level in sample.people.values()]
    return (sample.score or 0.0) - sum(people) / len(people)
