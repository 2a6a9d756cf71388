"""What a report advises on tables of scores: failures, missing scores and either direction must not turn it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from groundtune.comparison.report import as_json
from groundtune.settings import ComparisonSettings
from groundtune.testing.tables import TableScorer, report_of
from groundtune.values import Score

SETTINGS = ComparisonSettings(resamples=1000)
FAILED = Score(None, "400: context too long", failed=True)
LESS = TableScorer("hallucination_rate", higher_is_better=False)
HUNDRED = TableScorer("points", (0.0, 100.0))
ERRORS = TableScorer("errors", (0.0, 100.0), higher_is_better=False)


def rng(seed=0):
    return np.random.default_rng(seed)


def passes(share, number, seed):
    return [float(one) for one in rng(seed).permutation(np.arange(number) < round(share * number))]


def advice(scores, **more):
    return report_of(scores, settings=SETTINGS, **more).recommendation


def standing(found, name):
    """2 is shipped, 1 open to choice, 0 beaten or excluded."""
    return 2 if found.candidate == name else 1 if name in found.indistinguishable else 0


def text(found):
    return " ".join(found.reasons)


# --- direction ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scorer", "good", "bad"),
    [
        (LESS, [0.0] * 30 + [None] * 10, [1.0] * 30 + [None] * 10),
        (LESS, passes(0.2, 60, 1), passes(0.8, 60, 2)),
        (ERRORS, rng(1).normal(20, 5, 40), rng(2).normal(60, 5, 40)),
        (HUNDRED, rng(1).normal(60, 5, 40), rng(2).normal(20, 5, 40)),
        (TableScorer(), passes(0.8, 60, 1), passes(0.2, 60, 2)),
    ],
)
@pytest.mark.parametrize("names", [("base", "raft"), ("raft", "base")])
def test_the_better_one_is_shipped_whichever_way_is_better(scorer, good, bad, names):
    better, worse = names
    found = advice({better: good, worse: bad}, scorer=scorer)
    assert (found.candidate, found.indistinguishable, found.sure) == (better, (better,), True)
    assert f"{better} is better than {worse}: " in text(found)
    assert ("less is better" in text(found)) == (not scorer.higher_is_better)
    means = next(reason for reason in found.reasons if reason.startswith("Mean "))
    assert means.index(f"{better} ") < means.index(f"{worse} "), "the best first"


@pytest.mark.parametrize(("scorer", "unit"), [(TableScorer(), 1), (HUNDRED, 100), (ERRORS, 100)])
@pytest.mark.parametrize(("apart", "sure"), [(0.005, True), (0.03, False)])
def test_the_margin_is_a_share_of_the_scale(scorer, unit, apart, sure):
    noise = rng(3).normal(0, 0.01, 300)
    base = [unit * (0.5 + one) for one in noise]
    rag = [one + unit * apart + unit * more for one, more in zip(base, rng(4).normal(0, 0.01, 300), strict=True)]
    found = report_of({"base": base, "rag": rag}, scorer=scorer, settings=SETTINGS)
    assert found.margin == pytest.approx(0.02 * unit)
    assert (found.comparisons[0].verdict == "equivalent") == sure
    alike = "makes no difference that matters" in found.recommendation.reasons[0]
    assert (alike, found.recommendation.sure) == (sure, True)


@pytest.mark.parametrize("scorer", [TableScorer(), LESS])
def test_ties_of_equal_cost_go_to_the_better_one_with_missing_scores_at_their_worst(scorer):
    good = [0.6, 0.4] * 10 if scorer.higher_is_better else [0.4, 0.6] * 10
    best = 1.0 if scorer.higher_is_better else 0.0
    found = advice({"mine": good, "yours": [FAILED, FAILED, *good[2:-1], best]}, scorer=scorer)
    assert found.candidate == "mine", "the other one's mean over what it answered is better"
    found = advice({"mine": good, "yours": [*good[:-1], best]}, scorer=scorer)
    assert found.candidate == "yours"


# --- failed and unscored cases --------------------------------------------------------------------

EASY = {"base": passes(0.4, 48, 5), "rag": passes(0.85, 48, 6)}


@pytest.mark.parametrize("missing", [FAILED, None])
@pytest.mark.parametrize("on_hard", [0.0, 0.4, 1.0])
def test_a_candidate_does_not_win_by_what_it_did_not_answer(missing, on_hard):
    """Twelve hard cases are missing for base, which makes its mean look better; on the common ones rag is better."""
    base = [*(min(1.0, one + 0.1) for one in EASY["base"]), *[missing] * 12]
    found = advice({"base": base, "rag": [*EASY["rag"], *[on_hard] * 12]})
    assert found.candidate == "rag"
    assert "48 cases scored for both" in text(found)
    assert "on 48 cases" in text(found)
    assert "on 60 cases" in text(found)
    assert ("12 failed" in text(found)) == (missing is FAILED)
    assert found.sure == (on_hard > 0), "where rag fails on the hard cases, base could have been as good"


def test_what_missing_scores_cannot_change_is_sure():
    base, rag = passes(0.1, 100, 7), passes(0.9, 100, 8)
    found = advice({"base": [*base[:95], *[FAILED] * 5], "rag": rag})
    assert (found.candidate, found.indistinguishable, found.sure) == ("rag", ("rag",), True)
    assert "base failed on 5 of 100 cases." in found.reasons


@pytest.mark.parametrize("scorer", [TableScorer(), LESS])
@pytest.mark.parametrize("missing", [FAILED, None])
def test_missing_scores_are_bounded_both_ways(scorer, missing):
    """Whoever misses cases is not shown to be better where the missing ones could change that."""
    good = 0.65 if scorer.higher_is_better else 0.35
    winner, loser = (
        [good + one for one in rng(9).normal(0, 0.02, 40)],
        [0.5 + one for one in rng(10).normal(0, 0.02, 40)],
    )
    assert advice({"base": loser, "rag": winner}, scorer=scorer).sure
    lacking = [missing] * 8
    for first, second in (([*lacking, *winner[8:]], loser), (winner, [*lacking, *loser[8:]])):
        found = advice({"base": second, "rag": first}, scorer=scorer)
        assert (found.candidate, found.indistinguishable, found.sure) == ("rag", ("rag", "base"), False)
        assert found.reasons[0].startswith("Ship rag for now: scores are missing")
        assert "Run the missing cases again." in text(found)


@pytest.mark.parametrize("seen", [0.05, 0.1, -0.05])
def test_missing_scores_that_could_show_the_opposite_prove_nothing(seen):
    base, rag = [0.5] * 32, [0.5 + seen] * 32
    report = report_of({"base": [*[FAILED] * 8, *base], "rag": [*rag, *[FAILED] * 8]}, settings=SETTINGS)
    (pair,) = report.comparisons
    assert pair.verdict == ("better" if seen > 0 else "worse")
    assert pair.least < -0.1 < 0.1 < pair.most
    assert not pair.robust
    assert len(report.recommendation.indistinguishable) == 2


@pytest.mark.parametrize("missing", [FAILED, None])
def test_equality_is_not_sure_where_missing_scores_could_make_a_difference(missing):
    base = rng(12).normal(0.5, 0.05, 300)
    rag = [one + more for one, more in zip(base, rng(13).normal(0, 0.01, 300), strict=True)]
    assert advice({"base": base, "rag": rag}).sure
    found = advice({"base": base, "rag": [*[missing] * 30, *rag[30:]]})
    assert (found.candidate, found.indistinguishable, found.sure) == ("base", ("base", "rag"), False)
    assert "make no difference that matters on the 270 cases that both have, but rag has a score on 270" in text(found)
    one = advice({"base": base, "rag": [missing, *rag[1:]]})
    assert one.sure, "one case in 300 cannot matter"


@pytest.mark.parametrize(
    ("scorer", "order"), [(TableScorer(), ("base", "raft", "rag")), (LESS, ("base", "rag", "raft"))]
)
def test_those_open_to_choice_are_in_order_of_what_they_may_gain(scorer, order):
    noise = rng(14).normal(0, 0.3, (3, 20))
    noise -= noise.mean(axis=1, keepdims=True)
    table = {
        name: 0.5 + by + row
        for (name, by), row in zip({"base": 0, "rag": -0.05, "raft": 0.05}.items(), noise, strict=True)
    }
    assert advice(table, scorer=scorer).indistinguishable == order


@pytest.mark.parametrize("scored", [1, 10, 47])
@pytest.mark.parametrize("missing", [FAILED, None])
def test_a_candidate_without_scores_on_a_fifth_of_the_cases_is_not_considered(scored, missing):
    found = advice({"base": [*[0.9] * scored, *[missing] * (60 - scored)], "rag": rng(11).random(60)})
    assert found.candidate != "base"
    assert not found.sure
    assert f"base was not considered: it has a score on {scored} of 60 cases" in text(found)


def test_cases_to_which_the_scorer_does_not_apply_are_not_missing():
    found = advice({"base": [None] * 40 + [0.1] * 20, "rag": [None] * 40 + [0.9] * 20})
    assert (found.candidate, found.sure) == ("rag", True)
    assert "of 60" not in text(found).replace("of 60 questions", "")


def test_where_both_failed_the_one_could_have_passed_and_the_other_not():
    base, rag = [*passes(0.3, 32, 3), *[FAILED] * 8], [*passes(0.75, 32, 4), *[FAILED] * 8]
    report = report_of({"base": base, "rag": rag}, settings=SETTINGS)
    (pair,) = report.comparisons
    seen = sum(b - a for a, b in zip(base[:32], rag[:32], strict=True))
    assert (pair.least, pair.most) == (pytest.approx((seen - 8) / 40), pytest.approx((seen + 8) / 40))
    assert not pair.robust


# --- degenerate data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scores",
    [
        {"base": [0.5], "rag": [1.0]},
        {"base": [1.0]},
        {"base": [0.5] * 60},
        {"base": [0.0] * 60, "rag": [0.0] * 60},
        {"base": [1.0] * 500, "rag": [1.0] * 500},
        {"base": [0.2, 0.9] * 300, "rag": [0.2, 0.9] * 300, "tuned": [0.2, 0.9] * 300},
        {"base": [0.5] * 40, "rag": [FAILED] * 40},
        {"base": [None] * 40, "rag": [None] * 40},
    ],
)
def test_nothing_is_sure_where_nothing_can_tell(scores):
    report = report_of(scores, settings=SETTINGS)
    found = report.recommendation
    assert not found.sure
    assert found.more_cases_needed is None
    assert "four times in five" not in text(found)
    assert "0.00 is found" not in text(found)
    assert "tell them apart" not in text(found)
    json.dumps(as_json(report), allow_nan=False)


def test_one_candidate_is_said_to_be_the_only_one():
    assert "only candidate measured" in advice({"base": [0.4, 0.5] * 20}).reasons[0]


def test_a_scorer_that_gives_everyone_the_same_is_said_to_tell_nothing():
    found = advice({"base": [0.2, 0.9] * 30, "rag": [0.2, 0.9] * 30})
    assert "every candidate has the same table on each of the 60 cases" in found.reasons[0]
    assert "Decide by another measure." in found.reasons[0]
    near = advice({"base": [0.2, 0.9] * 30, "rag": [0.2, 0.9] * 29 + [0.2, 0.8]})
    assert "every candidate has the same" not in text(near)


# --- what always holds ----------------------------------------------------------------------------


def random_table(generator):
    """Two to four candidates on 6 to 25 cases, alone or in groups, passes or grades, some of them missing."""
    names = list(generator.permutation(["base", "rag", "tuned", "raft", "mine"])[: generator.integers(2, 5)])
    cases = int(generator.integers(6, 26))
    places = generator.integers(0, cases, cases) if generator.random() < 0.4 else np.arange(cases)
    ease, kind = generator.random(cases), generator.integers(3)
    table = {}
    for name in names:
        values = np.clip(0.5 * ease + 0.5 * generator.random(cases) + generator.normal(0, 0.25), 0, 1)
        values = [values > 0.5, np.round(4 * values) / 4, values][kind].astype(float)
        lacking = generator.choice([0, 0, 0.05, 0.15, 0.3])
        drawn = generator.random(cases)
        table[str(name)] = [
            FAILED if chance < lacking / 2 else None if chance < lacking else float(value)
            for value, chance in zip(values, drawn, strict=True)
        ]
    return table, [f"g{place}" for place in places]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("scorer", [TableScorer(), LESS])
def test_a_success_more_never_makes_the_advice_worse_and_what_is_beaten_is_never_shipped(seed, scorer):
    generator, seen = rng([seed, scorer.higher_is_better]), Counter()
    for _ in range(25):
        table, groups = random_table(generator)
        if not scorer.higher_is_better:
            table = {
                name: [1 - one if isinstance(one, float) else one for one in column] for name, column in table.items()
            }
        report = report_of(table, groups, scorer=scorer, settings=SETTINGS)
        before = report.recommendation
        beaten = {
            pair.baseline if pair.verdict == "better" else pair.challenger
            for pair in report.comparisons
            if pair.verdict in ("better", "worse")
        }
        assert before.candidate not in beaten
        if beaten == set(table):
            assert before.candidate is None
            assert "each is shown to be worse than another one" in before.reasons[0]
        for name, column in table.items():
            place = int(generator.integers(len(column)))
            better = [*column[:place], 1.0 if scorer.higher_is_better else 0.0, *column[place + 1 :]]
            after = advice({**table, name: better}, groups=groups, scorer=scorer)
            assert standing(after, name) >= standing(before, name), (name, place, before.reasons, after.reasons)
            seen[standing(before, name)] += 1
    assert min(seen[level] for level in (0, 1, 2)) > 0


def test_where_each_is_beaten_by_some_other_none_is_shipped():
    """Three that beat one another in a circle, each where the third has no score."""
    high, low = [0.9, 0.8] * 10, [0.2, 0.1] * 10
    lacking = [FAILED] * 20
    circle = {
        "base": [*high, *low, *lacking, *([0.5] * 120)],
        "rag": [*low, *lacking, *high, *([0.5] * 120)],
        "tuned": [*lacking, *high, *low, *([0.5] * 120)],
    }
    found = advice(circle)
    assert (found.candidate, found.sure) == (None, False)
    assert found.reasons[0] == "No candidate can be recommended: each is shown to be worse than another one."
    assert [reason.split(":")[0] for reason in found.reasons[1:4]] == [
        "base is worse than tuned",
        "rag is worse than base",
        "tuned is worse than rag",
    ]
