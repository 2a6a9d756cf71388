"""Who rates with care: what the others say of each item, and whether a rater's verdicts have anything to do with it.

Knows verdicts as numbers only: no file, no line, no text. Items and raters are numbered from 0; a verdict is 0 or 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundtune.statistics.sample import Floats

Numbers = NDArray[np.int64]

ROUNDS = 50  # of expectation and maximisation, at most
SETTLED = 1e-6  # change of a probability that ends them
PULL = (
    2.0  # verdicts by which a rater's rates are drawn to everybody's, so that few verdicts do not give rates of 0 or 1
)
LEVEL = 0.01  # chance of calling any careful rater careless
INFORMATIVE = 0.5  # share of the others' agreement beyond chance, below which a rater adds little
FEWEST = 3  # raters, below which nobody can tell which of them is wrong


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on shared items: `item`, `rater` and `verdict` are (n,). `symmetric` if which verdict is called 1 is
    arbitrary, as it is for the two sides of a pair."""

    item: Numbers
    rater: Numbers
    verdict: Numbers
    items: int
    raters: int
    symmetric: bool

    def of(self, rater: int) -> NDArray[np.bool_]:
        """Which verdicts are this rater's, (n,)."""
        return np.asarray(self.rater == rater)


@dataclass(frozen=True)
class Consensus:
    """What the others say: `chance` is, for each verdict, (n,), how sure the others make it that the item is a 1.

    `agreement` is, for each rater, (raters,), how far they agree with the others beyond chance: 1 is always, 0 is no
    more than chance, below 0 is less. Not a number for raters without verdicts.
    """

    chance: Floats
    agreement: Floats


@dataclass(frozen=True)
class CarelessRater:
    """A rater whose verdicts have nothing to do with the items. `evidence` is how many times likelier they are if they
    do not than if they do; `agreement` is beyond chance, `others` the median of the careful ones."""

    rater: int
    evidence: float
    agreement: float
    others: float


def careless(verdicts: Verdicts) -> tuple[list[CarelessRater], Consensus]:
    """Return the careless raters, the plainest first, and what the careful ones agree on.

    A rater's verdicts are explained in two ways: by the items, with errors as rare as the other raters'; or by
    nothing, as verdicts at random, always the same, or upside down. The ratio of likelihoods is evidence against the
    first that exceeds 1/x with chance x at most (Ville 1939; Vovk & Wang 2021, "E-values: Calibration, Combination
    and Applications", Annals of Statistics 49). A rater is careless if it exceeds the number of raters divided by
    `LEVEL` and the rater's agreement beyond chance is below half the others', so that those who merely err more often
    are spared. The plainest is taken out of the consensus before the next is judged.
    """
    out: list[CarelessRater] = []
    while True:
        careful = np.array([rater not in {suspect.rater for suspect in out} for rater in range(verdicts.raters)])
        agreed = consensus(verdicts, careful)
        if np.count_nonzero(careful) < FEWEST:
            return out, agreed
        judged = (_suspect(verdicts, agreed, careful, int(rater)) for rater in np.flatnonzero(careful))
        suspects = [suspect for suspect in judged if suspect is not None]
        if not suspects:
            return out, agreed
        out.append(max(suspects, key=lambda suspect: suspect.evidence))


def consensus(verdicts: Verdicts, careful: NDArray[np.bool_]) -> Consensus:
    """Return what the `careful` raters, (raters,), say of each item without the rater whose verdict it is.

    Expectation and maximisation over two rates for each rater: how often a 1, and how often a 0, is called 1. It
    begins with the share of 1s among the verdicts.

    Source: Dawid & Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", Applied
    Statistics 28.
    """
    from scipy.special import expit, logit

    counted = careful[verdicts.rater].astype(np.float64)
    given = np.bincount(verdicts.item, counted, verdicts.items)
    ones = np.bincount(verdicts.item, counted * verdicts.verdict, verdicts.items)
    chance = (ones + 0.5) / (given + 1)
    for _ in range(ROUNDS):
        before, weights = chance, _weights(verdicts, chance, counted)
        prior = 0.0 if verdicts.symmetric else float(logit((chance[given > 0].sum() + 1) / (np.sum(given > 0) + 2)))
        odds = prior + np.bincount(verdicts.item, counted * weights, verdicts.items)
        chance = expit(odds)
        if np.abs(chance - before).max() < SETTLED:
            break
    others = expit(odds[verdicts.item] - counted * weights)
    return Consensus(others, _agreement(verdicts, others))


def likely(verdicts: Verdicts, agreed: Consensus) -> Floats:
    """Return the chance of a 1 for each verdict, (n,), from a rater who errs as often as this one does."""
    as_one, as_zero = _rates(verdicts, agreed.chance, np.ones(len(agreed.chance)))
    return np.asarray(agreed.chance * as_one[verdicts.rater] + (1 - agreed.chance) * as_zero[verdicts.rater])


