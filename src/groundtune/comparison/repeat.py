"""The noise floor: how far a candidate that is run twice is from itself, scorer by scorer.

A model that decodes greedily gives the same answers twice, and there is no noise. One that samples, or an endpoint that
batches, does not; a difference between two candidates that is no larger than that is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from groundtune.comparison.report.data import Repeat
from groundtune.comparison.table import Scores
from groundtune.comparison.wording import figure
from groundtune.protocols import Scorer
from groundtune.statistics import Method, noise_floor


def repeated(
    candidate: str,
    scores: tuple[Scores, Scores],
    groups: Sequence[str],
    methods: Mapping[str, Method],
    rng: np.random.Generator,
) -> Repeat:
    """Return how far two runs of `candidate` are apart; `scores` are of both."""
    first, again = scores
    floors = {
        scorer: noise_floor(first[scorer], again[scorer], groups, method=method, rng=rng)
        for scorer, method in methods.items()
    }
    return Repeat(candidate, floors)


def repeat_note(repeat: Repeat, scorers: Sequence[Scorer]) -> str:
    """Say what the second run showed."""
    scales = {scorer.name: scorer.scale for scorer in scorers}
    moved = {name: (noise.absolute, noise.floor) for name, noise in repeat.floors.items() if noise.absolute}
    if not moved:
        return f"{repeat.candidate} was run twice, and scored the same on every case: its answers have no noise."
    figures = "; ".join(
        f"{name} {' and '.join(figure(value, scales[name]) for value in values)}" for name, values in moved.items()
    )
    return (
        f"{repeat.candidate} was run twice, and the scores differ. For each measure, the average difference of a case, "
        f"and the difference of means up to which no candidate is called better: {figures}."
    )
