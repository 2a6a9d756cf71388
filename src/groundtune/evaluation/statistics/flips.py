"""The sign-flip test: if two candidates were equal, every group's difference would be as likely with its sign turned.

For pass rates where every case is a group of its own this is McNemar's exact test. Knows differences added up
within groups, and nothing else.
"""

from __future__ import annotations

import numpy as np

from groundtune.evaluation.statistics.sample import Floats

MOST_STEPS = 100_000  # the longest table of sums that exact counting keeps
_TOLERANCE = 1e-9  # sums in another order differ in the last bits


def sign_flip(totals: Floats, resamples: int, rng: np.random.Generator) -> float:
    """Return the two-sided p-value of `totals`, (groups,), being centred on zero.

    Exact for whole totals, as pass rates have, and where the flips are no more than `resamples`; else from
    `resamples` random flips, as (c + 1) / (B + 1) (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585).
    """
    sizes = np.abs(totals[totals != 0])
    observed = abs(float(totals.sum()))
    if not len(sizes):
        return 1.0
    if np.all(sizes == np.round(sizes)) and sizes.sum() <= MOST_STEPS:
        return _counted(sizes.astype(np.int64), observed)
    least = observed - _TOLERANCE * float(sizes.sum())
    if 2 ** (len(sizes) - 1) <= resamples:
        return float(np.mean(np.abs(_every_sum(sizes)) >= least))
    signs = rng.integers(0, 2, (resamples, len(sizes)), dtype=np.int8)
    flipped = np.abs(2 * (signs @ sizes) - sizes.sum())
    return float((np.count_nonzero(flipped >= least) + 1) / (resamples + 1))


def _counted(sizes: np.ndarray[tuple[int], np.dtype[np.int64]], observed: float) -> float:
    """Add the groups one by one to the distribution of the sum (the shift algorithm of Streitberg & Röhmel)."""
    chance = np.zeros(int(sizes.sum()) + 1)  # of the positive totals' sum
    chance[0] = 1.0
    for size in sizes:
        chance[size:] = (chance[size:] + chance[:-size]) / 2
        chance[:size] /= 2
    sums = 2 * np.arange(len(chance)) - len(chance) + 1
    return min(1.0, float(chance[np.abs(sums) >= observed].sum()))


def _every_sum(sizes: Floats) -> Floats:
    """Return the sum under each choice of signs, the first sign fixed, since both tails are counted."""
    sums = sizes[:1]
    for size in sizes[1:]:
        sums = np.concatenate([sums + size, sums - size])
    return sums
