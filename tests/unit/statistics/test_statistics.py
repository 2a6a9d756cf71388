"""Statistics against scipy, hand-computed values, symmetries, and seeded simulations of what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from groundtune.errors import InputError, NotComparable
from groundtune.statistics import (
    Method,
    cases_needed,
    clustered_sd,
    compare,
    compare_all,
    corrected,
    detectable_difference,
    estimate,
    judged,
    paired_sd,
    smallest_detectable_difference,
)
from groundtune.values import Difference, Estimate, Score

QUICK = Method(resamples=1000)
NAMES = ("base", "rag")


def scores(values):
    return [
        Score(None if value is None else float(value), "not applicable" if value is None else "") for value in values
    ]


def alone(n):
    return [f"group {index}" for index in range(n)]


def rng(seed=0):
    return np.random.default_rng(seed)


def compared(one, other, groups, method=QUICK, seed=0):
    return compare(scores(one), scores(other), groups, scorer="s", names=NAMES, method=method, rng=rng(seed))


# --- estimates ------------------------------------------------------------------------------------


def test_an_estimate_agrees_with_scipy_when_every_case_is_a_group_of_its_own():
    values = rng(1).normal(0.5, 0.2, 200)
    found = estimate(scores(values), alone(200), method=Method())
    low, high = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)


def test_failed_and_unscored_are_counted_and_never_averaged():
    given_scores = [*scores([1, 1, 0, 1]), Score(None, "no ideal answer"), Score(None, "no reply", failed=True)]
    found = estimate(given_scores, alone(6), method=QUICK)
    assert (found.mean, found.scored, found.unscored, found.failed) == (0.75, 4, 1, 1)


def test_no_scored_case_gives_no_number():
    found = estimate(scores([None, None]), ["a", "b"], method=QUICK)
    assert (found.mean, found.low, found.high, found.scored, found.unscored) == (None, None, None, 0, 2)


def test_one_group_has_a_mean_but_no_interval():
    found = estimate(scores([0.2, 0.4]), ["a", "a"], method=QUICK)
    assert found.mean == pytest.approx(0.3)
    assert (found.low, found.high) == (None, None)


def test_on_no_known_scale_the_interval_is_students_t_over_groups():
    values = [1.1, 0.5, 0.9, 7.4]
    found = estimate(scores(values), ["a", "b", "c", "d"], method=QUICK)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 3, np.mean(values), stats.sem(values)))


def test_on_a_known_scale_the_interval_stays_on_it_and_goes_with_the_unit():
    values = np.array([0.0, 0.0, 0.02, 0.4, 0.9, 0.0])
    share = estimate(scores(values), alone(6), method=QUICK)
    assert 0 <= share.low < share.mean < share.high <= 1
    assert share.high - share.mean > share.mean - share.low, "near the low end of the scale there is more room above"
    hundred = estimate(scores(100 * values), alone(6), method=Method(scale=(0.0, 100.0)))
    assert (hundred.low, hundred.high) == pytest.approx((100 * share.low, 100 * share.high))
    values[4] = 1 + 4e-16  # what scorers make of a perfect answer
    assert estimate(scores(values), alone(6), method=QUICK).low > 0, "still taken to be on the scale"


def test_a_perfect_score_keeps_the_exact_binomial_interval():
    found = estimate(scores([1] * 30), alone(30), method=QUICK)
    exact = stats.binomtest(30, 30).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_grouped_cases_give_a_wider_interval_than_independent_ones():
    values = np.repeat(rng(2).integers(0, 2, 30), 5)
    together = estimate(scores(values), [str(index // 5) for index in range(150)], method=QUICK)
    apart = estimate(scores(values), alone(150), method=QUICK)
    assert together.high - together.low > 1.8 * (apart.high - apart.low)


def test_a_score_that_is_not_a_number_is_refused():
    with pytest.raises(InputError, match="score 1 is nan"):
        estimate(scores([0.5, math.nan]), ["a", "b"], method=QUICK)


def test_scores_without_their_groups_are_refused():
    with pytest.raises(NotComparable, match="3 scores for 2 cases"):
        estimate(scores([1, 0, 1]), ["a", "b"], method=QUICK)


# --- spread and sample size -----------------------------------------------------------------------


def test_the_clustered_sd_is_the_plain_one_without_groups():
    values = rng(4).normal(size=50)
    assert clustered_sd(values, alone(50)) == pytest.approx(values.std(ddof=1))


def test_doubled_cases_in_one_group_count_once():
    values = rng(4).normal(size=50)
    error = clustered_sd(np.repeat(values, 2), [str(index // 2) for index in range(100)]) / math.sqrt(100)
    assert error == pytest.approx(stats.sem(values))


def test_the_sample_size_is_the_one_published():
    """Miller 2024 (arXiv:2411.00640), section 5: 3 points, 80 % power, variance 1/9: 969 questions."""
    assert cases_needed(math.sqrt(1 / 9), 0.03) == 969
    assert smallest_detectable_difference(math.sqrt(1 / 9), 969) == pytest.approx(0.03, abs=1e-4)


@pytest.mark.parametrize(("sd", "n", "expected"), [(0.3, 30, 0.153), (0.5, 100, 0.140), (0.5, 400, 0.070)])
def test_smallest_detectable_differences(sd, n, expected):
    assert smallest_detectable_difference(sd, n) == pytest.approx(expected, abs=5e-4)


def test_what_a_comparison_can_detect_allows_for_the_number_of_pairs():
    """Simulated: a difference of just that size is found about four times in five."""
    generator, size, found = rng(15), None, 0
    for _ in range(200):
        noise = generator.normal(0, 0.3, (3, 80))
        if size is None:
            table = {str(index): scores(row) for index, row in enumerate(noise)}
            size = detectable_difference(table, alone(80), method=QUICK)
            assert size == pytest.approx(
                smallest_detectable_difference(0.3 * 2**0.5, 80, confidence=1 - 0.05 / 3), rel=0.1
            )
            continue
        noise[2] += 0.3 * 2**0.5 * (stats.norm.ppf(1 - 0.05 / 6) + stats.norm.ppf(0.8)) / 80**0.5
        table = {str(index): scores(row) for index, row in enumerate(noise)}
        pair = compare_all(table, alone(80), scorer="s", method=QUICK, rng=generator)[1]
        found += pair.verdict == "better"
    assert 0.7 <= found / 199 <= 0.9


def test_nothing_is_detectable_without_a_pair_on_common_groups():
    assert detectable_difference({"base": scores([1, 0])}, alone(2), method=QUICK) is None
    assert detectable_difference({"a": scores([1, 0]), "b": scores([0, 1])}, ["g", "g"], method=QUICK) is None


def test_pairs_that_differ_by_the_same_everywhere_tell_nothing_of_what_can_be_detected():
    one, other = rng(16).random((2, 40))
    two = detectable_difference(
        {"a": scores(one), "d": scores(other)}, alone(40), method=Method(confidence=1 - 0.05 / 6)
    )
    clones = dict.fromkeys("abc", scores(one))
    assert detectable_difference({**clones, "d": scores(other)}, alone(40), method=QUICK) == pytest.approx(two)
    assert detectable_difference(clones, alone(40), method=QUICK) is None


def test_the_spread_of_differences_needs_common_cases():
    assert paired_sd(scores([1, None]), scores([None, 1]), ["a", "b"]) is None


# --- comparisons ----------------------------------------------------------------------------------


def test_only_cases_scored_by_both_are_compared():
    one = [*scores([0, 0, 1, None]), Score(None, "no reply", failed=True)]
    other = scores([1, 1, 1, 1, 1])
    found = compare(one, other, alone(5), scorer="s", names=NAMES, method=QUICK, rng=rng()).difference
    assert (found.mean, found.scored, found.unscored, found.failed) == (pytest.approx(2 / 3), 3, 1, 1)


def test_the_p_value_agrees_with_scipys_permutation_test():
    values = rng(6).normal(0.1, 0.4, 40)
    ours = compared(np.zeros(40), values, alone(40), Method(resamples=50_000)).p_value
    theirs = stats.permutation_test(
        (values, np.zeros(40)), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=50_000, rng=rng(1)
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 20)), min_size=2, max_size=60))
def test_swapping_the_candidates_turns_the_sign_and_nothing_else(rows):
    one, other, groups = [row[0] for row in rows], [row[1] for row in rows], [str(row[2]) for row in rows]
    there, back = compared(one, other, groups), compared(other, one, groups)
    assert there.difference.mean == pytest.approx(-back.difference.mean, abs=1e-12)
    assert there.p_value == pytest.approx(back.p_value)
    opposite = {"better": "worse", "worse": "better"}
    if there.difference.low is not None and abs(there.difference.low * there.difference.high) > 0.02:
        assert back.verdict == opposite.get(there.verdict, there.verdict)


def test_verdicts():
    noise = rng(7).normal(0, 0.2, 100)
    base = np.full(100, 0.5)
    assert compared(base, base + 0.3 + noise, alone(100)).verdict == "better"
    assert compared(base, base - 0.3 + noise, alone(100)).verdict == "worse"
    assert compared(base, base + noise / 100, alone(100)).verdict == "equivalent"
    assert compared(base, base + noise - noise.mean(), alone(100)).verdict == "cannot tell"


def test_a_sure_difference_that_is_too_small_to_matter_is_equivalence():
    base, step = np.full(200, 0.5), 0.01 + rng(8).normal(0, 0.01, 200)
    found = compared(base, base + step, alone(200))
    assert found.p_value < 0.01
    assert found.verdict == "equivalent"


def test_more_cases_are_advised_only_where_one_cannot_tell():
    noise = rng(9).normal(0, 0.5, 60)
    noise += 0.08 - noise.mean()
    unsure = compared(np.zeros(60), noise, alone(60))
    assert unsure.verdict == "cannot tell"
    assert unsure.more_cases_needed == cases_needed(noise.std(ddof=1), 0.08) - 60
    assert compared(np.zeros(60), noise + 1, alone(60)).more_cases_needed is None


def test_a_difference_below_the_margin_asks_for_cases_to_show_equivalence():
    noise = rng(9).normal(0, 0.1, 60)
    noise -= noise.mean()
    found = compared(np.zeros(60), noise, alone(60))
    needed = (stats.norm.ppf(0.975) + stats.norm.ppf(0.9)) ** 2 * noise.var(ddof=1) / 0.02**2
    assert found.more_cases_needed == math.ceil(needed) - 60


def test_the_same_answers_twice_are_not_proof_of_equality_on_few_cases():
    values = rng(10).integers(0, 2, 300)
    few, many = (compared(values[:n], values[:n], alone(n)) for n in (20, 300))
    assert (few.verdict, few.p_value) == ("cannot tell", 1.0)
    assert many.verdict == "equivalent"
    again = 20 + few.more_cases_needed
    assert compared(values[:again], values[:again], alone(again)).verdict == "equivalent"


def test_one_group_tells_nothing():
    found = compared([0, 0, 0], [1, 1, 1], ["a", "a", "a"])
    assert (found.difference.mean, found.difference.low, found.p_value) == (1.0, None, 1.0)
    assert (found.verdict, found.more_cases_needed) == ("cannot tell", None)


def test_four_unanimous_groups_need_two_more_to_be_sure():
    """The smallest two-sided p of a sign-flip test over G groups is 2^-(G-1): 6 groups for 5 %."""
    found = compared([0] * 4, [1] * 4, alone(4))
    assert (found.verdict, found.more_cases_needed) == ("cannot tell", 2)


# --- families -------------------------------------------------------------------------------------


def test_p_values_are_multiplied_by_their_number():
    assert corrected([0.01, 0.04, 0.3, 0.005]) == pytest.approx([0.04, 0.16, 1.0, 0.02])
    assert corrected([0.03]) == [0.03]
    assert corrected([]) == []


def test_all_pairs_are_compared_with_the_earlier_as_baseline():
    values = rng(11).random((3, 50))
    given_scores = {name: scores(row) for name, row in zip(["base", "rag", "tuned"], values, strict=True)}
    found = compare_all(given_scores, alone(50), scorer="s", method=QUICK, rng=rng())
    assert [(pair.baseline, pair.challenger) for pair in found] == [
        ("base", "rag"),
        ("base", "tuned"),
        ("rag", "tuned"),
    ]
    assert found[0].difference.mean == pytest.approx(values[1].mean() - values[0].mean())


def test_the_verdict_follows_the_corrected_p_value():
    """One pair at p near 0.03 is a difference alone and none among ten comparisons."""
    noise = rng(12).normal(0, 1, (5, 60)) * 0.2
    noise -= noise.mean(axis=1, keepdims=True)
    noise[1] += 0.082
    given_scores = {f"c{index}": scores(0.5 + row) for index, row in enumerate(noise)}
    one, other = given_scores["c0"], given_scores["c1"]
    single = compare(one, other, alone(60), scorer="s", names=("c0", "c1"), method=QUICK, rng=rng())
    family = compare_all(given_scores, alone(60), scorer="s", method=QUICK, rng=rng())[0]
    assert single.verdict == "better"
    assert single.p_value < 0.05 < family.p_value
    assert family.verdict == "cannot tell"
    apart = noise[1] - noise[0]
    needed = cases_needed(apart.std(ddof=1), apart.mean(), confidence=1 - 0.05 / 10)
    assert family.more_cases_needed == needed - 60


@pytest.mark.parametrize(
    ("p_values", "verdicts"),
    [
        ([0.026, 0.9], ["cannot tell", "cannot tell"]),
        ([0.024, 0.9], ["better", "cannot tell"]),
        ([0.017, 0.017, 0.9], ["cannot tell", "cannot tell", "cannot tell"]),
        ([0.016, 0.02, 0.0001], ["better", "cannot tell", "better"]),
        ([0.049], ["better"]),
        ([0.051], ["cannot tell"]),
        ([0.09], ["cannot tell"]),
    ],
)
def test_a_corrected_p_value_between_alpha_and_twice_alpha_is_no_verdict(p_values, verdicts):
    given_differences = [
        Difference("s", "a", f"b{place}", Estimate(0.3, 0.1, 0.5, 50), p_value, "cannot tell")
        for place, p_value in enumerate(p_values)
    ]
    found = judged(given_differences, [None] * len(p_values), QUICK)
    assert [one.verdict for one in found] == verdicts


@pytest.mark.parametrize(
    ("mean", "most", "verdict"),
    [(0.019, None, "cannot tell"), (0.02, None, "better"), (0.019, 0.03, "better"), (0.03, 0.03, "better")],
)
def test_a_sure_difference_below_the_margin_is_not_better_unless_missing_scores_may_make_it_larger(mean, most, verdict):
    wide = Difference("s", "a", "b", Estimate(mean, 0.001, 0.05, 50), 0.001, "cannot tell", most=most)
    turned = Difference(
        "s", "a", "b", Estimate(-mean, -0.05, -0.001, 50), 0.001, "cannot tell", least=None if most is None else -most
    )
    assert judged([wide], [None], QUICK)[0].verdict == verdict
    assert judged([turned], [None], QUICK)[0].verdict == {"better": "worse"}.get(verdict, verdict)


# --- what the methods promise, by simulation ------------------------------------------------------


def _benchmark(generator, groups=25, cases=100, icc=0.4):
    """Yes-or-no scores of a candidate that is right half of the time, alike within groups of unequal size."""
    index = np.sort(np.concatenate([np.arange(groups), generator.integers(0, groups, cases - groups)]))
    shared, own = generator.normal(size=(2, groups)), generator.normal(size=(2, cases))
    latent = math.sqrt(icc) * shared[:, index] + math.sqrt(1 - icc) * own
    return (latent > 0).astype(float), [str(group) for group in index]


def test_intervals_cover_the_truth_as_often_as_they_say():
    """Roughly: `benchmarks/simulation.py` does this at length."""
    generator, hits, apart = rng(13), 0, 0
    for _ in range(400):
        (one, other), groups = _benchmark(generator)
        found = estimate(scores(one), groups, method=QUICK)
        hits += found.low <= 0.5 <= found.high
        between = compared(one, other, groups).difference
        apart += between.low <= 0 <= between.high
    assert 0.92 <= hits / 400 <= 0.98
    assert 0.92 <= apart / 400 <= 0.98


def test_equal_candidates_are_told_apart_no_more_often_than_promised():
    generator, method, alarms, naive = rng(14), Method(resamples=1000), 0, 0
    for _ in range(400):
        (one, other), groups = _benchmark(generator)
        found = compare(scores(one), scores(other), groups, scorer="s", names=NAMES, method=method, rng=generator)
        alarms += found.verdict in ("better", "worse")
        naive += stats.ttest_rel(one, other).pvalue < 0.05
    assert alarms / 400 <= 0.08
    assert naive / 400 > 0.10  # what not looking at groups would do on the same data
