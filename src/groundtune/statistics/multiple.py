"""Many tests at once: p-values that hold for all of them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the given order: Holm's step-down of Bonferroni's correction.

    The chance of any false alarm is at most the level that the results are held against, however the tests depend on
    one another. `verdicts.corrected` is Bonferroni's, for candidates that are ranked against each other.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(np.asarray(p_values, dtype=np.float64), kind="stable")
    left = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(np.asarray(p_values, dtype=np.float64)[order] * left) if len(order) else order
    result = np.empty(len(p_values))
    result[order] = np.minimum(1.0, stepped)
    return [float(value) for value in result]


def can_show(least: Sequence[float], level: float) -> list[bool]:
    """Return which of several exact tests could show anything at `level`, after correction for those that could.

    `least` holds the smallest p-value that each test can give with its counts of cases. Tests with too few cases need
    not be paid for: which those are, the counts say beforehand, whatever the outcomes are.

    Source: Tarone 1990, "A Modified Bonferroni Method for Discrete Data", Biometrics 46.
    """
    for tests in range(1, len(least) + 1):
        able = [chance <= level / tests for chance in least]
        if sum(able) <= tests:
            return able
    return [False] * len(least)
