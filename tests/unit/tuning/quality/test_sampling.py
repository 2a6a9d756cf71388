"""The reservoir: every element is in it with the same probability."""

from __future__ import annotations

import numpy as np

from groundtune.tuning.quality.sampling import Reservoir


def test_each_item_is_as_likely() -> None:
    counts = np.zeros(20)
    for seed in range(2000):
        sample = Reservoir[int](5, np.random.default_rng(seed))
        for number in range(20):
            sample.offer(number)
        counts[sample.items] += 1
    assert counts.sum() == 10_000
    assert abs(counts - 500).max() < 100  # more than five standard errors


def test_a_short_stream_is_kept_whole_and_in_order() -> None:
    sample = Reservoir[str](5, np.random.default_rng(1))
    for item in "abc":
        sample.offer(item)
    assert (sample.items, sample.offered) == (["a", "b", "c"], 3)
