"""Scores added up within groups, and how much their mean would differ on other groups. Knows no test and no verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from groundtune.errors import InputError, NotComparable
from groundtune.protocols import Scorer, Total
from groundtune.values import Score

Floats = NDArray[np.float64]
ROUNDING = 1e-12  # errors below are those of adding up


@dataclass(frozen=True, slots=True)
class Method:
    """How scores are compared: coverage of intervals, resamples of tests, and the difference that does not matter.

    `margin` is in the scorer's own unit: 0.02 on a scale from 0 to 1 is 2.0 on one from 0 to 100. `scale` is the lowest
    and highest value a score can have; without it, scores that all lie within 0 and 1 are taken to be on that scale.
    `total` turns sums of `Score.parts` into numbers where the number is not the mean of the cases.
    """

    confidence: float = 0.95
    resamples: int = 10_000
    margin: float = 0.02
    scale: tuple[float, float] | None = None
    total: Total | None = None

    @property
    def alpha(self) -> float:
        """The error rate that tests may have."""
        return 1 - self.confidence

    def on(self, scorer: Scorer) -> Method:
        """Return the method in the unit and on the scale of `scorer`; `margin` is a share of the scale here."""
        low, high = scorer.scale
        return replace(self, margin=self.margin * (high - low), scale=scorer.scale, total=scorer.total)


@dataclass(frozen=True)
class Sample:
    """Values that were scored, (n,), and added up within groups: `totals` and `counts` are (groups,)."""

    values: Floats
    totals: Floats
    counts: Floats

    @property
    def n(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.totals)

    @property
    def mean(self) -> float:
        """The mean over values, so that large groups weigh more."""
        return float(self.totals.sum() / self.counts.sum())

    @cached_property
    def influence(self) -> Floats:
        """What each group does to the mean, (groups,): the sum of squares is the jackknife's variance of the mean.

        The mean without group g differs by (total - mean x count) / (n - count). Unlike sums of squared residuals it
        does not come out too small with few groups of unequal size (MacKinnon, Nielsen & Webb 2023, arXiv:2301.04527).
        """
        left_out = (self.totals - self.mean * self.counts) / (self.counts.sum() - self.counts)
        return np.asarray(left_out * math.sqrt((self.groups - 1) / self.groups))

    @property
    def standard_error(self) -> float:
        """Of the mean; needs two groups."""
        return math.sqrt(float((self.influence**2).sum()))

    @property
    def unanimous(self) -> bool:
        """Whether all groups have the same mean, so that nothing tells how much others would differ; needs two."""
        return self.standard_error <= ROUNDING * max(1.0, float(np.abs(self.values).max()))

    @property
    def freedom(self) -> float:
        """Degrees of freedom: groups that count as equal ones (Kish's effective size, n² ÷ Σ n_g²), less one."""
        return max(1.0, float(self.counts.sum() ** 2 / (self.counts**2).sum()) - 1)


def sampled(values: Sequence[float] | Floats, groups: Sequence[str]) -> Sample:
    """Add `values` up within `groups`; both are (n,), n at least 1."""
    return added(np.asarray(values, dtype=np.float64), numbered(groups))


def numbered(groups: Sequence[str]) -> NDArray[np.int64]:
    """Return a number from 0 on for the group of every case, (n,)."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)


def added(values: Floats, groups: NDArray[np.int64]) -> Sample:
    """Add `values` up within numbered groups; both are (n,)."""
    totals = np.bincount(groups, weights=values).astype(np.float64)
    return Sample(values, totals, np.bincount(groups).astype(np.float64))


def clustered_sd(values: Sequence[float] | Floats, groups: Sequence[str]) -> float | None:
    """Return the standard deviation per case that gives the clustered standard error as sd / sqrt(n).

    Its square is the variance of the values times the design effect (Miller 2024, arXiv:2411.00640, section 2.2).
    None with fewer than two groups.
    """
    sample = sampled(values, groups)
    return sample.standard_error * math.sqrt(sample.n) if sample.groups > 1 else None


def paired_sd(baseline: Sequence[Score], challenger: Sequence[Score], groups: Sequence[str]) -> float | None:
    """Return `clustered_sd` of challenger minus baseline over the cases that both have a score for."""
    first, second, kept = paired(baseline, challenger, groups)
    return clustered_sd(second - first, kept) if kept else None


def paired(
    baseline: Sequence[Score], challenger: Sequence[Score], groups: Sequence[str]
) -> tuple[Floats, Floats, list[str]]:
    """Return the values of both, and the groups, of the cases that both have a score for."""
    kept = [
        (first.value, second.value, group)
        for first, second, group in zip(baseline, challenger, groups, strict=True)
        if first.value is not None and second.value is not None
    ]
    return np.array([row[0] for row in kept]), np.array([row[1] for row in kept]), [row[2] for row in kept]


def paired_off(
    baseline: Sequence[Score], challenger: Sequence[Score], filled: tuple[float, float] | None = None
) -> Floats:
    """Return challenger minus baseline for every case, (cases,), not a number where one has no score.

    With `filled`, a missing score counts as the first value for the baseline and the second for the challenger.
    Where neither was scored or failed, the scorer does not apply, and nothing is filled.
    """
    first, second = _values(baseline), _values(challenger)
    if filled is not None:
        failed = np.array([one.failed or other.failed for one, other in zip(baseline, challenger, strict=True)])
        applies = failed | ~np.isnan(first) | ~np.isnan(second)
        first = np.where(np.isnan(first) & applies, filled[0], first)
        second = np.where(np.isnan(second) & applies, filled[1], second)
    return second - first


def _values(scores: Sequence[Score]) -> Floats:
    return np.array([math.nan if score.value is None else score.value for score in scores], dtype=np.float64)


def all_totals(values: Floats, groups: Sequence[str]) -> Floats:
    """Add `values` up within groups, (groups,), what is not a number as 0: groups without any are kept."""
    return np.bincount(numbered(groups), weights=np.nan_to_num(values)).astype(np.float64)


def check(scores: Sequence[Score], groups: Sequence[str]) -> None:
    """Raise `NotComparable` if lengths differ and `InputError` for a score that is not a number."""
    if len(scores) != len(groups):
        raise NotComparable(
            f"{len(scores)} scores for {len(groups)} cases.", remedy="Score every candidate on the same cases."
        )
    for index, score in enumerate(scores):
        if score.value is not None and not math.isfinite(score.value):
            raise InputError(
                f"score {index} is {score.value}, which is not a number.",
                remedy="The scorer must return None for what it cannot score.",
            )
