"""Orders drawn at random, from a generator that is passed in. Knows nothing of what is drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def mixed(values: Sequence[T], rng: np.random.Generator) -> list[T]:
    """Return the values in a random order."""
    return [values[index] for index in rng.permutation(len(values))]


def spread(values: Sequence[T], group: Callable[[T], Hashable], rng: np.random.Generator) -> list[T]:
    """Return the values in a random order in which every group comes once, then those that have more a second time."""
    turns: Counter[Hashable] = Counter()
    placed = []
    for value in mixed(values, rng):
        placed.append((turns[group(value)], value))
        turns[group(value)] += 1
    return [value for _, value in sorted(placed, key=lambda pair: pair[0])]  # a sort is stable
