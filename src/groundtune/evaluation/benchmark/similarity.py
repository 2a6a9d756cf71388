"""Texts that repeat one another: nearly the same questions, and long runs of words that two texts share.

Exact computations over words, no model and no sampling. Knows no cases and no files. What it cannot see: the same
question in wholly other words; and two questions that differ in one word only, and for that reason ask for
different things, look alike to it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

from groundtune.comparing import words

SHINGLE = 2  # words
# Of the 1,190 questions of XQuAD, 24 pairs are this alike: 5 are equal, half of the others ask the same.
NEAR = 0.5
RUN = 12  # words in a row that two people do not write by chance

T = TypeVar("T")
Shingles = frozenset[tuple[str, ...]]


def shingles(text: str) -> Shingles:
    """Return all runs of `SHINGLE` words of `text`; of a shorter text the whole.

    >>> sorted(shingles("What does it cost?"))
    [('does', 'it'), ('it', 'cost'), ('what', 'does')]
    """
    found = words(text) or (text.strip(),)
    return frozenset(found[start : start + SHINGLE] for start in range(max(1, len(found) - SHINGLE + 1)))


def jaccard(left: frozenset[T], right: frozenset[T]) -> float:
    """Return the share of what both have, of what any has: 1 for equal sets. One of them must hold something."""
    return len(left & right) / len(left | right)


def near_pairs(left: Sequence[str], right: Sequence[str], threshold: float = NEAR) -> Iterator[tuple[int, int, float]]:
    """Yield (index in left, index in right, Jaccard similarity) of all pairs at least `threshold` alike.

    Exact: two sets that alike share at least threshold × |left| shingles, so at least one of any
    |left| − threshold × |left| + 1 of them; only those that hold one of the rarest so many are compared.
    """
    sets = [shingles(text) for text in right]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, held in enumerate(sets):
        for shingle in held:
            holders[shingle].append(index)
    for index, text in enumerate(left):
        own = shingles(text)
        rarest = sorted(own, key=lambda shingle: (len(holders.get(shingle, ())), shingle))
        probed = rarest[: len(own) - math.ceil(threshold * len(own) - 1e-9) + 1]
        for other in sorted({other for shingle in probed for other in holders.get(shingle, ())}):
            alike = jaccard(own, sets[other])
            if alike >= threshold:
                yield index, other, alike


def shared_runs(left: Sequence[str], right: Sequence[str], length: int = RUN) -> Iterator[tuple[int, int, str]]:
    """Yield (index in left, index in right, words) of all pairs that share `length` words in a row or more.

    The words are the longest run that they share.
    """
    holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
    split = [words(text) for text in left]
    for index, own in enumerate(split):
        for run in _runs(own, length):
            holders[run].add(index)
    for other, text in enumerate(right):
        said = words(text)
        for index in sorted({index for run in _runs(said, length) for index in holders.get(run, ())}):
            yield index, other, " ".join(_longest(split[index], said))


def _runs(split: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    for start in range(len(split) - length + 1):
        yield tuple(split[start : start + length])


def _longest(left: Sequence[str], right: Sequence[str]) -> Sequence[str]:
    """Return the longest run of words that both have, the first of them."""
    match = SequenceMatcher(None, left, right, autojunk=False).find_longest_match()
    return left[match.a : match.a + match.size]
