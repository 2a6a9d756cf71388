"""Intervals of means and of paired differences. Computed, not drawn: the same scores always give the same interval.

A mean on a known scale gets Wilson's score interval (Wilson 1927) with the effective number of cases, which is the
number of yes-or-no answers whose share would be as uncertain as the mean: m (1 - m) ÷ SE². For shares that is the
number of cases divided by the design effect, as in surveys; Franco, Little, Louis & Slud 2019 (PMC6690503) recommend
it there. The same formula serves scores between 0 and 1, whose error also falls towards the ends of the scale.
Student's t stands for the normal quantile, as groups are few.

A difference of graded scores gets Student's t; one of pass rates Newcombe's interval, which puts together the
intervals of both shares and their correlation (Newcombe 1998, Statistics in Medicine 17, 2635-2650, method 10).
`docs/results.md` tabulates how often each covers the truth in a simulation, and where it does not hold.
"""

from __future__ import annotations

import math

import numpy as np

from groundtune.statistics.sample import Floats, Sample

SLACK = 1e-6  # scorers overshoot the ends of their scales by rounding: sacrebleu gives 100.00000000000004
Interval = tuple[float, float]
Scale = tuple[float, float]


def scale_of(values: Floats, given: Scale | None) -> Scale | None:
    """Return the scale that scores are on: the one given, else 0 to 1 if all lie there, else None."""
    low, high = given or (0.0, 1.0)
    slack = SLACK * (high - low)
    return (low, high) if low - slack <= values.min() and values.max() <= high + slack else None


def of_mean(sample: Sample, scale: Scale | None, alpha: float) -> Interval | None:
    """Return the interval of the mean; None where nothing can be said: one group, or groups alike on no known scale."""
    if sample.groups < 2:
        return None
    if scale is None:
        return None if sample.unanimous else _student(sample, alpha)
    length = scale[1] - scale[0]
    if sample.unanimous:
        ends = constant_interval(sample.mean, sample.groups, length, alpha)
    else:
        share, error = min(1.0, max(0.0, (sample.mean - scale[0]) / length)), sample.standard_error / length
        least, most = _wilson(share, error, _most_cases(sample, scale), _quantile(sample, alpha))
        ends = (scale[0] + length * least, scale[0] + length * most)
    return max(scale[0], ends[0]), min(scale[1], ends[1])


def of_difference(baseline: Sample, challenger: Sample, scale: Scale | None, alpha: float) -> Interval | None:
    """Return the interval of challenger minus baseline, on the same cases in the same groups."""
    difference = Sample(challenger.values - baseline.values, challenger.totals - baseline.totals, challenger.counts)
    if difference.groups < 2:
        return None
    widest = scale[1] - scale[0] if scale else math.inf
    if difference.unanimous:
        ends = constant_interval(difference.mean, difference.groups, span(baseline, challenger, scale), alpha)
    elif _passes(baseline.values) and _passes(challenger.values):
        ends = _newcombe(baseline, challenger, alpha)
    else:
        ends = _student(difference, alpha)
    return max(-widest, ends[0]), min(widest, ends[1])


def span(baseline: Sample, challenger: Sample, scale: Scale | None) -> float:
    """Return how far two scores can be apart: the length of the scale, else as far as any were seen."""
    return scale[1] - scale[0] if scale else float(np.ptp(np.concatenate([baseline.values, challenger.values])))


def _passes(values: Floats) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _student(sample: Sample, alpha: float) -> Interval:
    width = _quantile(sample, alpha) * sample.standard_error
    return sample.mean - width, sample.mean + width


def _quantile(sample: Sample, alpha: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(sample.freedom, 1 - alpha / 2))  # Student's t, without the costs of scipy.stats


def _wilson(share: float, error: float, most: float, quantile: float) -> Interval:
    """Wilson's interval for `share` with as many cases as give the standard error `error`, at most `most`."""
    cases = min(most, share * (1 - share) / error**2)
    pull = quantile**2 / cases
    half = quantile * math.sqrt(share * (1 - share) / cases + pull / (4 * cases))
    return (share + pull / 2 - half) / (1 + pull), (share + pull / 2 + half) / (1 + pull)


def _most_cases(sample: Sample, scale: Scale) -> float:
    """Passes cannot tell more than as many independent ones would, whatever their estimated design effect."""
    return float(sample.n) if np.isin(sample.values, scale).all() else math.inf


def _newcombe(baseline: Sample, challenger: Sample, alpha: float) -> Interval:
    first, second = of_mean(baseline, (0.0, 1.0), alpha), of_mean(challenger, (0.0, 1.0), alpha)
    assert first is not None  # there are two groups and a scale
    assert second is not None
    alike = 0.0
    if not (baseline.unanimous or challenger.unanimous):
        errors = baseline.standard_error * challenger.standard_error
        alike = float(baseline.influence @ challenger.influence) / errors
    difference = challenger.mean - baseline.mean
    down = _added(challenger.mean - second[0], first[1] - baseline.mean, alike)
    up = _added(second[1] - challenger.mean, baseline.mean - first[0], alike)
    return difference - down, difference + up


def _added(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(0.0, first**2 + second**2 - 2 * correlation * first * second))


def constant_interval(mean: float, groups: int, length: float, alpha: float) -> Interval:
    """Where all groups agree, the share of groups unlike them may still be this high (Clopper & Pearson 1934 for
    0 of G, the "rule of three"); such a group moves the mean by at most the length of the scale."""
    width = (1 - (alpha / 2) ** (1 / groups)) * length
    return mean - width, mean + width
