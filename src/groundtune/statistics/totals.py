"""Numbers that are no mean of cases, such as corpus BLEU: intervals and tests by resampling whole groups.

What adds up over cases is `Score.parts`; `Method.total` turns sums of them into numbers. Neither a sign nor a
difference of cases can be tested, so groups are drawn with replacement for the interval, the same ones for both
candidates (paired bootstrap, Koehn 2004), widened for few groups as percentiles need (Hesterberg 2015, "What Teachers
Should Know About the Bootstrap", doi:10.1080/00031305.2015.1089789, section 3.2). The p-value exchanges the answers of
whole groups between both (approximate randomisation, Riezler & Maxwell 2005), as sacrebleu does case by case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundtune.protocols import Total
from groundtune.statistics.intervals import Interval, constant_interval
from groundtune.statistics.sample import Floats, Method
from groundtune.statistics.verdicts import DifferenceBasis
from groundtune.values import Estimate, Score

ScoreCounts = tuple[int, int, int]  # scored, unscored, failed
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class PairedParts:
    """Two candidates' parts on the cases that both have, added up within groups: (groups, parts) each."""

    baseline: Floats
    challenger: Floats
    cases: int
    same: bool

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.baseline)


@dataclass(frozen=True, slots=True)
class Tested:
    """A difference, its interval, its p-value, and what it rests on."""

    difference: float
    ends: Interval | None
    p_value: float
    basis: DifferenceBasis | None


def of_all(scores: Sequence[Score], groups: Sequence[str], method: Method, rng: np.random.Generator) -> Estimate:
    """Return the number over what was scored, with its interval; None for the ends with fewer than two groups."""
    kept = [(score.parts, group) for score, group in zip(scores, groups, strict=True) if score.value is not None]
    failed = sum(score.failed for score in scores if score.value is None)
    counts = (len(kept), len(scores) - len(kept) - failed, failed)
    if not kept:
        return Estimate(None, None, None, *counts)
    sums = _added([parts for parts, _ in kept], [group for _, group in kept])
    total = _total(method)
    low, high = None, None
    if len(sums) > 1:  # one group says nothing about how groups differ
        low, high = _percentiles(total(_draws(len(sums), method.resamples, rng) @ sums), len(sums), method.alpha)
    return Estimate(float(total(sums.sum(axis=0, keepdims=True))[0]), low, high, *counts)


def paired_parts(
    baseline: Sequence[Score], challenger: Sequence[Score], groups: Sequence[str]
) -> tuple[PairedParts | None, ScoreCounts]:
    """Return both candidates' sums, None if no case has both, and (scored, unscored, failed)."""
    pairs = list(zip(baseline, challenger, strict=True))
    places = [place for place, pair in enumerate(pairs) if None not in (pair[0].value, pair[1].value)]
    missing = [pair for pair in pairs if None in (pair[0].value, pair[1].value)]
    failed = sum(any(score.value is None and score.failed for score in pair) for pair in missing)
    counts = (len(places), len(missing) - failed, failed)
    if not places:
        return None, counts
    names = [groups[place] for place in places]
    first, second = ([scores[place].parts for place in places] for scores in (baseline, challenger))
    return PairedParts(_added(first, names), _added(second, names), len(places), first == second), counts


def tested(pair: PairedParts, method: Method, rng: np.random.Generator) -> Tested:
    """Return what can be said of challenger minus baseline; nothing but the difference with fewer than two groups."""
    total = _total(method)
    seen = float(np.diff(total(np.stack([pair.baseline.sum(axis=0), pair.challenger.sum(axis=0)])))[0])
    if pair.groups < 2:
        return Tested(seen, None, 1.0, None)
    if pair.same:  # of which no draw makes an interval: as with other scores, a share of groups unlike these may be
        ends = constant_interval(0.0, pair.groups, _span(method), method.alpha)
        return Tested(0.0, ends, 1.0, DifferenceBasis(pair.cases, pair.groups, 0.0, _span(method)))
    draws = _draws(pair.groups, method.resamples, rng)
    drawn = total(draws @ pair.challenger) - total(draws @ pair.baseline)
    ends = _percentiles(drawn, pair.groups, method.alpha)
    p_value = _exchanged(pair, seen, method, rng)
    return Tested(
        seen, ends, p_value, DifferenceBasis(pair.cases, pair.groups, float(drawn.std()) * math.sqrt(pair.cases))
    )


def _total(method: Method) -> Total:
    assert method.total is not None
    return method.total


def _span(method: Method) -> float:
    low, high = method.scale or (0.0, 1.0)
    return high - low


def _added(parts: Sequence[Sequence[float]], groups: Sequence[str]) -> Floats:
    names, places = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(names), len(parts[0])))
    np.add.at(sums, places, np.asarray(parts, dtype=np.float64))
    return sums


def _draws(groups: int, resamples: int, rng: np.random.Generator) -> Floats:
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(np.float64)


def _percentiles(drawn: Floats, groups: int, alpha: float) -> Interval:
    from scipy.special import ndtr, stdtrit

    widening = math.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, 1 - alpha / 2)
    tail = ndtr(-widening)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _exchanged(pair: PairedParts, seen: float, method: Method, rng: np.random.Generator) -> float:
    """Return (c + 1) ÷ (B + 1), c the exchanges with at least the difference seen (Phipson & Smyth 2010)."""
    total = _total(method)
    swapped = rng.integers(0, 2, (method.resamples, pair.groups)).astype(np.float64)
    moved = swapped @ (pair.challenger - pair.baseline)
    both = total(pair.challenger.sum(axis=0) - moved) - total(pair.baseline.sum(axis=0) + moved)
    return float((np.count_nonzero(np.abs(both) >= abs(seen) - _ROUNDING) + 1) / (method.resamples + 1))
