"""In which order rows are trained on, and how many at once. Pure.

The order of a whole run is drawn in advance, so that a run that resumes sees the batches of an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POOL = 16  # batches over which rows are sorted by length


def data_order(lengths: Sequence[int], batch_size: int, steps: int, rng: np.random.Generator) -> list[int]:
    """Return the indices of the rows of `steps` batches, one batch after the other.

    Every row comes as often as any other, give or take one. Within `POOL` batches those of similar length go together,
    so that little is padded, and the batches come in random order.
    """
    total = batch_size * steps
    passes = -(-total // len(lengths))
    stream = np.concatenate([rng.permutation(len(lengths)) for _ in range(passes)])[:total].tolist()
    order: list[int] = []
    for start in range(0, total, POOL * batch_size):
        pool = sorted(stream[start : start + POOL * batch_size], key=lengths.__getitem__)
        places = rng.permutation(len(pool) // batch_size)
        order += [index for place in places for index in pool[place * batch_size : (place + 1) * batch_size]]
    return order


def microbatch(batch_size: int, most: int) -> int:
    """Return how many rows go through the model at once: the largest part of a batch, at most `most`.

    >>> microbatch(8, 5), microbatch(8, 0)
    (4, 1)
    """
    return max(rows for rows in range(1, batch_size + 1) if batch_size % rows == 0 and rows <= max(1, most))


def padded(lengths: Sequence[int], rows: int) -> int:
    """Return how many tokens the model sees when `lengths` go through it `rows` at a time, padding included.

    >>> padded([3, 5, 2, 2], 2)
    14
    """
    return sum(
        max(lengths[start : start + rows]) * len(lengths[start : start + rows])
        for start in range(0, len(lengths), rows)
    )
