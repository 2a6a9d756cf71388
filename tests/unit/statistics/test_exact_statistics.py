"""Exact tests and intervals of pass rates against scipy, plain formulas and counting by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from groundtune.statistics import Method, compare, compare_all, estimate, noise_floor
from groundtune.statistics.flips import sign_flip
from groundtune.statistics.intervals import _wilson
from groundtune.statistics.sample import sampled
from groundtune.values import Score


def rng(seed=0):
    return np.random.default_rng(seed)


def scores(values):
    return [Score(float(value)) for value in values]


def alone(n):
    return [f"group {index}" for index in range(n)]


def compared(one, other, groups, **settings):
    method = Method(**{"resamples": 1000, **settings})
    return compare(scores(one), scores(other), groups, scorer="s", names=("a", "b"), method=method, rng=rng())


# --- the sign-flip test ---------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=200))
def test_pass_rates_of_single_cases_get_mcnemars_exact_test(rows):
    gained = sum(other and not one for one, other in rows)
    lost = sum(one and not other for one, other in rows)
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    found = compared([one for one, _ in rows], [other for _, other in rows], alone(len(rows)))
    assert found.p_value == pytest.approx(expected, abs=1e-9)


def counted_by_hand(totals):
    sums = [sum(sign * total for sign, total in zip(signs, totals, strict=True)) for signs in each(len(totals))]
    return np.mean([abs(one) >= abs(sum(totals)) - 1e-9 for one in sums])


def each(n):
    return product((-1, 1), repeat=n)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_whole_totals_are_counted_exactly(totals):
    assert sign_flip(np.array(totals, float), 1000, rng()) == pytest.approx(counted_by_hand(totals))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3000, 3000).map(lambda number: number / 1000), min_size=1, max_size=9))
def test_few_groups_are_enumerated(totals):
    assert sign_flip(np.array(totals), 1000, rng()) == pytest.approx(counted_by_hand(totals))


def test_enumerating_agrees_with_scipys_exact_test_and_draws_nothing():
    values = rng(3).normal(0.2, 0.5, 12)
    theirs = stats.permutation_test(
        (values, np.zeros(12)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(values, 10_000, None) == pytest.approx(theirs.pvalue)


def test_drawing_agrees_with_counting_where_both_can_be_done():
    totals = rng(4).integers(-4, 7, 40).astype(float)
    assert sign_flip(totals / 3, 100_000, rng()) == pytest.approx(sign_flip(totals, 1, rng()), abs=0.005)


@pytest.mark.parametrize("resamples", [100, 1000])
def test_drawn_p_values_are_never_zero_and_count_what_is_as_extreme(resamples):
    assert sign_flip(np.full(40, 0.3), resamples, rng()) == pytest.approx(1 / (resamples + 1))
    assert sign_flip(np.tile([0.3, -0.3], 20), resamples, rng()) == 1.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-5, 5).map(lambda number: number / 4), min_size=1, max_size=8))
def test_one_sided_p_values_count_the_sums_that_are_as_high(totals):
    sums = [sum(sign * total for sign, total in zip(signs, totals, strict=True)) for signs in each(len(totals))]
    expected = np.mean([one >= sum(totals) - 1e-9 for one in sums])
    assert sign_flip(np.array(totals), 1000, rng(), one_sided=True) == pytest.approx(expected)


@pytest.mark.parametrize(("size", "unit"), [(6, 0.5), (12, 0.3), (25, 0.3), (25, 1.0)])
def test_no_p_value_rises_when_a_difference_grows(size, unit):
    generator = rng(size)
    for _ in range(40):
        totals = unit * generator.integers(-2, 4, size)
        grown = totals.copy()
        grown[generator.integers(size)] += unit * generator.integers(1, 4)
        for one_sided in (True, False):
            if one_sided or totals.sum() > 0:
                before, after = (sign_flip(each_, 500, rng(1), one_sided=one_sided) for each_ in (totals, grown))
                assert after <= before + 1e-12


def test_many_groups_are_counted_without_running_out_of_digits():
    totals = np.ones(4000)
    totals[:1900] = -1
    assert sign_flip(totals, 1, rng()) == pytest.approx(stats.binomtest(2100, 4000).pvalue, rel=1e-9)


# --- intervals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passed", "n"), [(1, 10), (7, 12), (60, 200), (999, 1000)])
def test_wilsons_interval_is_scipys(passed, n):
    share = passed / n
    error = math.sqrt(share * (1 - share) / n)
    expected = stats.binomtest(passed, n).proportion_ci(0.95, "wilson")
    assert _wilson(share, error, n, stats.norm.ppf(0.975)) == pytest.approx((expected.low, expected.high))


def test_a_pass_rate_of_many_single_cases_has_wilsons_interval():
    values = np.arange(4000) % 10 == 0
    found = estimate(scores(values), alone(4000), method=Method())
    expected = stats.binomtest(400, 4000).proportion_ci(0.95, "wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_a_group_that_is_repeated_five_times_tells_what_one_case_does():
    passed = np.arange(2000) % 8 == 0
    found = estimate(scores(np.repeat(passed, 5)), [str(index // 5) for index in range(10_000)], method=Method())
    expected = stats.binomtest(250, 2000).proportion_ci(0.95, "wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-3)


def newcombe(both, lost, gained, neither):
    """Newcombe 1998, method 10, without the correction of phi: Wilson's intervals, squared and added."""
    n = both + lost + gained + neither
    (one, other), z = ((both + lost) / n, (both + gained) / n), stats.norm.ppf(0.975)
    ends = [_wilson(share, math.sqrt(share * (1 - share) / n), n, z) for share in (one, other)]
    phi = (both * neither - lost * gained) / (n**2 * math.sqrt(one * (1 - one) * other * (1 - other)))
    down, up = (other - ends[1][0], ends[0][1] - one), (ends[1][1] - other, one - ends[0][0])
    width = [math.sqrt(a * a + b * b - 2 * phi * a * b) for a, b in (down, up)]
    return other - one - width[0], other - one + width[1]


