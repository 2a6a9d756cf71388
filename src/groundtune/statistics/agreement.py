"""How far people, or a judge and people, agree beyond chance: agreement, kappa, alpha, and their intervals.

Knows numbers only: no case, no file, no judge. Values are ratings on any scale; None stands where a figure is not
defined, as kappa is not where everybody always said the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

import numpy as np

from groundtune.statistics.sample import Floats

RatingPair = tuple[float, float]
Level = Literal["nominal", "ordinal", "interval"]
T = TypeVar("T")
FEW_GROUPS = 10  # below, resampling covers badly: no interval is given
MOST_UNDEFINED = 0.1  # share of resamples without a figure, above which the interval would be of other data


def raw_agreement(pairs: Sequence[RatingPair]) -> float | None:
    """Return the share of `pairs` whose values are equal; None without pairs."""
    return sum(first == second for first, second in pairs) / len(pairs) if pairs else None


def kappa(pairs: Sequence[RatingPair], weights: Literal["none", "quadratic"] = "none") -> float | None:
    """Return Cohen's kappa of two raters; `pairs` holds what both said of each item.

    Quadratic weights are the squared differences of the values themselves, so that levels nobody used change
    nothing; with levels one apart this is the usual figure. None where chance alone would always agree.

    Source: Cohen 1960, doi:10.1177/001316446002000104; with weights Cohen 1968, doi:10.1037/h0026256.
    """
    if len({value for pair in pairs for value in pair}) < 2:
        return None
    first, second = np.array(pairs, dtype=np.float64).T
    if weights == "quadratic":
        by_chance = first.var() + second.var() + (first.mean() - second.mean()) ** 2  # mean over all pairs of values
        return float(1 - np.mean((first - second) ** 2) / by_chance)
    shares = [np.count_nonzero(first == value) * np.count_nonzero(second == value) for value in np.unique(first)]
    return float(1 - np.mean(first != second) / (1 - sum(shares) / len(pairs) ** 2))


def confusion(pairs: Sequence[RatingPair], levels: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """Return how often each pair of levels came: `table[i][j]` counts (levels[i], levels[j])."""
    return tuple(tuple(sum(pair == (row, column) for pair in pairs) for column in levels) for row in levels)


def alpha(units: Sequence[Sequence[float]], level: Level) -> float | None:
    """Return Krippendorff's alpha; `units[i]` holds the values that any number of raters gave to item i.

    Missing ratings are simply not in it; items with fewer than two ratings say nothing and count nowhere. None where
    no item has two ratings, or all values are equal.

    Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", repository.upenn.edu/asc_papers/43.
    """
    paired = [unit for unit in units if len(unit) > 1]
    if not paired:
        return None
    values, places = np.unique(np.concatenate([np.asarray(unit, float) for unit in paired]), return_inverse=True)
    rows = np.repeat(np.arange(len(paired)), [len(unit) for unit in paired])
    counts = np.zeros((len(paired), len(values)))
    np.add.at(counts, (rows, places), 1)
    per_unit = counts.sum(axis=1) - 1
    coincidences = counts.T @ (counts / per_unit[:, None]) - np.diag((counts / per_unit[:, None]).sum(axis=0))
    totals = counts.sum(axis=0)
    apart = _distances(values, totals, level)
    expected = float((np.outer(totals, totals) * apart).sum() / (totals.sum() - 1))
    return None if expected == 0 else 1 - float((coincidences * apart).sum()) / expected


def bootstrap_interval(
    statistic: Callable[[list[T]], float | None],
    items: Sequence[T],
    *,
    confidence: float,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[float, float] | None:
    """Return the percentile interval of `statistic` over resampled `items` (what is independent: items, or groups).

    None with fewer than two items, or where the statistic is undefined for more than a tenth of the resamples.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
    """
    if len(items) < 2:
        return None
    draws = rng.integers(0, len(items), (resamples, len(items)))
    values = [value for draw in draws if (value := statistic([items[index] for index in draw])) is not None]
    if len(values) < (1 - MOST_UNDEFINED) * resamples:
        return None
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _distances(values: Floats, totals: Floats, level: Level) -> Floats:
    """Return the squared difference of each two of the sorted `values`, (values, values); section D of the source."""
    if level == "nominal":
        return 1 - np.eye(len(values))
    # ordinal: the ratings that lie between two values, half of those at each end
    places = np.cumsum(totals) - totals / 2 if level == "ordinal" else values
    apart: Floats = (places[:, None] - places[None, :]) ** 2
    return apart
