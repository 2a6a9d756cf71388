"""What raters agree on: expectation and maximisation against known truth, and its symmetries."""

import numpy as np
import pytest
from scipy import stats

from groundtune.tuning.quality._rater_bias import _two_sided, by_length, by_time
from groundtune.tuning.quality._raters import Verdicts, careless, consensus, likely


def rated(accuracies, items=200, share=0.5, seed=0, symmetric=False):
    """Verdicts of raters who are right as often as `accuracies` say, and the truth."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(items) < share).astype(np.int64)
    said = np.array([np.where(rng.random(items) < accuracy, truth, 1 - truth) for accuracy in accuracies])
    raters = len(accuracies)
    item, rater = np.tile(np.arange(items), raters), np.repeat(np.arange(raters), items)
    return Verdicts(item, rater, said.ravel(), items, raters, symmetric), truth


@pytest.mark.parametrize("symmetric", [False, True])
def test_consensus_knows_more_than_the_majority(symmetric):
    """Two good raters outvote four who nearly guess."""
    verdicts, truth = rated([0.95, 0.9, 0.55, 0.55, 0.55, 0.55], items=400, symmetric=symmetric)
    agreed = consensus(verdicts, np.ones(6, bool))
    by_others = (agreed.chance[verdicts.of(5)] > 0.5) == truth  # what the first five say
    votes = np.array([verdicts.verdict[verdicts.of(rater)] for rater in range(5)]).mean(axis=0)
    majority = (votes > 0.5) == truth
    assert by_others.mean() > majority.mean() + 0.05


def test_agreement_orders_raters():
    verdicts, _ = rated([0.95, 0.85, 0.75, 0.5, 0.1])
    agreement = consensus(verdicts, np.ones(5, bool)).agreement
    assert list(np.argsort(-agreement)) == [0, 1, 2, 3, 4]
    assert agreement[3] == pytest.approx(0, abs=0.15)
    assert agreement[4] < -0.5


def test_calling_zeros_ones_changes_nothing():
    verdicts, _ = rated([0.9, 0.9, 0.8, 0.5], share=0.3)
    turned = Verdicts(verdicts.item, verdicts.rater, 1 - verdicts.verdict, verdicts.items, 4, symmetric=False)
    one, other = consensus(verdicts, np.ones(4, bool)), consensus(turned, np.ones(4, bool))
    assert other.chance == pytest.approx(1 - one.chance, abs=1e-4)
    assert [each.rater for each in careless(verdicts)[0]] == [each.rater for each in careless(turned)[0]] == [3]


def test_the_order_of_raters_and_items_changes_nothing():
    verdicts, _ = rated([0.9, 0.5, 0.9, 0.85])
    order = np.random.default_rng(1).permutation(len(verdicts.item))
    mixed = Verdicts(verdicts.item[order], verdicts.rater[order], verdicts.verdict[order], 200, 4, symmetric=False)
    assert [each.rater for each in careless(verdicts)[0]] == [each.rater for each in careless(mixed)[0]] == [1]


def test_careful_raters_are_hardly_ever_called_careless():
    """The promise is one study in a hundred at most."""
    alarms = sum(bool(careless(rated([0.8] * 5, items=50, seed=seed)[0])[0]) for seed in range(100))
    assert alarms <= 1


def test_a_likely_verdict_is_as_frequent_as_it_is_likely():
    verdicts, _ = rated([0.9, 0.8, 0.7, 0.9], items=500, share=0.3)
    chance = likely(verdicts, consensus(verdicts, np.ones(4, bool)))
    for rater in range(4):
        own = verdicts.of(rater)
        assert chance[own].mean() == pytest.approx(verdicts.verdict[own].mean(), abs=0.03)


@pytest.mark.parametrize(
    ("share", "accuracies"), [(0.5, [0.9] * 5), (0.8, [0.9] * 5), (0.6, [0.7, 0.9, 0.9, 0.8, 0.6])]
)
def test_no_pull_is_seen_where_there_is_none(share, accuracies):
    """Not even where good answers are the long ones, or raters are of many kinds."""
    alarms = 0
    for seed in range(40):
        verdicts, truth = rated(accuracies, items=100, share=share, seed=seed)
        rng = np.random.default_rng(seed)
        long = np.where(rng.random(100) < 0.7, truth, 1 - truth) * 2 - 1
        agreed = careless(verdicts)[1]
        alarms += bool(by_length(verdicts, agreed, long[verdicts.item]))
        alarms += bool(by_time(verdicts, agreed, np.arange(len(verdicts.item))))
    assert alarms <= 3


def test_two_sided_is_the_binomial_test_for_equal_coins():
    for count in range(11):
        expected = min(1, 2 * min(stats.binom.cdf(count, 10, 0.4), stats.binom.sf(count - 1, 10, 0.4)))
        assert _two_sided(np.full(10, 0.4), count) == pytest.approx(expected)


def test_two_sided_hardly_changes_where_the_normal_takes_over():
    rng = np.random.default_rng(3)
    chances = rng.random(1000)
    more = np.append(chances, 0.5)
    count = int(chances.sum()) + 35
    assert _two_sided(chances, count) == pytest.approx(_two_sided(more, count + 1), rel=0.15)