@pytest.mark.parametrize("table", [(700, 100, 150, 1050), (1900, 20, 60, 20), (10, 5, 45, 1940)])
def test_the_difference_of_pass_rates_has_newcombes_interval(table):
    both, lost, gained, neither = table
    one = [1] * (both + lost) + [0] * (gained + neither)
    other = [1] * both + [0] * lost + [1] * gained + [0] * neither
    found = compared(one, other, alone(2000)).difference
    assert (found.low, found.high) == pytest.approx(newcombe(*table), abs=1e-4)


def test_the_difference_of_graded_scores_has_students_interval():
    one, other = rng(5).random((2, 30))
    found = compared(one, other, alone(30)).difference
    low, high = stats.ttest_rel(other, one).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_a_candidate_that_never_passes_still_leaves_an_interval():
    found = compared([0] * 40, [0, 1, 1, 1] * 10, alone(40)).difference
    assert -0.1 < found.low < found.mean == 0.75 < found.high <= 1


@pytest.mark.parametrize("values", [[0, 1, 1, 0, 0, 1], [0.1, 0.7, 0.5, 0.3, 0.6, 0.2]])
def test_groups_with_the_same_mean_prove_no_certainty(values):
    """Nothing tells how other groups would differ, which a standard error of 0 would say they do not."""
    groups = ["a", "a", "b", "b", "c", "c"]
    found = estimate(scores(values), groups, method=Method())
    share = stats.binomtest(0, 3).proportion_ci(0.95, "exact").high
    assert (found.low, found.high) == pytest.approx((max(0, found.mean - share), min(1, found.mean + share)))
    apart = compared(np.zeros(6), values, groups).difference
    assert apart.low < 0 < apart.mean < apart.high


def test_one_big_group_takes_degrees_of_freedom_away():
    even, uneven = ([str(index % 10) for index in range(100)], [str(min(index, 9)) for index in range(100)])
    assert sampled(np.zeros(100), even).freedom == pytest.approx(9)
    assert sampled(np.zeros(100), uneven).freedom == 1.0


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 8)), min_size=2, max_size=60))
def test_intervals_of_pass_rates_hold_their_estimate_and_stay_on_the_scale(rows):
    one, other, groups = [row[0] for row in rows], [row[1] for row in rows], [str(row[2]) for row in rows]
    rate = estimate(scores(one), groups, method=Method())
    found = compared(one, other, groups).difference
    if rate.low is not None:
        assert 0 <= rate.low <= rate.mean + 1e-12
        assert rate.mean - 1e-12 <= rate.high <= 1
        assert -1 <= found.low <= found.mean + 1e-12
        assert found.mean - 1e-12 <= found.high <= 1


# --- equivalence ----------------------------------------------------------------------------------


def test_equivalence_is_two_one_sided_tests_at_half_the_error_rate():
    """The verdict turns where the larger of scipy's two one-sided p-values passes 2.5 %."""
    noise = rng(6).normal(0, 0.1, 80)
    noise -= noise.mean()
    seen = set()
    for shift in np.linspace(0, 0.05, 41):
        difference = noise + shift
        larger = max(
            stats.ttest_1samp(difference, -0.04, alternative="greater").pvalue,
            stats.ttest_1samp(difference, 0.04, alternative="less").pvalue,
        )
        verdict = compared(np.full(80, 5.0), 5 + difference, alone(80), margin=0.04).verdict
        assert (verdict == "equivalent") == (larger <= 0.025), shift
        seen.add(verdict == "equivalent")
    assert seen == {True, False}


def test_candidates_apart_by_the_margin_are_seldom_called_equivalent():
    generator, called = rng(7), 0
    for _ in range(400):
        one = generator.normal(5, 0.1, 50)
        called += compared(one, one + generator.normal(0.04, 0.08, 50), alone(50), margin=0.04).verdict == "equivalent"
    assert called / 400 <= 0.05


# --- the noise floor ------------------------------------------------------------------------------


def test_the_same_scores_twice_have_no_noise():
    values = scores(rng(8).random(30))
    found = noise_floor(values, values, alone(30), method=Method())
    assert (found.absolute, found.difference.mean, found.floor) == (0.0, 0.0, 0.0)


def test_noise_is_the_mean_absolute_difference_and_the_floor_the_far_end_of_the_interval():
    one, other = rng(9).random((2, 30))
    found = noise_floor(scores(one), scores(other), alone(30), method=Method())
    assert found.absolute == pytest.approx(np.abs(other - one).mean())
    assert found.floor == max(abs(found.difference.low), abs(found.difference.high))
    assert noise_floor([Score(None)], scores([1]), ["a"], method=Method()).absolute is None


def test_a_difference_below_the_floor_is_never_better():
    one = rng(10).random(200) / 2
    table = {"a": scores(one), "b": scores(one + 0.1 + rng(11).normal(0, 0.05, 200))}

    def verdict(floor):
        (found,) = compare_all(table, alone(200), scorer="s", method=Method(resamples=1000), rng=rng(), floor=floor)
        return found.verdict, found.more_cases_needed

    assert verdict(0.05) == ("better", None)
    unsure, more = verdict(0.2)
    assert unsure == "cannot tell"
    assert 400 < more < 800, "twice the floor asks for four times the cases"
