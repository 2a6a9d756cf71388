"""Runs of n tokens that two texts share, each counted as often as in the text that has fewer of them.

What ROUGE-N and BLEU are made of, and where they would spend their time. Knows no metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence


def shared(left: Sequence[str], right: Sequence[str], n: int) -> int:
    """Return the number of shared runs of `n` tokens.

    >>> shared("a b a b".split(), "a b c a b a".split(), 2)
    3
    """
    one, other = set(_runs(left, n)), set(_runs(right, n))
    common = one & other
    if not common or len(one) == len(left) - n + 1 or len(other) == len(right) - n + 1:
        return len(common)  # where one text has each run once, no count is above one
    counts, others = Counter(_runs(left, n)), Counter(_runs(right, n))
    return sum([min(counts[run], others[run]) for run in common])


def shared_with_any(left: Sequence[str], rights: Sequence[Sequence[str]], n: int) -> int:
    """Return the number of runs of `left` that any of `rights` has, each as often as in the one that has it most."""
    if len(rights) == 1:
        return shared(left, rights[0], n)
    most: Counter[object] = Counter()
    for right in rights:
        most |= Counter(_runs(right, n))
    return (Counter(_runs(left, n)) & most).total()


def _runs(tokens: Sequence[str], n: int) -> Iterable[object]:
    return tokens if n == 1 else zip(*(tokens[start:] for start in range(n)), strict=False)
