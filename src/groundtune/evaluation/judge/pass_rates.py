"""How many of a candidate's answers are good enough, corrected for the errors that the judge makes.

    judge says 70 % pass; it passes 90 % of what people pass (sensitivity) and stops 60 % of the rest (specificity)
    true share ≈ (0.70 + 0.60 − 1) / (0.90 + 0.60 − 1) = 0.60

The interval is the percentile bootstrap over groups of cases: a group that is drawn brings the judge's verdicts on the
candidate's answers and people's verdicts alike, so that the interval holds the uncertainty of the benchmark and that of
the calibration. On simulated judges with 40 to 200 rated answers it covers 92 to 97 % at 95 %. There is none with
fewer than `FEW_GROUPS` groups.

Source: Rogan & Gladen 1978, doi:10.1093/oxfordjournals.aje.a112510; for judges Lee et al. 2025, "How to Correctly
Report LLM-as-a-Judge Evaluations", arXiv:2511.21140.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundtune.evaluation.judge.samples import RatedSample
from groundtune.statistics.agreement import FEW_GROUPS, MOST_UNDEFINED
from groundtune.statistics.sample import Floats

ENOUGH = 10  # answers that people passed, and as many that they did not, for errors of a candidate's own


@dataclass(frozen=True, slots=True)
class PassRate:
    """One candidate. `observed` is what the judge says of `judged` answers; `corrected` what is likely true.

    `basis` tells whose answers the judge's errors were measured on: the candidate's "own", or "all", where its own
    are too few. None where nothing can be said, as of a judge that is no better than chance.
    """

    candidate: str
    judged: int
    observed: float | None
    sensitivity: float | None
    specificity: float | None
    basis: Literal["own", "all"]
    corrected: float | None
    low: float | None
    high: float | None


def pass_rates(
    samples: Sequence[RatedSample], passes_from: int, *, confidence: float, resamples: int, rng: np.random.Generator
) -> list[PassRate]:
    """Return the pass rate of each candidate, in order of first appearance."""
    names = dict.fromkeys(sample.candidate for sample in samples)
    return [_pass_rate(name, samples, passes_from, confidence, resamples, rng) for name in names]


def rogan_gladen(observed: float, sensitivity: float, specificity: float) -> float | None:
    """Return the share that is likely true, in [0, 1]; None for a judge that is no better than chance."""
    better = sensitivity + specificity - 1
    return None if better <= 0 else min(1.0, max(0.0, (observed + specificity - 1) / better))


def people_pass(sample: RatedSample, passes_from: int) -> bool:
    """Return whether at least half of the people who rated the answer passed it."""
    passed = sum(level >= passes_from for level in sample.people.values())
    return 2 * passed >= len(sample.people)


def _pass_rate(
    name: str,
    samples: Sequence[RatedSample],
    passes_from: int,
    confidence: float,
    resamples: int,
    rng: np.random.Generator,
) -> PassRate:
    own = [sample for sample in samples if sample.candidate == name and sample.judge is not None]
    rated = [sample for sample in own if sample.people]
    passed = sum(people_pass(sample, passes_from) for sample in rated)
    basis: Literal["own", "all"] = "own" if min(passed, len(rated) - passed) >= ENOUGH else "all"
    counted = own if basis == "own" else [sample for sample in samples if sample.judge is not None]
    counts = _counts(counted, name, passes_from)
    rates = _rates(counts.sum(axis=0)) if len(counts) else (None, None, None)
    corrected = None if None in rates else rogan_gladen(*rates)  # type: ignore[arg-type]
    low, high = _interval(counts, confidence, resamples, rng) if corrected is not None else (None, None)
    return PassRate(name, len(own), *rates, basis, corrected, low, high)


def _counts(samples: Sequence[RatedSample], name: str, passes_from: int) -> Floats:
    """Return (groups, 6): people and judge pass, people only, judge neither, judge only; candidate passed, judged."""
    rows: dict[str, list[int]] = {}
    for sample in samples:
        row = rows.setdefault(sample.group, [0] * 6)
        judge = (sample.judge or 0) >= passes_from
        if sample.people:
            people = people_pass(sample, passes_from)
            row[(0 if judge else 1) if people else (3 if judge else 2)] += 1
        if sample.candidate == name:
            row[4] += judge
            row[5] += 1
    return np.array(list(rows.values()), dtype=np.float64).reshape(-1, 6)


def _rates(totals: Floats) -> tuple[float | None, float | None, float | None]:
    """Return observed pass rate, sensitivity and specificity; each None without a case to know it from."""
    both, people, neither, judge, passed, judged = totals

    def share(part: float, whole: float) -> float | None:
        return float(part / whole) if whole else None

    return share(passed, judged), share(both, both + people), share(neither, neither + judge)


def _interval(
    counts: Floats, confidence: float, resamples: int, rng: np.random.Generator
) -> tuple[float | None, float | None]:
    groups = len(counts)
    if groups < FEW_GROUPS:
        return None, None
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples) @ counts
    both, people, neither, judge, passed, judged = drawn.T
    with np.errstate(invalid="ignore", divide="ignore"):  # where a resample has none of a kind: not usable
        specificity = neither / (neither + judge)
        better = both / (both + people) + specificity - 1
        corrected = (passed / judged + specificity - 1) / better
    usable = better > 0
    if usable.mean() < 1 - MOST_UNDEFINED:
        return None, None
    corrected = corrected[usable & (judged > 0)]
    low, high = np.quantile(np.clip(corrected, 0, 1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
