"""The sign-flip test: if two candidates were equal, every group's difference would be as likely with its sign turned.

For pass rates where every case is a group of its own this is McNemar's exact test. Knows differences added up
within groups, and nothing else.

No p-value rises when a difference in favour of the one who leads grows: under each flip the sum grows at most as much
as the observed one. Advice relies on that. It holds for drawn flips, too, if every call draws the same ones: so draw
with equal seeds, and give groups without a difference as 0 instead of leaving them out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from groundtune.statistics.sample import Floats

MOST_STEPS = 100_000  # the longest table of sums that exact counting keeps
_TOLERANCE = 1e-9  # sums in another order differ in the last bits


def sign_flip(totals: Floats, resamples: int, rng: np.random.Generator, *, one_sided: bool = False) -> float:
    """Return the p-value of `totals`, (groups,), being centred on zero; `one_sided` against them being above it.

    Exact for whole totals, as pass rates have, and where the flips are no more than `resamples`; else from
    `resamples` random flips, as (c + 1) / (B + 1) (Phipson & Smyth 2010, doi:10.2202/1544-6115.1585).
    """
    sizes, observed = np.abs(totals[totals != 0]), float(totals.sum())
    least = (observed if one_sided else abs(observed)) - _TOLERANCE * float(sizes.sum())
    seen: Callable[[Floats], Floats] = (lambda sums: sums) if one_sided else np.abs
    if not len(sizes):
        return 1.0
    if np.all(sizes == np.round(sizes)) and sizes.sum() <= MOST_STEPS:
        sums, chance = _distribution(sizes.astype(np.int64))
        return min(1.0, float(chance[seen(sums) >= least].sum()))
    if 2 ** (len(sizes) - 1) <= resamples:
        return float(np.mean(seen(_every_sum(sizes)) >= least))
    signs = rng.integers(0, 2, (resamples, len(totals)), dtype=np.int8)
    flipped = seen(2 * (signs @ totals) - observed)
    return float((np.count_nonzero(flipped >= least) + 1) / (resamples + 1))


def _distribution(sizes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[Floats, Floats]:
    """Return all sums and their chances, adding the groups one by one (the shift algorithm of Streitberg & Röhmel)."""
    chance = np.zeros(int(sizes.sum()) + 1)  # of the positive totals' sum
    chance[0] = 1.0
    for size in sizes:
        chance[size:] = (chance[size:] + chance[:-size]) / 2
        chance[:size] /= 2
    sums: Floats = 2 * np.arange(len(chance), dtype=np.float64) - len(chance) + 1
    return sums, chance


def _every_sum(sizes: Floats) -> Floats:
    """Return the sum under each choice of signs, (2^groups,)."""
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    return sums
