"""Corpus BLEU of candidates against one another, on the cases that both answered.

BLEU over all answers is no mean of cases, so neither a sign nor a difference of cases can be tested. What it is made
of can: n-gram counts and lengths, added up within groups. The interval resamples groups, the same ones for both
candidates (paired bootstrap, Koehn 2004), widened for few groups as percentiles need (Hesterberg 2015, "What Teachers
Should Know About the Bootstrap", doi:10.1080/00031305.2015.1089789, section 3.2). The p-value exchanges the answers of
whole groups between both (approximate randomisation, Riezler & Maxwell 2005), as sacrebleu does case by case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from groundtune.evaluation.scorers.bleu import _counts
from groundtune.evaluation.statistics import Evidence, Method, judged
from groundtune.evaluation.statistics.intervals import constant_interval
from groundtune.values import Answer, Case, Difference, Estimate, Failure

NAME, SPAN = "corpus_bleu", 100.0
Floats = NDArray[np.float64]
Outcomes = Mapping[str, Answer | Failure]


def compare_corpus_bleu(
    outcomes: Mapping[str, Outcomes],
    cases: Sequence[Case],
    *,
    method: Method,
    rng: np.random.Generator,
    floor: float = 0.0,
) -> list[Difference]:
    """Return challenger minus baseline in corpus BLEU for every pair, the earlier candidate as baseline.

    `outcomes` maps candidate and case id to what was answered. P-values are corrected by Holm's method, and no
    difference up to `floor` is called better or worse.
    """
    scored = [case for case in cases if case.ideal_answers]
    counts = {name: _by_case(found, scored) for name, found in outcomes.items()}
    found = [
        _difference(pair, (counts[pair[0]], counts[pair[1]]), scored, len(cases), (method, rng))
        for pair in combinations(outcomes, 2)
    ]
    return judged([one for one, _ in found], [evidence for _, evidence in found], method, floor)


def bleu(counts: Floats) -> Floats:
    """Return BLEU, (n,), of counts, (n, 10): matches of order 1 to 4, totals of order 1 to 4, both lengths.

    As sacrebleu computes it with `smooth_method="exp"`: the k-th order without a match counts as 1 ÷ 2^k matches.
    """
    correct, total, given, wanted = counts[:, :4], counts[:, 4:8], counts[:, 8], counts[:, 9]
    none = correct == 0
    smoothed = np.where(none, 0.5 ** np.cumsum(none, axis=1), correct)
    whole = (total > 0).all(axis=1) & ~none.all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(smoothed / total).mean(axis=1))
        brevity = np.where(given < wanted, np.exp(1 - wanted / given), 1.0)
    return np.where(whole, 100 * brevity * precision, 0.0)


def _by_case(outcomes: Outcomes, cases: Sequence[Case]) -> dict[str, Floats]:
    answered = [(case, outcome) for case in cases if isinstance(outcome := outcomes[case.id], Answer)]
    counts = _counts([(answer.prose, case.ideal_answers) for case, answer in answered])
    return {case.id: np.array(found, dtype=np.float64) for (case, _), found in zip(answered, counts, strict=True)}


def _difference(
    names: tuple[str, str],
    counts: tuple[Mapping[str, Floats], Mapping[str, Floats]],
    scored: Sequence[Case],
    cases: int,
    chance: tuple[Method, np.random.Generator],
) -> tuple[Difference, Evidence | None]:
    method, rng = chance
    kept = [case for case in scored if case.id in counts[0] and case.id in counts[1]]
    missing = (len(kept), cases - len(scored), len(scored) - len(kept))
    if not kept:
        return Difference(NAME, *names, Estimate(None, None, None, *missing), 1.0, "cannot tell"), None
    groups, index = np.unique([case.group for case in kept], return_inverse=True)
    one, other = (np.zeros((len(groups), 10)) for _ in names)
    np.add.at(one, index, [counts[0][case.id] for case in kept])
    np.add.at(other, index, [counts[1][case.id] for case in kept])
    seen = float(np.diff(bleu(np.stack([one.sum(axis=0), other.sum(axis=0)])))[0])
    if len(groups) < 2:
        return Difference(NAME, *names, Estimate(seen, None, None, *missing), 1.0, "cannot tell"), None
    if all((counts[0][case.id] == counts[1][case.id]).all() for case in kept):
        return _same(names, missing, len(groups), method)
    drawn = _resampled(one, other, method.resamples, rng)
    low, high = _percentiles(drawn, len(groups), method.alpha)
    p_value = _exchanged(one, other, method.resamples, rng)
    evidence = Evidence(len(kept), len(groups), float(drawn.std()) * math.sqrt(len(kept)))
    return Difference(NAME, *names, Estimate(seen, low, high, *missing), p_value, "cannot tell"), evidence


def _same(
    names: tuple[str, str], missing: tuple[int, int, int], groups: int, method: Method
) -> tuple[Difference, Evidence]:
    """All groups agree, of which no resampling makes an interval: as with other scores, a share of groups unlike
    them is allowed for."""
    low, high = constant_interval(0.0, groups, SPAN, method.alpha)
    found = Difference(NAME, *names, Estimate(0.0, low, high, *missing), 1.0, "cannot tell")
    return found, Evidence(missing[0], groups, 0.0, SPAN)


def _resampled(one: Floats, other: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    groups = len(one)
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples).astype(np.float64)
    return bleu(drawn @ other) - bleu(drawn @ one)


def _percentiles(drawn: Floats, groups: int, alpha: float) -> tuple[float, float]:
    widening = math.sqrt(groups / (groups - 1)) * stats.t.ppf(1 - alpha / 2, groups - 1)
    tail = stats.norm.cdf(-widening)
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def _exchanged(one: Floats, other: Floats, resamples: int, rng: np.random.Generator) -> float:
    """Return (c + 1) ÷ (B + 1), c the exchanges with at least the difference seen (Phipson & Smyth 2010)."""
    seen = abs(float(np.diff(bleu(np.stack([one.sum(axis=0), other.sum(axis=0)])))[0]))
    swapped = rng.integers(0, 2, (resamples, len(one))).astype(np.float64)
    between = other - one
    moved = swapped @ between
    found = np.abs(bleu(other.sum(axis=0) - moved) - bleu(one.sum(axis=0) + moved))
    return float((np.count_nonzero(found >= seen - 1e-9) + 1) / (resamples + 1))
