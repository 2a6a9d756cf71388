"""What pulls a rater's verdicts away from the items: the place of an answer, its length, and time.

Knows verdicts as numbers, see `_raters`. All tests are exact, or rank tests, and are corrected for the number of
raters. A rater is only named if the pull is large as well as proven, so that a million verdicts do not make a fault
of one in a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundtune.statistics.multiple import holm
from groundtune.statistics.sample import Floats
from groundtune.tuning.quality._raters import LEVEL, Consensus, Numbers, Verdicts, likely

LEAST_PULL = 0.15  # difference of two shares, below which a pull is not worth a finding
MOST_EXACT = 1000  # verdicts: above, the normal distribution serves as well
LEAST_DRIFT = 0.1  # change of the agreement with the others


@dataclass(frozen=True, slots=True)
class Pull:
    """One rater's share of `count` verdicts, beside the share `expected` of a rater without the pull."""

    rater: int
    share: float
    expected: float
    count: int
    p_value: float


def by_position(rater: Numbers, first: Numbers) -> list[Pull]:
    """Return who chooses the answer shown first too often, or too seldom.

    `rater` and `first` are (pairs,): who chose, and whether the chosen answer was shown first. Answers are shown in
    random order, so half of the chosen ones should have been: the exact binomial test.
    """
    from scipy import stats

    pulls = []
    for chooser in np.unique(rater):
        chosen = first[rater == chooser]
        tested = stats.binomtest(int(chosen.sum()), len(chosen))
        pulls.append(Pull(int(chooser), float(chosen.mean()), 0.5, len(chosen), float(tested.pvalue)))
    return _proven(pulls, LEAST_PULL)


def by_length(verdicts: Verdicts, agreed: Consensus, longer: Numbers) -> list[Pull]:
    """Return who goes with the longer, or the shorter, answer more often than the items explain.

    `longer` is (n,): 1 if a verdict of 1 goes with length, -1 if a verdict of 0 does, 0 if neither. Expected is what a
    rater who errs as often would say, given what the others say of each item. The number that goes with length is then
    a sum of coins of known chances: the exact Poisson-binomial test, with its normal approximation where there are
    many.
    """
    chance = likely(verdicts, agreed)
    with_length = np.where(longer > 0, chance, 1 - chance)
    goes = (verdicts.verdict == 1) == (longer > 0)
    pulls = []
    for rater in np.unique(verdicts.rater):
        own = verdicts.of(int(rater)) & (longer != 0)
        if own.any():
            chances, count = with_length[own], int(goes[own].sum())
            share, expected = count / len(chances), float(chances.mean())
            pulls.append(Pull(int(rater), share, expected, len(chances), _two_sided(chances, count)))
    return _proven(pulls, LEAST_PULL)


def _two_sided(chances: Floats, count: int) -> float:
    """Return how likely a number as far out as `count` is among coins of these `chances`."""
    from scipy import stats

    if len(chances) <= MOST_EXACT:
        below = float(stats.poisson_binom.cdf(count, chances))
        above = float(stats.poisson_binom.sf(count - 1, chances))
    else:
        spread = stats.norm(chances.sum(), np.sqrt((chances * (1 - chances)).sum()))
        below, above = float(spread.cdf(count + 0.5)), float(spread.sf(count - 0.5))
    return min(1.0, 2 * min(below, above))


def by_length_alone(rater: Numbers, long: Numbers) -> list[Pull]:
    """Return who chooses the longer answer more, or less, often than all others do on their own pairs.

    For raters that share no pairs: `rater` and `long` are (pairs,), `long` whether the longer answer was chosen.
    Fisher's exact test, which takes for granted that pairs were assigned at random.
    """
    from scipy import stats

    pulls = []
    raters = np.unique(rater)
    for chooser in raters if len(raters) > 1 else []:
        own, others = long[rater == chooser], long[rater != chooser]
        table = [[int(group.sum()), len(group) - int(group.sum())] for group in (own, others)]
        p_value = float(stats.fisher_exact(table).pvalue)
        pulls.append(Pull(int(chooser), float(own.mean()), float(others.mean()), len(own), p_value))
    return _proven(pulls, LEAST_PULL)


def by_time(verdicts: Verdicts, agreed: Consensus, when: Numbers) -> list[Pull]:
    """Return who agrees with the others less, or more, later on; `share` is of the later half, `expected` the earlier.

    `when` is (n,), the order of the verdicts. The rank test of Mann & Whitney 1947 between the times of verdicts with
    and against the others.
    """
    from scipy import stats

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
