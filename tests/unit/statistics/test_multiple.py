"""Corrections for many tests: hand-computed values, and what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundtune.statistics.multiple import can_show, holm

p_values = st.lists(st.floats(0, 1), max_size=12)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.5]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@given(p_values)
def test_holm_is_between_none_and_bonferroni_and_keeps_order(given_values):
    corrected = holm(given_values)
    for value, after in zip(given_values, corrected, strict=True):
        assert value - 1e-12 <= after <= min(1, value * len(given_values)) + 1e-12
    order = np.argsort(given_values, kind="stable")
    assert list(np.array(corrected)[order]) == sorted(corrected)


def test_holm_is_holm():
    """Step by step: reject the smallest while it is at most level / tests left."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        values = list(rng.random(6) ** 3)
        rejected = set()
        for left, place in zip(range(6, 0, -1), np.argsort(values), strict=True):
            if values[place] > 0.05 / left:
                break
            rejected.add(int(place))
        assert {place for place, value in enumerate(holm(values)) if value <= 0.05} == rejected


def test_can_show_by_hand():
    """Tarone's example in small: three tests could never show anything, and do not cost the fourth its level."""
    assert can_show([0.5, 0.2, 0.1, 0.001], 0.05) == [False, False, False, True]
    assert can_show([0.02, 0.02], 0.05) == [True, True]
    assert can_show([0.03, 0.03], 0.05) == [False, False]
    assert can_show([], 0.05) == []


def test_false_alarms_stay_below_the_level():
    """Fisher's tests of many small tables without any difference."""
    rng, alarms, rounds = np.random.default_rng(2), 0, 400
    for _ in range(rounds):
        sizes = [3, 4, 5, 8, 30, 40]
        tables = [(int(rng.binomial(n, 0.3)), int(rng.binomial(n, 0.3)), n) for n in sizes]

        def chance(one, other, n):
            return float(stats.fisher_exact([[one, n - one], [other, n - other]]).pvalue)

        values = [chance(*table) for table in tables]
        least = [
            min(chance(count, one + other - count, n) for count in (max(0, one + other - n), min(n, one + other)))
            for one, other, n in tables
        ]
        able = can_show(least, 0.05)
        alarms += any(value <= 0.05 for value in holm([v for v, may in zip(values, able, strict=True) if may]))
    assert alarms / rounds < 0.05
