"""How good a reward model is on judgments that it has not seen: accuracy, length bias, calibration, and how far people
agree with one another. Pure functions of arrays: the model's margins, chosen minus rejected, and lengths in tokens.

Shares have Wilson's interval (Wilson 1927) with the effective number of judgments, as pairs of one prompt are not
independent: m (1 - m) / SE^2, where SE is the error of a mean over clusters (Franco et al. 2019, PMC6690503).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from groundtune.tuning.reward.judged import JudgedPrompt, texts
from groundtune.values import Conversation, digest

CONFIDENCE = 0.95
LEAST_OF_A_KIND = 4  # fewer judgments cannot be told from chance, even if all are right
BINS = 10  # of equally many pairs, for calibration
DRAWS = 1000  # of the bootstrap


@dataclass(frozen=True, slots=True)
class Share:
    """A share or a mean with its 95 % interval, of `n` judgments."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class HeldOutPair:
    """A comparison that was held out. `across` tells that its answers are to two prompts, out of thumbs that stood
    alone; `group` holds together what is not independent."""

    chosen: tuple[Conversation, Conversation]  # prompt, answer
    rejected: tuple[Conversation, Conversation]
    group: str
    annotator: str = ""
    across: bool = False


def held_out_pairs(prompts: Sequence[JudgedPrompt]) -> list[HeldOutPair]:
    """Return every comparison. Thumbs that stand alone are matched, a liked answer with a disliked one, each once."""
    pairs, liked, disliked = [], [], []
    for each in prompts:
        group = "|".join(sorted(each.groups)) or digest(*texts(each.prompt))
        for comparison in each.comparisons:
            sides = [
                None if place is None else (each.prompt, each.answers[place])
                for place in (comparison.better, comparison.worse)
            ]
            if sides[0] is not None and sides[1] is not None:
                pairs.append(HeldOutPair(sides[0], sides[1], group, comparison.annotator))
            elif sides[0] is not None:
                liked.append(sides[0])
            elif sides[1] is not None:
                disliked.append(sides[1])
    for number, (good, bad) in enumerate(zip(liked, disliked, strict=False)):
        pairs.append(HeldOutPair(good, bad, f"thumbs {number}", across=True))
    return pairs


def share_of(hits: Sequence[float] | np.ndarray, groups: Sequence[str]) -> Share:
    """Return the mean of `hits` (0 to 1) with its interval; judgments of one group are not independent.

    >>> share_of([1, 1, 1, 0], ["a", "b", "c", "d"])
    Share(value=0.75, low=0.300642, high=0.954413, n=4)
    """
    values = np.asarray(hits, dtype=float)
    n, mean = len(values), float(np.mean(values)) if len(values) else math.nan
    if not n:
        return Share(math.nan, 0.0, 1.0, 0)
    totals: dict[str, float] = defaultdict(float)
    for value, group in zip(values - mean, groups, strict=True):
        totals[group] += value
    spread = float(sum(total**2 for total in totals.values()))
    cases = min(n, mean * (1 - mean) * n**2 / spread) if spread > 0 else float(len(totals))
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    half = z * math.sqrt(mean * (1 - mean) / cases + z**2 / (4 * cases**2))
    low, high = ((mean + z**2 / (2 * cases) + sign * half) / (1 + z**2 / cases) for sign in (-1, 1))
    return Share(round(mean, 6), round(max(0.0, low), 6), round(min(1.0, high), 6), n)