def _weights(verdicts: Verdicts, chance: Floats, counted: Floats) -> Floats:
    """Return by how much each verdict, (n,), moves the log odds of its item being a 1."""
    own = chance[verdicts.item]
    as_one, as_zero = _rates(verdicts, own, counted)
    ones = np.log(as_one / as_zero)[verdicts.rater]
    zeros = np.log((1 - as_one) / (1 - as_zero))[verdicts.rater]
    return np.where(verdicts.verdict == 1, ones, zeros)


def _rates(verdicts: Verdicts, chance: Floats, counted: Floats) -> tuple[Floats, Floats]:
    """Return how often each rater, (raters,), calls a 1 a 1 and a 0 a 1."""
    everybody = _pooled(verdicts, chance, counted)

    def rate(seen: Floats, called: Floats, usual: float) -> Floats:
        counts = np.bincount(verdicts.rater, called, verdicts.raters) + PULL * usual
        return np.asarray(counts / (np.bincount(verdicts.rater, seen, verdicts.raters) + PULL))

    if verdicts.symmetric:
        correct = rate(np.ones(len(chance)), _equal(verdicts, chance), everybody[0])
        return correct, 1 - correct
    zero = 1 - chance
    return rate(chance, chance * verdicts.verdict, everybody[0]), rate(zero, zero * verdicts.verdict, everybody[1])


def _pooled(verdicts: Verdicts, chance: Floats, counted: Floats) -> tuple[float, float]:
    """Return how often the raters who count call a 1 a 1 and a 0 a 1."""
    ones, zeros, called = counted * chance, counted * (1 - chance), verdicts.verdict
    if verdicts.symmetric:
        right = (float(ones @ called + zeros @ (1 - called)) + 1) / (float(counted.sum()) + 2)
        return right, 1 - right
    as_one, as_zero = (float(weight @ called) + 1 for weight in (ones, zeros))
    return as_one / (float(ones.sum()) + 2), as_zero / (float(zeros.sum()) + 2)


def _equal(verdicts: Verdicts, chance: Floats) -> Floats:
    """Return how likely each verdict, (n,), is what the item is."""
    return np.where(verdicts.verdict == 1, chance, 1 - chance)


def _agreement(verdicts: Verdicts, chance: Floats) -> Floats:
    """Return each rater's agreement with the others beyond chance: Cohen's kappa with a consensus that is not sure."""
    count = np.bincount(verdicts.rater, minlength=verdicts.raters).astype(np.float64)

    def mean(values: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.bincount(verdicts.rater, values, verdicts.raters) / count)

    own, theirs = mean(verdicts.verdict.astype(np.float64)), mean(chance)
    equal = mean(_equal(verdicts, chance))
    by_chance = np.full(verdicts.raters, 0.5) if verdicts.symmetric else own * theirs + (1 - own) * (1 - theirs)
    with np.errstate(invalid="ignore", divide="ignore"):
        beyond = (equal - by_chance) / (1 - by_chance)
    return np.asarray(np.where(np.isnan(count) | (count == 0), np.nan, np.where(by_chance >= 1, 0.0, beyond)))


def _suspect(verdicts: Verdicts, agreed: Consensus, careful: NDArray[np.bool_], rater: int) -> CarelessRater | None:
    own = verdicts.of(rater)
    if not own.any():
        return None
    peers = careful[verdicts.rater] & ~own
    as_one, as_zero = _pooled(verdicts, agreed.chance, peers.astype(np.float64))
    called_one = agreed.chance[own] * as_one + (1 - agreed.chance[own]) * as_zero
    ones = verdicts.verdict[own]
    by_items = float(np.log(np.where(ones == 1, called_one, 1 - called_one)).sum())
    evidence = _by_nothing(int(ones.sum()), len(ones), symmetric=verdicts.symmetric) - by_items
    others = agreed.agreement[careful & (np.arange(verdicts.raters) != rater)]
    median = float(np.nanmedian(others)) if not np.isnan(others).all() else 0.0
    agreement = float(agreed.agreement[rater])
    if evidence < math.log(verdicts.raters / LEVEL) or agreement >= INFORMATIVE * median:
        return None
    return CarelessRater(rater, math.exp(min(evidence, 700.0)), agreement, median)


def _by_nothing(ones: int, count: int, *, symmetric: bool) -> float:
    """Return the log likelihood of verdicts that have nothing to do with the items.

    Of all shares of 1s, each with Jeffreys' weight (Krichevsky & Trofimov 1981, "The Performance of Universal
    Encoding"), so that the share need not be known; for pairs, whose sides are arbitrary, that of a coin.
    """
    from scipy.special import betaln

    return -count * math.log(2) if symmetric else float(betaln(ones + 0.5, count - ones + 0.5) - betaln(0.5, 0.5))
