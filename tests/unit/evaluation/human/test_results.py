"""What comes out of a study whose raters say what the test planned."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from groundtune.evaluation.human.raters import check_raters
from groundtune.evaluation.human.results import Comment, ratings, summarise
from groundtune.evaluation.human.returned import Reply
from groundtune.statistics import Method

from .conftest import NAMES, make, study_of

METHOD = Method(resamples=1000)
TRUE = {"base": 2, "rag": 4, "tuned": 3}


def fill(study, rate, choose=lambda rater, item: "rag", skip=lambda rater, item: False):
    """Replies as `rate(rater, item, candidate, criterion)` says, 1 for what is planted; `choose` names a candidate."""
    replies = []
    for sheet in study.sheets:
        for item in sheet.items:
            if skip(sheet.rater, item):
                continue
            for one in item.shown:
                for criterion in ("intuitive", "appropriate", *(("unexpected",) if item.unexpected else ())):
                    value = rate(sheet.rater, item, one.candidate, criterion)
                    if value is not None:
                        replies.append(Reply(item.id, one.label, criterion, str(value)))
            wanted = choose(sheet.rater, item)
            label = next((one.label for one in item.shown if one.candidate == wanted), wanted)
            if label in ("equal", "none", *(one.label for one in item.shown)):
                replies.append(Reply(item.id, "", "best", label))
    return replies


def honest(rater, item, candidate, criterion):
    return 1 if candidate is None else TRUE[candidate]


def report(study, replies):
    return summarise(study, replies, method=METHOD, rng=np.random.default_rng(1))


def of(figures, criterion):
    return next(one for one in figures.criteria if one.criterion == criterion)


def test_means_stand_on_the_scale_that_was_asked(made):
    _, study = made
    found = report(study, fill(study, honest)).kept
    assert found.raters == ("ana", "ben", "cleo")
    assert found.cases == 24
    for criterion in ("intuitive", "appropriate", "unexpected"):
        result = of(found, criterion)
        assert {name: mean.mean for name, mean in result.means.items()} == pytest.approx(TRUE)
        scored = 8 if criterion == "unexpected" else 24
        assert {(mean.scored, mean.unscored, mean.failed) for mean in result.means.values()} == {(scored, 0, 0)}
        pair = next(one for one in result.differences if (one.baseline, one.challenger) == ("base", "rag"))
        assert pair.difference.mean == pytest.approx(2)
        assert pair.verdict == "better"
        assert result.agreement.raw == 1.0
        assert result.agreement.kappa == pytest.approx(1)
        assert result.agreement.alpha == pytest.approx(1)


def test_a_mean_is_over_cases_not_over_ratings(made):
    """c0 to c5 have three raters each, and must not count three times."""
    _, study = made
    shared = {f"c{number}" for number in range(6)}
    replies = fill(study, lambda rater, item, candidate, criterion: 5 if item.case in shared else 1)
    mean = of(report(study, replies).kept, "intuitive").means["rag"].mean
    assert mean == pytest.approx((6 * 5 + 18 * 1) / 24)


def test_noise_has_the_interval_of_the_clustered_bootstrap(made):
    _, study = made
    rng = np.random.default_rng(0)
    noisy = fill(study, lambda rater, item, candidate, c: 1 if candidate is None else int(rng.integers(1, 6)))
    result = of(report(study, noisy).kept, "intuitive")
    for mean in result.means.values():
        assert 1 <= mean.low < mean.mean < mean.high <= 5
    assert {one.verdict for one in result.differences} == {"cannot tell"}
    assert abs(result.agreement.alpha) < 0.3
    low, high = result.agreement.alpha_interval
    assert low < result.agreement.alpha < high


def test_only_first_showings_of_cases_are_ratings(made):
    _, study = made
    raters = ("ana", "ben", "cleo")

    def rate(rater, item, candidate, criterion):
        return 5 if item.kind != "case" else 2

    found = ratings(study, fill(study, rate), raters)
    assert {one.value for one in found if one.criterion != "preference"} == {2.0}
    keys = Counter((one.case, one.candidate, one.rater, one.criterion) for one in found)
    assert set(keys.values()) == {1}, "which the shared format asks for"
    assert {one.candidate for one in found} == set(NAMES)
    assert len(ratings(study, fill(study, rate), ("ana",))) < len(found)


def test_choices_become_preferences(made):
    _, study = made
    sums = {"rag": 1.0, "equal": 1.0, "none": 0.0}
    for choice, total in sums.items():
        found = ratings(study, fill(study, honest, lambda rater, item, c=choice: c), ("ana",))
        by_case = Counter()
        for one in found:
            if one.criterion == "preference":
                by_case[one.case] += one.value
        assert list(by_case.values()) == pytest.approx([total] * 12)


def test_preference_is_tested_exactly_over_groups(made):
    _, study = made
    groups = sorted(set(study.groups.values()))
    for_rag = set(groups[:10])

    def choose(rater, item):
        return "rag" if item.group in for_rag else "base"

    preference = report(study, fill(study, honest, choose)).kept.preference
    pair = next(one for one in preference.pairs if (one.one, one.other) == ("base", "rag"))
    assert (pair.groups_one, pair.groups_other, pair.groups_even) == (2, 10, 0)
    raw = [stats.binomtest(2, 12).pvalue, stats.binomtest(2, 2).pvalue, stats.binomtest(10, 10).pvalue]
    found = {(one.one, one.other): one.p_value for one in preference.pairs}
    assert found["rag", "tuned"] == pytest.approx(3 * raw[2])
    assert found["base", "rag"] == pytest.approx(3 * raw[0])
    assert found["base", "tuned"] == min(1.0, 3 * raw[1])
    assert preference.shares["rag"].mean == pytest.approx(20 / 24)
    assert sum(share.mean for share in preference.shares.values()) == pytest.approx(1)
    assert (preference.choices, preference.equal, preference.none) == (36, 0, 0)
    assert preference.agreement.raw == 1.0


def test_ties_and_refusals_speak_for_nobody(made):
    _, study = made
    preference = report(
        study, fill(study, honest, lambda rater, item: "none" if rater == "ana" else "equal")
    ).kept.preference
    assert (preference.choices, preference.equal, preference.none) == (36, 24, 12)
    assert {one.p_value for one in preference.pairs} == {1.0}
    assert {one.groups_even for one in preference.pairs} == {12}


def careless(rater, item, candidate, criterion):
    return 5 if rater == "cleo" else honest(rater, item, candidate, criterion)


def test_who_misses_attention_items_is_left_out_and_both_figures_are_given(made):
    _, study = made
    found = report(study, fill(study, careless))
    assert [one.excluded for one in found.raters] == ["", "", "missed 2 of 2 attention items"]
    assert found.kept.raters == ("ana", "ben")
    assert found.everybody.raters == ("ana", "ben", "cleo")
    assert of(found.kept, "intuitive").means["base"].mean == pytest.approx(2)
    assert of(found.kept, "intuitive").means["base"].scored == 18
    assert of(found.kept, "intuitive").means["base"].unscored == 6, "cases that only the excluded rater saw are counted"
    assert of(found.everybody, "intuitive").means["base"].mean > 2
    assert of(found.everybody, "intuitive").agreement.alpha < 1
    assert report(study, fill(study, honest)).everybody is None


def test_choosing_what_is_planted_is_a_miss_and_silence_is_none(made):
    _, study = made
    replies = fill(study, honest, lambda rater, item: None if item.kind == "attention" else "rag")
    planted = {
        item.id: next(one.label for one in item.shown if one.candidate is None)
        for sheet in study.sheets
        for item in sheet.items
        if item.kind == "attention"
    }
    chosen = [*replies, *(Reply(id, "", "best", label) for id, label in planted.items())]
    assert {one.missed for one in check_raters(study, chosen)} == {2}
    silent = fill(study, honest, skip=lambda rater, item: item.kind == "attention")
    assert {(one.attention, one.missed, one.excluded) for one in check_raters(study, silent)} == {(0, 0, "")}


def test_one_miss_of_three_is_forgiven():
    _, sheets = make(attention=0.25)
    study = study_of(sheets)
    first = {next(item.id for item in sheet.items if item.kind == "attention") for sheet in sheets}

    def rate(rater, item, candidate, criterion):
        return 5 if item.id in first else honest(rater, item, candidate, criterion)

    assert {(one.attention, one.missed, one.excluded) for one in check_raters(study, fill(study, rate))} == {(3, 1, "")}


def test_consistency_compares_the_same_answer_whatever_its_letter(made):
    _, study = made
    for one in check_raters(study, fill(study, honest)):
        assert {each.equal for each in one.consistency.values()} == {1.0}
        assert one.consistency["intuitive"].pairs == 6
        assert one.consistency["best"].pairs == 2
        assert one.consistency["best"].distance is None

    def drifting(rater, item, candidate, criterion):
        return honest(rater, item, candidate, criterion) + (item.kind == "repeat")

    replies = fill(study, drifting, lambda rater, item: "base" if item.kind == "repeat" else "rag")
    for one in check_raters(study, replies):
        assert (one.consistency["appropriate"].equal, one.consistency["appropriate"].distance) == (0.0, 1.0)
        assert one.consistency["best"].equal == 0.0


def test_half_a_sheet_is_counted_and_nothing_is_dropped(made):
    _, study = made
    kept = {item.id for sheet in study.sheets for item in sheet.items[: len(sheet.items) // 2]}
    found = report(study, fill(study, honest, skip=lambda rater, item: item.id not in kept))
    assert all(0 < one.filled < one.asked for one in found.raters)
    mean = of(found.kept, "intuitive").means["rag"]
    assert mean.scored + mean.unscored == 24
    assert mean.unscored > 0


def test_a_study_nobody_answered_has_no_figures(made):
    _, study = made
    found = report(study, [])
    assert (found.kept.ratings, found.kept.criteria, found.kept.preference) == (0, (), None)
    assert found.kept.raters == (), "who sent nothing back is not among those who rated"


def test_comments_are_kept_with_who_gave_the_answer_rated_or_not(made):
    _, study = made
    item = next(item for item in study.sheets[0].items if item.kind == "case")
    for replies in (fill(study, honest), []):
        (comment,) = report(study, [*replies, Reply(item.id, "A", "comment", "too long")]).comments
        assert comment == Comment(item.case, item.shown[0].candidate, "ana", "too long")


def test_where_not_all_are_shown_only_pairs_shown_together_are_compared():
    _, sheets = make(answers=2, cases=36, shared=12)
    study = study_of(sheets)

    def choose(rater, item):
        names = [one.candidate for one in item.shown]
        return "rag" if "rag" in names else "tuned"

    found = report(study, fill(study, honest, choose)).kept
    assert {name: mean.mean for name, mean in of(found, "intuitive").means.items()} == pytest.approx(TRUE)
    assert all(mean.unscored > 0 for mean in of(found, "intuitive").means.values())
    pair = {(one.one, one.other): one for one in found.preference.pairs}
    assert pair["base", "rag"].groups_one == 0
    assert pair["base", "tuned"].groups_other > 0


def test_the_same_seed_gives_the_same_figures(made):
    _, study = made
    replies = fill(study, honest)
    assert report(study, replies) == report(study, replies)
    assert report(replace(study, left_out={"c9": "failed"}), replies).left_out == {"c9": "failed"}


def test_a_liking_for_the_first_answer_favours_no_candidate():
    """What the balance is for: 24 cases are whole turns of three candidates."""
    _, sheets = make(cases=24, shared=24)
    study = study_of(sheets)
    label = {(item.id, one.candidate): one.label for sheet in sheets for item in sheet.items for one in item.shown}

    def rate(rater, item, candidate, criterion):
        return 1 if candidate is None else 5 if label[item.id, candidate] == "A" else 2

    replies = fill(study, rate, lambda rater, item: "nobody")
    replies += [
        Reply(item.id, "", "best", "A") for sheet in sheets for item in sheet.items if item.kind in ("case", "repeat")
    ]
    found = report(study, replies).kept
    assert [mean.mean for mean in of(found, "intuitive").means.values()] == pytest.approx([3.0] * 3)
    assert [share.mean for share in found.preference.shares.values()] == pytest.approx([1 / 3] * 3)


def test_without_shared_cases_nobody_knows_how_far_raters_agree():
    _, sheets = make(shared=0)
    agreed = of(report(study_of(sheets), fill(study_of(sheets), honest)).kept, "intuitive").agreement
    assert (agreed.answers, agreed.pairs, agreed.raw, agreed.kappa, agreed.alpha) == (0, 0, None, None, None)
    assert agreed.alpha_interval is None
