"""A sample of a stream of unknown length, of which each element is in it with the same probability."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

Streamed = TypeVar("Streamed")


class Reservoir(Generic[Streamed]):
    """At most `size` of the items offered: Vitter 1985, "Random Sampling with a Reservoir", algorithm R.

    >>> sample = Reservoir[int](2, np.random.default_rng(17))
    >>> for number in range(100):
    ...     sample.offer(number)
    >>> sample.offered, len(sample.items)
    (100, 2)
    """

    def __init__(self, size: int, rng: np.random.Generator) -> None:
        self.items: list[Streamed] = []
        self.offered = 0
        self._size = size
        self._rng = rng

    def offer(self, item: Streamed) -> None:
        """Take the item in, or leave it out."""
        self.offered += 1
        if len(self.items) < self._size:
            self.items.append(item)
            return
        place = int(self._rng.integers(self.offered))
        if place < self._size:
            self.items[place] = item
