"""How small a difference a benchmark can find, and how many cases a difference needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from groundtune.statistics.sample import Method, paired, sampled
from groundtune.values import Score

POWER = 0.8  # the chance to find a difference that is there, for which cases are counted


def smallest_detectable_difference(
    sd: float, n: int, *, confidence: float = 0.95, power: float = POWER, groups: float = math.inf
) -> float:
    """Return the true difference that a two-sided test over `n` cases finds with probability `power`.

    `sd` is `paired_sd`: (z for alpha/2 + z for power) × sd ÷ √n (Miller 2024, arXiv:2411.00640, section 5). With
    `groups`, Student's t for that many groups replaces z: with 12 groups the difference is a tenth larger.
    """
    return _quantiles(1 - confidence, power, groups) * sd / math.sqrt(n)


def cases_needed(sd: float, difference: float, *, confidence: float = 0.95, power: float = POWER) -> int:
    """Return how many cases find a true `difference` with probability `power`: the inverse of the above, by z."""
    return math.ceil((_quantiles(1 - confidence, power) * sd / difference) ** 2)


def detectable_difference(
    scores: Mapping[str, Sequence[Score]], groups: Sequence[str], *, method: Method, power: float = POWER
) -> float | None:
    """Return what `compare_all` of these candidates would find with probability `power`: the median over all pairs.

    Corrected for the number of pairs. None where no pair has scores in two groups, or all pairs differ by the same in
    every group, which tells nothing; and for a number that is no mean of cases.
    """
    if method.total is not None:
        return None
    pairs = list(combinations(scores.values(), 2))
    detectable = []
    for pair in pairs:
        first, second, kept = paired(*pair, groups)
        if len(set(kept)) > 1:
            sample = sampled(second - first, kept)
            if sample.unanimous:
                continue
            quantiles = _quantiles(method.alpha / len(pairs), power, sample.freedom + 1)
            detectable.append(quantiles * sample.standard_error)
    return float(np.median(detectable)) if detectable else None


def _quantiles(alpha: float, power: float, groups: float = math.inf) -> float:
    from scipy import stats

    return float(stats.t.ppf(1 - alpha / 2, groups - 1) + stats.t.ppf(power, groups - 1))
