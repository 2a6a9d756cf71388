"""From scores to estimates and differences: the counts, the interval, the test, the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from groundtune.statistics import intervals, totals
from groundtune.statistics.flips import sign_flip
from groundtune.statistics.sample import (
    Floats,
    Method,
    Sample,
    added,
    all_totals,
    check,
    numbered,
    paired,
    paired_off,
    sampled,
)
from groundtune.statistics.verdicts import DifferenceBasis, corrected, judged
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
    """Return `compare` of every pair of candidates, the earlier as baseline, with p-values corrected for their number.

    Verdicts, and the cases needed for a better one, follow the corrected p-values. No difference up to `floor` is
    called better or worse. All pairs are tested by the same flips.
    """
    for given in scores.values():
        check(given, groups)
    seed = int(rng.integers(2**63))
    pairs = list(combinations(scores, 2))
    tested = [_difference(scorer, scores, pair, groups, method, seed) for pair in pairs]
    found = judged([one.difference for one in tested], [one.basis for one in tested], method, floor)
    stands = [p_value <= method.alpha for p_value in corrected([one.worst for one in tested])]
    return [
        replace(difference, robust=_robust(difference, method, stands=still))
        for difference, still in zip(found, stands, strict=True)
    ]


def paired_difference(
    baseline: Sequence[Score], challenger: Sequence[Score], groups: Sequence[str], *, method: Method
) -> Estimate:
    """Return the difference of `compare` with its interval, without the test."""
    check(baseline, groups)
    check(challenger, groups)
    return _pair(baseline, challenger, groups, method)[1]


def largest_loss_p(
    before: Sequence[Score],
    now: Sequence[Score],
    groups: Sequence[str],
    allowed: float,
    *,
    method: Method,
    rng: np.random.Generator,
) -> float:
    """Return the p-value against a mean loss of more than `allowed`: a one-sided sign-flip test of the differences
    plus `allowed`, over the cases that both have a score for. It never rises when a case improves."""
    check(before, groups)
    check(now, groups)
    return sign_flip(all_totals(paired_off(before, now) + allowed, groups), method.resamples, rng, one_sided=True)


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

_NOTHING = Estimate(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class _PairedSamples:
    """Both candidates on the cases that both have a score for, what is between them, and the scale of the scores."""

    baseline: Sample
    challenger: Sample
    difference: Sample
    scale: intervals.Scale | None

    @property
    def ends(self) -> intervals.Scale:
        """The lowest and the highest score there can be; on no known scale, that was seen."""
        values = np.concatenate([self.baseline.values, self.challenger.values])
        return self.scale or (float(values.min()), float(values.max()))


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


@dataclass(frozen=True, slots=True)
class _Tested:
    """A difference with its uncorrected p-value, the p-value if all missing scores spoke against it, and its basis."""

    difference: Difference
    worst: float
    basis: DifferenceBasis | None


def _difference(
    scorer: str,
    scores: Mapping[str, Sequence[Score]],
    names: tuple[str, str],
    groups: Sequence[str],
    method: Method,
    seed: int,
) -> _Tested:
    baseline, challenger = (scores[name] for name in names)
    if method.total is None:
        return _of_means(
            Difference(scorer, *names, _NOTHING, 1.0, "cannot tell"), baseline, challenger, groups, method, seed
        )
    difference, p_value, basis = _of_totals(baseline, challenger, groups, method, np.random.default_rng(seed))
    complete = not difference.unscored and not difference.failed
    found = Difference(scorer, *names, difference, p_value, "cannot tell")
    return _Tested(found, p_value if complete else 1.0, basis)


def _of_means(
    found: Difference,
    baseline: Sequence[Score],
    challenger: Sequence[Score],
    groups: Sequence[str],
    method: Method,
    seed: int,
) -> _Tested:
    pair, difference = _pair(baseline, challenger, groups, method)
    if pair is None:
        return _Tested(replace(found, difference=difference), 1.0, None)
    sample, seen = pair.difference, paired_off(baseline, challenger)

    def flipped(values: Floats) -> float:
        return sign_flip(all_totals(values, groups), method.resamples, np.random.default_rng(seed))

    at_least = at_most = seen
    incomplete = difference.unscored or difference.failed
    if incomplete:
        low, high = pair.ends
        at_least, at_most = paired_off(baseline, challenger, (high, low)), paired_off(baseline, challenger, (low, high))
    found = replace(found, difference=difference, least=float(np.nanmean(at_least)), most=float(np.nanmean(at_most)))
    if sample.groups < 2:
        return _Tested(found, 1.0, None)
    p_value = worst = flipped(seen)
    if incomplete:
        against = at_least if sample.mean > 0 else -at_most
        worst = flipped(against) if np.nanmean(against) > 0 else 1.0  # else the other one would lead
    apart = intervals.span(pair.baseline, pair.challenger, pair.scale) if sample.unanimous else None
    basis = DifferenceBasis(sample.n, sample.groups, sample.standard_error * math.sqrt(sample.n), apart)
    agreeing = _agreeing(difference, p_value, method)
    return _Tested(replace(found, difference=agreeing, p_value=p_value), worst, basis)


def _agreeing(difference: Estimate, p_value: float, method: Method) -> Estimate:
    """Return the difference with an interval that does not reach beyond 0 where the test excludes 0: the test is the
    sharper of both where few groups differ by much."""
    if p_value > method.alpha or difference.mean is None or difference.low is None or difference.high is None:
        return difference
    if difference.mean > 0:
        return replace(difference, low=max(0.0, difference.low))
    return replace(difference, high=min(0.0, difference.high))


def _robust(difference: Difference, method: Method, *, stands: bool) -> bool:
    """Whether the verdict would be the same whatever the missing scores were; `stands` is what the test says."""
    if not difference.difference.failed and not difference.difference.unscored:
        return True
    if difference.verdict in ("better", "worse"):
        return stands
    least, most = difference.least, difference.most
    return least is not None and most is not None and -method.margin <= least and most <= method.margin


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
