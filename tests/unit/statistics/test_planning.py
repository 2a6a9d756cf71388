"""What a benchmark can show: against the formulas by hand, published figures, and simulated comparisons."""

import numpy as np
import pytest
from scipy import stats

from groundtune.statistics import Method, compare_all, planning
from groundtune.statistics.planning import Pilot, design_effect, pilot_sd, plan
from groundtune.values import Score

ALONE = [str(number) for number in range(200)]


def test_two_candidates_are_as_the_tables_of_the_field_say():
    """2.8 × SD ÷ √n: .084 for SD .3 and 100 cases, .099 for .5 and 200."""
    found = plan(ALONE[:100], 2)
    assert found.comparisons == 1
    # the tables are for normal quantiles; Student's t for a hundred groups asks for a little more
    assert [one.detectable[0] for one in found.assumed] == pytest.approx([0.056, 0.084, 0.112, 0.14], abs=0.0015)
    assert plan(ALONE, 2).assumed[3].detectable[0] == pytest.approx(0.099, abs=1e-3)


def test_five_candidates_are_corrected_for_ten_comparisons():
    found = plan(ALONE, 5, pilot=Pilot(0.37, ("a", "b"), 200, True))
    z = stats.norm.ppf(1 - 0.05 / 10 / 2) + stats.norm.ppf(0.8)
    quantiles = stats.t.ppf(1 - 0.05 / 10 / 2, 199) + stats.t.ppf(0.8, 199)
    assert found.comparisons == 10
    assert found.pilot.detectable == pytest.approx((quantiles * 0.37 / 200**0.5,) * 2)
    for difference, needed in found.pilot.needed.items():
        assert needed == (int(np.ceil((z * 0.37 / difference) ** 2)),) * 2
    assert list(found.pilot.needed) == [0.02, 0.05, 0.1]


def test_groups_widen_what_is_assumed_and_not_what_was_measured():
    groups = [str(number // 4) for number in range(200)]
    found = plan(groups, 2, pilot=Pilot(0.4, ("a", "b"), 200, True))
    assert (found.cases, found.groups) == (200, 50)
    low, high = found.assumed[2].detectable
    assert (high / low, found.pilot.detectable[1] / found.pilot.detectable[0]) == pytest.approx((2, 1))
    fewest, most = found.assumed[2].needed[0.05]
    assert most == pytest.approx(4 * fewest, abs=4)


def test_the_design_effect_is_the_variance_of_a_mean_of_alike_cases():
    groups = ["a"] * 6 + ["b"] * 3 + ["c"]
    drawn = np.random.default_rng(3).normal(size=(40_000, 3))
    means = (6 * drawn[:, 0] + 3 * drawn[:, 1] + drawn[:, 2]) / 10
    assert design_effect(groups) == pytest.approx(means.var() * 10, rel=0.03)
    assert design_effect(ALONE) == 1


def test_a_scale_to_100_has_differences_and_scatter_of_its_own():
    small, large = plan(ALONE, 2), plan(ALONE, 2, unit=100)
    assert large.assumed[0].sd == 20
    assert large.assumed[0].detectable[0] == pytest.approx(100 * small.assumed[0].detectable[0])
    assert list(large.assumed[0].needed.values()) == list(small.assumed[0].needed.values())


def test_nothing_to_compare_is_no_plan():
    assert plan([], 5) is None
    assert plan(ALONE, 1) is None


@pytest.mark.parametrize("candidates", [2, 5])
def test_fewer_groups_than_told_find_nothing_and_so_many_do(candidates):
    fewest = plan(ALONE, candidates).fewest_groups
    rng = np.random.default_rng(1)
    noise = {str(number): [Score(value) for value in rng.normal(0, 1e-6, 40)] for number in range(candidates - 1)}
    for count, found in ((fewest - 1, 0), (fewest, candidates - 1)):
        scores = {name: given[:count] for name, given in noise.items()} | {"winner": [Score(1.0)] * count}
        compared = compare_all(scores, ALONE[:count], scorer="x", method=Method(resamples=20_000), rng=rng)
        assert sum(one.verdict == "better" and one.challenger == "winner" for one in compared) == found


def test_the_power_is_as_told():
    """Five candidates, one better by what should be found: its four comparisons are found about four times in five.

    The strictest step of Holm's method is planned for and looser ones are applied, so it is rather more.
    """
    n, sd = 60, 0.3
    groups = ALONE[:n]
    difference = plan(groups, 5, pilot=Pilot(sd, (), n, True)).pilot.detectable[0]
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(40):
        base = rng.normal(0, 1, n)
        scores = {
            str(number): [
                Score(float(value)) for value in base + rng.normal(number == 4 and difference, sd / 2**0.5, n)
            ]
            for number in range(5)
        }
        compared = compare_all(scores, groups, scorer="x", method=Method(resamples=4000), rng=rng)
        hits += [one.verdict == "better" for one in compared if one.challenger == "4"]
    assert 0.7 <= np.mean(hits) <= 0.95


def test_a_pilot_is_the_median_over_pairs_that_differ():
    def scores(*values):
        return [Score(None if value is None else float(value)) for value in values]

    groups = list("abcd")
    told = {"x": scores(0, 0, 0, 0), "y": scores(0, 0, 0, 0), "z": scores(1, 0, 1, None)}
    assert pilot_sd(told, groups) == pytest.approx(np.std([1, 0, 1], ddof=1))
    assert pilot_sd({"x": told["x"], "y": told["y"]}, groups) is None
    assert pilot_sd({"x": told["x"]}, groups) is None


def test_every_assumption_is_shown():
    assert tuple(one.sd for one in plan(ALONE, 5).assumed) == planning.ASSUMED
