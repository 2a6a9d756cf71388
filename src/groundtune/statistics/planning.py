"""What a benchmark can show, told before any run: the smallest difference it detects, and how many cases it lacks.

Knows numbers of cases, groups and candidates only. How much the differences of two candidates scatter from case to
case comes from an earlier run, or is assumed and said to be.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from groundtune.statistics import POWER, cases_needed, paired_sd, smallest_detectable_difference
from groundtune.values import Score

ASSUMED = (0.2, 0.3, 0.4, 0.5)  # standard deviations of a difference of two candidates' scores on one case
DIFFERENCES = (0.02, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Pilot:
    """What an earlier run tells: `sd` per case with its groups' likeness in it, the median over pairs of candidates."""

    sd: float
    candidates: tuple[str, ...]
    cases: int
    same_benchmark: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be told if differences scatter by `sd`.

    Pairs are (if cases of a group were independent, if they were all alike); the truth lies between. For a pilot,
    whose `sd` was measured with the groups, both are the same. `needed` is cases by difference. `detectable` is None
    with a single group: from one, nothing can be told about others.
    """

    sd: float
    detectable: tuple[float, float] | None
    needed: Mapping[float, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """What `cases` in `groups` can show of `candidates`, at `confidence` over all `comparisons` and with `power`.

    With fewer groups than `fewest_groups` no difference at all can be found, however large.
    """

    cases: int
    groups: int
    candidates: int
    comparisons: int
    confidence: float
    power: float
    fewest_groups: int
    pilot: Outlook | None
    assumed: tuple[Outlook, ...]


def plan(
    groups: Sequence[str],
    candidates: int,
    *,
    pilot: Pilot | None = None,
    unit: float = 1.0,
    confidence: float = 0.95,
    power: float = POWER,
) -> BenchmarkPlan | None:
    """Return what cases of these groups (one entry a case) can show, or None without cases or for one candidate.

    `unit` is the width of the deciding scorer's scale: 1, or 100 for BLEU. Corrected for the number of pairs of
    candidates.
    """
    comparisons = math.comb(candidates, 2)
    if not groups or not comparisons:
        return None
    corrected = 1 - (1 - confidence) / comparisons
    likeness = design_effect(groups)

    def outlook(sd: float, effect: float) -> Outlook:
        detectable = None
        if len(set(groups)) > 1:
            least = smallest_detectable_difference(
                sd, len(groups), confidence=corrected, power=power, groups=len(set(groups))
            )
            detectable = least, least * math.sqrt(effect)
        pairs = {}
        for difference in (unit * each for each in DIFFERENCES):
            count = cases_needed(sd, difference, confidence=corrected, power=power)
            pairs[difference] = (count, math.ceil(count * effect))
        return Outlook(sd, detectable, pairs)

    return BenchmarkPlan(
        cases=len(groups),
        groups=len(set(groups)),
        candidates=candidates,
        comparisons=comparisons,
        confidence=confidence,
        power=power,
        # of G groups the sign-flip test's smallest two-sided p-value is 2^-(G - 1)
        fewest_groups=math.ceil(1 + math.log2(comparisons / (1 - confidence)) - 1e-9),
        pilot=None if pilot is None else outlook(pilot.sd, 1.0),
        assumed=tuple(outlook(unit * sd, likeness) for sd in ASSUMED),
    )


def design_effect(groups: Sequence[str]) -> float:
    """Return how many times larger the variance of the mean is if all cases of a group score alike.

    With m cases in a group that is the sum of m² ÷ the sum of m: the variance of a sum of m equal values is m² times
    that of one.
    """
    counts = Counter(groups).values()
    return sum(count * count for count in counts) / sum(counts)


def pilot_sd(scores: Mapping[str, Sequence[Score]], groups: Sequence[str]) -> float | None:
    """Return the median of `paired_sd` over all pairs of candidates that differ; None where no pair can tell."""
    deviations = [paired_sd(first, second, groups) for first, second in combinations(scores.values(), 2)]
    known = [sd for sd in deviations if sd]
    return float(np.median(known)) if known else None
