"""The noise floor: how far a candidate that is run twice is from itself, scorer by scorer.

A model that decodes greedily gives the same answers twice, and there is no noise. One that samples, or an endpoint that
batches, does not; a difference between two candidates that is no larger than that is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from groundtune.comparison.recommend import figure
from groundtune.comparison.report.data import Repeat
from groundtune.comparison.report.scorers import describe
from groundtune.evaluation.scorers.corpus_bleu import NAME, Outcomes, compare_corpus_bleu
from groundtune.evaluation.statistics import Method, NoiseFloor, noise_floor
from groundtune.values import Case, Score

Scores = Mapping[str, Mapping[str, Score]]


def repeated(
    candidate: str, scores: tuple[Scores, Scores], cases: Sequence[Case], methods: Mapping[str, Method]
) -> Repeat:
    """Return how far two runs of `candidate` are apart; `scores` are of both, by scorer and case id."""
    groups = [case.group for case in cases]
    floors = {}
    for scorer, method in methods.items():
        first, again = ([run[scorer][case.id] for case in cases] for run in scores)
        floors[scorer] = noise_floor(first, again, groups, method=method)
    return Repeat(candidate, floors)


def with_bleu(
    repeat: Repeat, outcomes: tuple[Outcomes, Outcomes], cases: Sequence[Case], method: Method, rng: np.random.Generator
) -> Repeat:
    """Add corpus BLEU, of which no case has a share: `absolute` is that of the difference itself."""
    pair = dict(zip(("first", "again"), outcomes, strict=True))
    (found,) = compare_corpus_bleu(pair, cases, method=method, rng=rng)
    absolute = None if found.difference.mean is None else abs(found.difference.mean)
    return Repeat(repeat.candidate, {**repeat.floors, NAME: NoiseFloor(absolute, found.difference)})


def repeat_note(repeat: Repeat) -> str:
    """Say what the second run showed."""
    moved = {name: (found.absolute, found.floor) for name, found in repeat.floors.items() if found.absolute}
    if not moved:
        return f"{repeat.candidate} was run twice, and scored the same on every case: its answers have no noise."
    figures = "; ".join(
        f"{name} {' and '.join(figure(value, describe(name).scale) for value in values)}"
        for name, values in moved.items()
    )
    return (
        f"{repeat.candidate} was run twice and is not the same as itself. By how much a case differs on average, and "
        f"up to which difference of means no candidate is called better: {figures}."
    )
