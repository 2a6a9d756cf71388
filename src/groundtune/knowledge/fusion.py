"""Reciprocal rank fusion: one ranking out of several, from ranks alone.

Knows no store and no scores: word scores and cosines live on different scales, ranks do not.
Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods", SIGIR 2009.
"""

from __future__ import annotations

from collections.abc import Sequence

RANK_CONSTANT = 60  # k of the paper, which found results to be insensitive to it


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]], k: int = RANK_CONSTANT) -> list[tuple[str, float]]:
    """Return (item, score) of every ranked item, best first: score(d) = Σ 1 / (k + rank(d)), ranks from 1.

    Equal scores are ordered by the best single rank, then by the order of `rankings`, so that the result is the
    same on every machine. An item that one ranking names twice counts there at its better rank.

    >>> [item for item, _ in reciprocal_rank_fusion([["a", "b"], ["b", "c"]])]
    ['b', 'a', 'c']
    """
    scores: dict[str, float] = {}
    best: dict[str, tuple[int, int]] = {}
    for number, ranking in enumerate(rankings):
        for rank, item in enumerate(dict.fromkeys(ranking), start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (k + rank)
            best[item] = min(best.get(item, (rank, number)), (rank, number))
    return sorted(scores.items(), key=lambda pair: (-pair[1], best[pair[0]]))
