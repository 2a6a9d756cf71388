"""Which pipeline to use, as far as the cases can tell. A function of what was measured: opens nothing.

The present pipeline stays unless the cases show that another one is better, or that a simpler one is as good. Intervals
and tests are corrected for the number of pipelines (Bonferroni), because the best of many is also the luckiest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from groundtune.comparison.retrieval.pipelines import Measured
from groundtune.statistics.comparing import compare
from groundtune.statistics.sample import Method
from groundtune.values import Difference

SCORER = "retrieval_recall"
Why = Literal["better", "simpler", "kept"]
"""Why a pipeline was chosen: it is better than the present one, or as good and simpler, or it is the present one."""


@dataclass(frozen=True, slots=True)
class PipelineChoice:
    """The pipeline that was chosen, and each one's difference from the present one, in the order of `measured`."""

    winner: Measured
    why: Why
    differences: tuple[Difference, ...]


def choose(
    measured: Sequence[Measured], present: Measured, groups: Sequence[str], method: Method, seed: int
) -> PipelineChoice:
    """Choose among what was `measured`, with the `present` pipeline among them. `groups[i]` is that of case i.

    If some are better than the present one: the simplest of those than which none is better. Else: the simplest of
    those that are simpler than the present one and find no less, or equivalently much. Else the present one.
    """
    strict = replace(method, confidence=1 - method.alpha / max(1, len(measured) - 1))
    differences = tuple(_difference(present, each, groups, strict, seed) for each in measured)
    pairs = list(zip(measured, differences, strict=True))
    better = [each for each, difference in pairs if difference.verdict == "better"]
    if better:
        best = max(better, key=lambda each: each.recall)
        as_good = [each for each in better if _difference(each, best, groups, strict, seed).verdict != "better"]
        return PipelineChoice(_simplest(as_good, present), "better", differences)
    as_good = [
        each for each, difference in pairs if difference.verdict == "equivalent" or each.recall >= present.recall
    ]
    simpler = [each for each in as_good if each.simpler_than(present)]
    if simpler:
        return PipelineChoice(_simplest(simpler, present), "simpler", differences)
    return PipelineChoice(present, "kept", differences)


def _simplest(measured: Sequence[Measured], present: Measured) -> Measured:
    return min(measured, key=lambda each: each.effort(present.pipeline))


def _difference(
    baseline: Measured, challenger: Measured, groups: Sequence[str], method: Method, seed: int
) -> Difference:
    names = "one pipeline", "another"
    rng = np.random.default_rng(seed)
    return compare(baseline.scores, challenger.scores, groups, scorer=SCORER, names=names, method=method, rng=rng)
