"""Random orders: everything comes once, groups take turns, and chance decides the rest."""

from collections import Counter

import numpy as np
import pytest

from groundtune.drawing import mixed, spread


def test_the_seed_decides_and_nothing_is_lost():
    orders = {tuple(mixed("abcdef", np.random.default_rng(seed))) for seed in range(20)}
    assert len(orders) > 15
    assert {"".join(sorted(order)) for order in orders} == {"abcdef"}
    assert mixed("abcdef", np.random.default_rng(3)) == mixed("abcdef", np.random.default_rng(3))


@pytest.mark.parametrize("seed", range(10))
def test_at_any_point_every_group_that_has_more_has_come_as_often(seed):
    values = ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]
    order = spread(values, lambda value: value[0], np.random.default_rng(seed))
    assert sorted(order) == values
    sizes = Counter(value[0] for value in values)
    for end in range(1, len(order)):
        come = Counter(value[0] for value in order[:end])
        left = [come[group] for group in sizes if come[group] < sizes[group]]
        assert max(come.values()) - min(left) <= 1


def test_chance_decides_which_of_a_group_comes_first():
    firsts = Counter(spread(["a1", "a2"], lambda value: value[0], np.random.default_rng(n))[0] for n in range(400))
    assert 150 < firsts["a1"] < 250