def accuracy(margins: np.ndarray, groups: Sequence[str]) -> Share:
    """Return how often the better answer has the higher reward; equal rewards are half right."""
    return share_of(_hits(margins), groups)


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How much of a reward model is length.

    `longer_wins` is how often people chose the longer answer. `balanced` is the mean accuracy on pairs of which they
    chose the longer and the shorter: a model that only counts words has .5 there, however often the longer one wins;
    None where either kind has fewer than four pairs. `correlation` is Spearman's, of margin and difference of lengths.
    """

    longer_wins: Share
    where_longer: Share
    where_shorter: Share
    balanced: Share | None
    correlation: float


def length_bias(margins: np.ndarray, lengths: np.ndarray, groups: Sequence[str]) -> LengthBias:
    """Return it; `lengths` are differences in tokens, chosen minus rejected.

    The interval of the balanced accuracy puts together those of its two parts (Zou and Donner 2008, Statistics in
    Medicine 27, 1693-1702).
    """
    from scipy.stats import spearmanr

    hits, names = _hits(margins), np.asarray(groups, dtype=object)

    def part(chosen: np.ndarray) -> Share:
        return share_of(hits[chosen], names[chosen].tolist())

    longer, shorter = part(lengths > 0), part(lengths < 0)
    balanced = None
    if min(longer.n, shorter.n) >= LEAST_OF_A_KIND:
        mean = (longer.value + shorter.value) / 2
        down = math.hypot(longer.value - longer.low, shorter.value - shorter.low) / 2
        up = math.hypot(longer.high - longer.value, shorter.high - shorter.value) / 2
        balanced = Share(mean, mean - down, mean + up, longer.n + shorter.n)
    flat = len(margins) < 2 or np.ptp(margins) == 0 or np.ptp(lengths) == 0
    correlation = 0.0 if flat else float(spearmanr(margins, lengths).statistic)
    return LengthBias(
        share_of(np.where(lengths == 0, 0.5, lengths > 0), groups), longer, shorter, balanced, correlation
    )


@dataclass(frozen=True, slots=True)
class RewardCalibration:
    """Whether sigmoid(margin) is a probability: Brier score of "the chosen one wins" (.25 says nothing), and the
    expected calibration error, which is the mean distance of confidence and accuracy over bins of equal size.

    `reliability` has (confidence, accuracy, pairs) for each bin.
    """

    brier: Share
    error: Share
    reliability: tuple[tuple[float, float, int], ...]


def calibration(margins: np.ndarray, groups: Sequence[str], rng: np.random.Generator) -> RewardCalibration:
    """Return it, with intervals from a bootstrap over groups (Efron 1979).

    Sources: Brier 1950; Naeini, Cooper and Hauskrecht 2015 (AAAI) for the expected calibration error.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    clusters = [np.array(each) for each in members.values()]
    draws = [
        margins[np.concatenate([clusters[place] for place in rng.integers(len(clusters), size=len(clusters))])]
        for _ in range(DRAWS)
    ]

    def measured(function: Callable[[np.ndarray], float]) -> Share:
        values = [function(draw) for draw in draws]
        low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return Share(function(margins), float(low), float(high), len(margins))

    return RewardCalibration(measured(_brier), measured(_calibration_error), tuple(_reliability(margins)))


def _brier(margins: np.ndarray) -> float:
    return float(np.mean(_losing(margins) ** 2))


def _losing(margins: np.ndarray) -> np.ndarray:
    """Return the probability that the model gives to the rejected answer."""
    from scipy.special import expit

    return np.asarray(expit(-margins))


def _reliability(margins: np.ndarray) -> list[tuple[float, float, int]]:
    confidence, hits = _losing(-np.abs(margins)), _hits(margins)
    bins = np.array_split(np.argsort(confidence, kind="stable"), min(BINS, len(margins)))
    return [(float(confidence[part].mean()), float(hits[part].mean()), len(part)) for part in bins if len(part)]


def _calibration_error(margins: np.ndarray) -> float:
    bins = _reliability(margins)
    return sum(abs(mean - right) * n for mean, right, n in bins) / sum(n for _, _, n in bins)


def _hits(margins: np.ndarray) -> np.ndarray:
    return np.where(margins == 0, 0.5, margins > 0).astype(float)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree, on pairs that several annotators judged: what a reward model can reach at best.

    `between` is how often two annotators agree; `with_majority` how often one agrees with the majority of the others,
    ties left out.
    """

    pairs: int
    between: Share
    with_majority: Share


def agreement(pairs: Sequence[HeldOutPair], only: frozenset[str] | None = None) -> Agreement | None:
    """Return it, None where no pair has two annotators. With `only`, one side is always one of these annotators."""
    votes: dict[tuple[frozenset[object], ...], dict[str, bool]] = defaultdict(dict)
    for pair in pairs:
        if pair.annotator and not pair.across:
            key = (frozenset([pair.chosen, pair.rejected]),)
            first = min(pair.chosen, pair.rejected, key=repr)
            votes[key][pair.annotator] = pair.chosen == first
    between, majority, groups, majority_groups = [], [], [], []
    shared = [(number, said) for number, said in enumerate(votes.values()) if len(said) > 1]
    for number, said in shared:
        for name, vote in said.items():
            if only is not None and name not in only:
                continue
            others = [other for person, other in said.items() if person != name]
            between += [float(vote == other) for other in others]
            groups += [str(number)] * len(others)
            if sum(others) * 2 != len(others):
                majority.append(float(vote == (sum(others) * 2 > len(others))))
                majority_groups.append(str(number))
    if not between:
        return None
    return Agreement(len(set(groups)), share_of(between, groups), share_of(majority, majority_groups))
