"""Runs of n tokens that two texts share, each counted as often as in the text that has fewer of them.

What ROUGE-N and BLEU are made of, and where they would spend their time; so it is counted for many pairs at once, by
sorting numbers. Exact: no two runs get the same number. Knows no metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

PAIRS_AT_ONCE = 256
_MOST = 2**62
TokenSequence = Sequence[str]
Integers = NDArray[np.int64]


def shared_runs(pairs: Sequence[tuple[TokenSequence, TokenSequence]], orders: Sequence[int]) -> Integers:
    """Return how many runs of each of `orders` tokens (in rising order) the two texts share, (pairs, orders).

    >>> shared_runs([("a b a b".split(), "a b c a b a".split())], (1, 2)).tolist()
    [[4, 3]]
    """
    parts = [_shared(pairs[start : start + PAIRS_AT_ONCE], orders) for start in range(0, len(pairs), PAIRS_AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, len(orders)), dtype=np.int64)


def shared_with_any(left: TokenSequence, rights: Sequence[TokenSequence], order: int) -> int:
    """Return how many runs of `left` any of `rights` has, each as often as in the one that has it most often."""
    most: Counter[TokenSequence] = Counter()
    for right in rights:
        most |= _runs(right, order)
    return (_runs(left, order) & most).total()


def _runs(tokens: TokenSequence, order: int) -> Counter[TokenSequence]:
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))


def _shared(pairs: Sequence[tuple[TokenSequence, TokenSequence]], orders: Sequence[int]) -> Integers:
    """All texts stand in one row. `runs` is the number of the run that begins at each token, one of `different`."""
    texts = [text for pair in pairs for text in pair]
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    flat = list(chain.from_iterable(texts))
    numbers = {token: number for number, token in enumerate(dict.fromkeys(flat))}
    tokens = np.fromiter(map(numbers.__getitem__, flat), np.int64, len(flat))
    place = np.repeat(np.arange(len(texts)), sizes)
    pair, side = place >> 1, place & 1
    to_end = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(flat))
    runs, different = np.zeros(len(flat), dtype=np.int64), 1
    counts = np.zeros((len(pairs), len(orders)), dtype=np.int64)
    for order in range(1, min(orders[-1], len(flat)) + 1):
        if different * len(numbers) * len(texts) > _MOST:
            ranks, runs = np.unique(runs, return_inverse=True)
            different = len(ranks)
        runs = runs[: len(flat) - order + 1] * len(numbers) + tokens[order - 1 :]
        different *= len(numbers)
        if order in orders:
            size = len(runs)
            keys = (pair[:size] * different + runs) * 2 + side[:size]
            counts[:, orders.index(order)] = _in_both(keys[to_end[:size] >= order], different, len(pairs))
    return counts


def _in_both(keys: Integers, different: int, pairs: int) -> Integers:
    """Return the sum over runs of the smaller of its two counts, for each pair; a key is pair, run and side."""
    if not len(keys):
        return np.zeros(pairs, dtype=np.int64)
    keys.sort()
    run = keys >> 1
    starts = np.flatnonzero(np.concatenate(([True], run[1:] != run[:-1])))
    counts = np.diff(starts, append=len(keys))
    in_second = np.add.reduceat(keys & 1, starts)
    fewer = np.minimum(counts - in_second, in_second)
    both = fewer > 0
    return np.bincount(run[starts[both]] // different, weights=fewer[both], minlength=pairs).astype(np.int64)
