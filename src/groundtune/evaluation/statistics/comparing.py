"""From scores to estimates and differences: the counts, the interval, the test, the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from groundtune.evaluation.statistics import intervals, totals
from groundtune.evaluation.statistics.flips import sign_flip
from groundtune.evaluation.statistics.sample import Method, Sample, added, check, numbered, paired, sampled
from groundtune.evaluation.statistics.verdicts import DifferenceBasis, judged
from groundtune.values import Difference, Estimate, Score


def estimate(
    scores: Sequence[Score], groups: Sequence[str], *, method: Method, rng: np.random.Generator | None = None
) -> Estimate:
    """Return the mean of what was scored, its interval, and the counts of scored, unscored and failed.

    Where `method.total` is given, the number is that of all parts, and its interval is drawn with `rng`.

    `groups[i]` is the group of `scores[i]`. The interval is None where nothing tells how much another set of
    cases would differ: with fewer than two groups. Raises `NotComparable` if lengths differ and `InputError`
    for a score that is not a number.
    """
    check(scores, groups)
    if method.total is not None:
        return totals.of_all(scores, groups, method, _drawing(rng))
    scored = [(score.value, group) for score, group in zip(scores, groups, strict=True) if score.value is not None]
    failed = sum(score.failed for score in scores if score.value is None)
    unscored = len(scores) - len(scored) - failed
    if not scored:
        return Estimate(None, None, None, 0, unscored, failed)
    sample = sampled([value for value, _ in scored], [group for _, group in scored])
    ends = intervals.of_mean(sample, intervals.scale_of(sample.values, method.scale), method.alpha)
    low, high = ends or (None, None)
    return Estimate(sample.mean, low, high, sample.n, unscored, failed)


def compare(
    baseline: Sequence[Score],
    challenger: Sequence[Score],
    groups: Sequence[str],
    *,
    scorer: str,
    names: tuple[str, str],
    method: Method,
    rng: np.random.Generator,
) -> Difference:
    """Return challenger minus baseline over the cases that both have a score for.

    `names` is (baseline, challenger). The p-value is of the two-sided sign-flip test over group totals. With fewer
    than two groups it is 1 and nothing can be told.
    """
    (difference,) = compare_all(
        dict(zip(names, (baseline, challenger), strict=True)), groups, scorer=scorer, method=method, rng=rng
    )
    return difference


def compare_all(
    scores: Mapping[str, Sequence[Score]],
    groups: Sequence[str],
    *,
    scorer: str,
    method: Method,
    rng: np.random.Generator,
    floor: float = 0.0,
) -> list[Difference]:
    """Return `compare` of every pair of candidates, the earlier as baseline, with p-values corrected by Holm's method.

    Verdicts, and the cases needed for a better one, follow the corrected p-values. No difference up to `floor` is
    called better or worse.
    """
    for given in scores.values():
        check(given, groups)
    tested = [_difference(scorer, scores, pair, groups, method, rng) for pair in combinations(scores, 2)]
    return judged([difference for difference, _ in tested], [basis for _, basis in tested], method, floor)


def paired_difference(
    baseline: Sequence[Score], challenger: Sequence[Score], groups: Sequence[str], *, method: Method
) -> Estimate:
    """Return the difference of `compare` with its interval, without the test."""
    check(baseline, groups)
    check(challenger, groups)
    return _pair(baseline, challenger, groups, method)[1]


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """How far one candidate, run twice, is from itself: `absolute` is the mean absolute difference of a case,
    `difference` the second run minus the first, with its interval."""

    absolute: float | None
    difference: Estimate

    @property
    def floor(self) -> float:
        """The largest difference in means that may be nothing but noise: the far end of the interval; 0 where
        both runs scored the same on every case."""
        ends = [abs(end) for end in (self.difference.low, self.difference.high) if end is not None]
        return max(ends, default=0.0) if self.absolute else 0.0


def noise_floor(
    first: Sequence[Score],
    again: Sequence[Score],
    groups: Sequence[str],
    *,
    method: Method,
    rng: np.random.Generator | None = None,
) -> NoiseFloor:
    """Return how far two runs of one candidate are apart; `absolute` is None where no case has both scores.

    Of a number that is no mean no case has a share: there `absolute` is that of the difference itself.
    """
    check(first, groups)
    check(again, groups)
    if method.total is not None:
        difference, _, _ = _of_totals(first, again, groups, method, _drawing(rng))
        return NoiseFloor(None if difference.mean is None else abs(difference.mean), difference)
    pair, difference = _pair(first, again, groups, method)
    return NoiseFloor(float(np.abs(pair.difference.values).mean()) if pair else None, difference)


# --- inside ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PairedSamples:
    """Both candidates on the cases that both have a score for, what is between them, and the scale of the scores."""

    baseline: Sample
    challenger: Sample
    difference: Sample
    scale: intervals.Scale | None


def _pair(
    baseline: Sequence[Score], challenger: Sequence[Score], groups: Sequence[str], method: Method
) -> tuple[_PairedSamples | None, Estimate]:
    """Return the pair, None if no case has both scores, and the mean difference with its interval and counts."""
    missing = [pair for pair in zip(baseline, challenger, strict=True) if None in (pair[0].value, pair[1].value)]
    failed = sum(any(score.value is None and score.failed for score in pair) for pair in missing)
    first, second, kept = paired(baseline, challenger, groups)
    counts = (len(kept), len(missing) - failed, failed)
    if not kept:
        return None, Estimate(None, None, None, *counts)
    scale = intervals.scale_of(np.concatenate([first, second]), method.scale)
    numbers = numbered(kept)
    pair = _PairedSamples(added(first, numbers), added(second, numbers), added(second - first, numbers), scale)
    low, high = intervals.of_difference(pair.baseline, pair.challenger, scale, method.alpha) or (None, None)
    return pair, Estimate(pair.difference.mean, low, high, *counts)


def _difference(
    scorer: str,
    scores: Mapping[str, Sequence[Score]],
    names: tuple[str, str],
    groups: Sequence[str],
    method: Method,
    rng: np.random.Generator,
) -> tuple[Difference, DifferenceBasis | None]:
    if method.total is not None:
        difference, p_value, basis = _of_totals(scores[names[0]], scores[names[1]], groups, method, rng)
        return Difference(scorer, *names, difference, p_value, "cannot tell"), basis
    pair, difference = _pair(scores[names[0]], scores[names[1]], groups, method)
    if pair is None or pair.difference.groups < 2:
        return Difference(scorer, *names, difference, 1.0, "cannot tell"), None
    sample = pair.difference
    p_value = sign_flip(sample.totals, method.resamples, rng)
    span = intervals.span(pair.baseline, pair.challenger, pair.scale) if sample.unanimous else None
    basis = DifferenceBasis(sample.n, sample.groups, sample.standard_error * math.sqrt(sample.n), span)
    return Difference(scorer, *names, difference, p_value, "cannot tell"), basis


def _of_totals(
    baseline: Sequence[Score],
    challenger: Sequence[Score],
    groups: Sequence[str],
    method: Method,
    rng: np.random.Generator,
) -> tuple[Estimate, float, DifferenceBasis | None]:
    """Return the difference of both candidates' totals with its interval and counts, its p-value and its basis."""
    pair, counts = totals.paired_parts(baseline, challenger, groups)
    if pair is None:
        return Estimate(None, None, None, *counts), 1.0, None
    tested = totals.tested(pair, method, rng)
    low, high = tested.ends or (None, None)
    return Estimate(tested.difference, low, high, *counts), tested.p_value, tested.basis


def _drawing(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise ValueError("the interval of a total needs a random generator")
    return rng
