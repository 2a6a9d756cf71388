"""When a reward model is good enough for reinforcement learning to start: three gates. Pure.

The thresholds are not settings: below them a reward model tells nothing, whatever the company needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from groundtune.tuning.quality.findings import GateResult
from groundtune.tuning.reward.measures import LengthBias, Share

ACCURACY, LENGTH, RELOAD = REWARD_GATES = ("reward_accuracy", "reward_length", "reward_reload")
CHANCE = 0.5
MOST_BY_LENGTH = 0.8  # correlation with length, where pairs of one kind are too few to compare accuracies
RELOADED = 1e-3  # largest difference of rewards after reloading, in standard deviations of the rewards


def accuracy_gate(right: Share, rows: int) -> GateResult:
    """Pass a model whose accuracy is above chance with the lower end of its interval."""
    told = f"{right.value:.3f} of {right.n} held-out pairs are right, interval {right.low:.3f} to {right.high:.3f}"
    if not right.n:
        return GateResult(ACCURACY, False, None, CHANCE, "There are no held-out pairs to measure it on.")
    return GateResult(ACCURACY, right.low > CHANCE, right.low, CHANCE, f"{told}. Chance is .5.", right.n, rows)


def length_gate(bias: LengthBias, rows: int) -> GateResult:
    """Pass a model that is better than chance where the longer and where the shorter answer is right, weighed alike.

    Where one kind of pair is too rare for that, pass one whose rewards do not just follow the lengths.
    """
    name, balanced = LENGTH, bias.balanced
    if balanced is not None:
        told = (
            f"Weighed alike, pairs in which people chose the longer answer ({bias.where_longer.value:.3f} right) and "
            f"the shorter ({bias.where_shorter.value:.3f}) give {balanced.value:.3f}, interval {balanced.low:.3f} to "
            f"{balanced.high:.3f}. A model that only counts words has .5."
        )
        return GateResult(name, balanced.low > CHANCE, balanced.low, CHANCE, told, balanced.n, rows)
    mostly = 1 if bias.where_longer.n >= bias.where_shorter.n else -1
    follows = mostly * bias.correlation
    told = (
        f"People chose the longer answer in {bias.where_longer.n} held-out pairs and the shorter in "
        f"{bias.where_shorter.n}, too few to compare. Rewards and lengths correlate by {bias.correlation:.2f}."
    )
    return GateResult(name, follows < MOST_BY_LENGTH, follows, MOST_BY_LENGTH, told, bias.longer_wins.n, rows)


def reload_gate(trained: Sequence[float], reloaded: Sequence[float]) -> GateResult:
    """Pass a model that gives the same rewards after it was saved and loaded again."""
    before, after = np.asarray(trained, dtype=float), np.asarray(reloaded, dtype=float)
    spread = float(np.std(before)) if len(before) else 0.0
    difference = float(np.max(np.abs(before - after))) / spread if spread > 0 else math.inf
    told = f"Loaded again, rewards differ by at most {difference:.2g} of their standard deviation."
    if not spread > 0:
        told = "All rewards are the same number, or none is: the model tells nothing."
    passed = difference <= RELOADED  # not a number is not within it
    return GateResult(RELOAD, passed, difference, RELOADED, told, len(before), len(before))
