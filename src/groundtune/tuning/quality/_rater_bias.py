"""What pulls a rater's verdicts away from the items: the place of an answer, its length, and time.

Knows verdicts as numbers, see `_raters`. All tests are exact, or rank tests, and are corrected for the number of
raters. A rater is only named if the pull is large as well as proven, so that a million verdicts do not make a fault
of one in a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from groundtune.statistics.multiple import holm
from groundtune.tuning.quality._raters import LEVEL, Consensus, Floats, Integers, Verdicts

LEAST_PULL = 0.15  # difference of two shares, below which a pull is not worth a finding
LEAST_DRIFT = 0.1  # change of the agreement with the others


@dataclass(frozen=True, slots=True)
class Pull:
    """One rater's share of `count` verdicts, beside the share `expected` of a rater without the pull."""

    rater: int
    share: float
    expected: float
    count: int
    p_value: float


def by_position(rater: Integers, first: Integers) -> list[Pull]:
    """Return who chooses the answer shown first too often, or too seldom.

    `rater` and `first` are (pairs,): who chose, and whether the chosen answer was shown first. Answers are shown in
    random order, so half of the chosen ones should have been: the exact binomial test.
    """
    pulls = []
    for one in np.unique(rater):
        chosen = first[rater == one]
        tested = stats.binomtest(int(chosen.sum()), len(chosen))
        pulls.append(Pull(int(one), float(chosen.mean()), 0.5, len(chosen), float(tested.pvalue)))
    return _proven(pulls, LEAST_PULL)


def by_length(verdicts: Verdicts, agreed: Consensus, longer: Integers) -> list[Pull]:
    """Return who goes with the longer, or the shorter, answer where the others do not.

    `longer` is (n,): 1 if a verdict of 1 goes with length, -1 if a verdict of 0 does, 0 if neither. Only verdicts
    against the others are looked at: mistakes without a pull go with length as often as the others go against it.
    """
    against = (verdicts.verdict == 1) != (agreed.chance > 0.5)
    sure = (agreed.chance != 0.5) & (longer != 0)
    others_short = (agreed.chance > 0.5) != (longer > 0)
    pulls = []
    for rater in np.unique(verdicts.rater):
        own = verdicts.of(int(rater)) & sure
        wrong = own & against
        expected = float(others_short[own].mean()) if own.any() else 0.5
        if wrong.any() and 0 < expected < 1:
            long = int(np.sum((verdicts.verdict[wrong] == 1) == (longer[wrong] > 0)))
            count = int(wrong.sum())
            tested = stats.binomtest(long, count, expected)
            pulls.append(Pull(int(rater), long / count, expected, count, float(tested.pvalue)))
    return _proven(pulls, LEAST_PULL)


def by_length_alone(rater: Integers, long: Integers) -> list[Pull]:
    """Return who chooses the longer answer more, or less, often than all others do on their own pairs.

    For raters that share no pairs: `rater` and `long` are (pairs,), `long` whether the longer answer was chosen.
    Fisher's exact test, which takes for granted that pairs were assigned at random.
    """
    pulls = []
    raters = np.unique(rater)
    for one in raters if len(raters) > 1 else []:
        own, others = long[rater == one], long[rater != one]
        table = [[int(group.sum()), len(group) - int(group.sum())] for group in (own, others)]
        p_value = float(stats.fisher_exact(table).pvalue)
        pulls.append(Pull(int(one), float(own.mean()), float(others.mean()), len(own), p_value))
    return _proven(pulls, LEAST_PULL)


def by_time(verdicts: Verdicts, agreed: Consensus, when: Integers) -> list[Pull]:
    """Return who agrees with the others less, or more, later on; `share` is of the later half, `expected` the earlier.

    `when` is (n,), the order of the verdicts. The rank test of Mann & Whitney 1947 between the times of verdicts with
    and against the others.
    """
    sure = agreed.chance != 0.5
    alike = (verdicts.verdict == 1) == (agreed.chance > 0.5)
    pulls = []
    for rater in np.unique(verdicts.rater):
        own = np.flatnonzero(verdicts.of(int(rater)) & sure)
        own = own[np.argsort(when[own], kind="stable")]
        ranks: Floats = np.arange(len(own), dtype=np.float64)
        agreeing = alike[own]
        if 0 < agreeing.sum() < len(own):
            p_value = float(stats.mannwhitneyu(ranks[agreeing], ranks[~agreeing]).pvalue)
            half = len(own) // 2
            later, earlier = float(agreeing[half:].mean()), float(agreeing[:half].mean())
            pulls.append(Pull(int(rater), later, earlier, len(own), p_value))
    return _proven(pulls, LEAST_DRIFT)


def _proven(pulls: Sequence[Pull], least: float) -> list[Pull]:
    corrected = holm([pull.p_value for pull in pulls])
    return [
        replace(pull, p_value=p_value)
        for pull, p_value in zip(pulls, corrected, strict=True)
        if p_value <= LEVEL and abs(pull.share - pull.expected) >= least
    ]
