"""Assignments are balanced, blind and seeded, whatever the number of candidates."""

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtune.errors import InputError
from groundtune.evaluation.human.assign import windows
from groundtune.evaluation.human.study import read_key, write_key

from .conftest import NAMES, make, study_of


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 40), st.integers(0, 99))
def test_at_any_point_candidates_are_shown_equally_often_and_equally_often_at_each_place(k, m, items, seed):
    m = min(m, k)
    found = windows(items, k, m, np.random.default_rng(seed))
    for end in range(1, items + 1):
        whole = Counter(name for window in found[:end] for name in window)
        assert max(whole.values()) - min(whole.get(name, 0) for name in range(k)) <= 1
        for place in range(m):
            counts = Counter(window[place] for window in found[:end])
            assert max(counts.values()) - min(counts.get(name, 0) for name in range(k)) <= 1
    assert all(len(set(window)) == m for window in found)


@pytest.mark.parametrize(("names", "answers"), [(NAMES, 3), (NAMES, 2), (NAMES, 1), (("a", "b", "c", "d", "e"), 3)])
def test_every_rater_sees_each_candidate_equally_often_and_at_each_letter(names, answers):
    _, sheets = make(cases=35, shared=5, names=names, answers=answers)  # 15 cases each: whole turns of 3 and of 5
    for sheet in sheets:
        shown = [item.shown for item in sheet.items if item.kind == "case"]
        assert len(shown) == 15
        for place in range(answers):
            counts = Counter(one[place].candidate for one in shown)
            assert set(counts) == set(names)
            assert set(counts.values()) == {15 // len(names)}
            assert {one[place].label for one in shown} == {"ABC"[place]}


@pytest.mark.parametrize("cases", [31, 32, 33, 34])
def test_where_numbers_do_not_divide_counts_differ_by_one_at_most(cases):
    _, sheets = make(cases=cases, shared=7, names=("a", "b", "c", "d", "e"), answers=3)
    for sheet in sheets:
        shown = [item.shown for item in sheet.items if item.kind == "case"]
        for places in ((0, 1, 2), (0,), (1,), (2,)):
            counts = [sum(one[place].candidate == name for one in shown for place in places) for name in "abcde"]
            assert max(counts) - min(counts) <= 1


def test_shared_cases_go_to_everybody_and_the_others_to_one_rater_evenly():
    materials, sheets = make()
    rated = Counter(item.case for sheet in sheets for item in sheet.items if item.kind == "case")
    assert {case for case, count in rated.items() if count == 3} == {f"c{number}" for number in range(6)}
    assert sorted(rated) == sorted(one.case.id for one in materials)
    assert {sum(item.kind == "case" for item in sheet.items) for sheet in sheets} == {12}


def test_raters_see_the_same_answers_to_a_shared_case_also_where_not_all_are_shown():
    _, sheets = make(answers=2)
    for number in range(6):
        seen = [
            {one.candidate for one in item.shown}
            for sheet in sheets
            for item in sheet.items
            if item.case == f"c{number}" and item.kind == "case"
        ]
        assert len(seen) == 3
        assert seen[0] == seen[1] == seen[2]


def test_letters_are_drawn_anew():
    _, sheets = make()
    orders = Counter(tuple(one.candidate for one in item.shown) for item in sheets[0].items if item.kind == "case")
    assert len(orders) >= 3
    same = [next(item.shown for item in sheet.items if item.case == "c0" and item.kind == "case") for sheet in sheets]
    assert len({tuple(one.candidate for one in shown) for shown in same}) > 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
def test_the_shares_of_attention_and_repeat_items_are_kept(share):
    _, sheets = make(attention=share, repeats=share)
    for sheet in sheets:
        kinds = Counter(item.kind for item in sheet.items)
        extra = math.ceil(share * 12)
        assert (kinds["case"], kinds["attention"], kinds["repeat"]) == (12, extra, extra)


def test_an_attention_item_has_one_answer_to_a_question_of_another_group_with_no_word_in_common():
    materials, sheets = make(attention=0.5)
    cases = {one.case.id: one.case for one in materials}
    found = [item for sheet in sheets for item in sheet.items if item.kind == "attention"]
    assert len(found) == 18
    for item in found:
        assert [one.candidate for one in item.shown].count(None) == 1
        asked, donor = cases[item.case], cases[item.donor]
        assert donor.group != asked.group
        assert not {word.lower() for word in asked.ideal_answer.split()} & {donor.ideal_answer.split()[0].lower()}
    own = {item.case for item in sheets[0].items if item.kind == "case"}
    assert not own & {item.case for item in sheets[0].items if item.kind == "attention"}


def test_the_planted_answer_stands_at_every_letter():
    _, sheets = make(attention=0.5)
    places = Counter(
        next(one.label for one in item.shown if one.candidate is None)
        for sheet in sheets
        for item in sheet.items
        if item.kind == "attention"
    )
    assert set(places) == {"A", "B", "C"}


def test_repeats_come_at_least_a_third_of_a_sheet_later_with_the_same_answers():
    for seed in range(20):
        _, sheets = make(repeats=0.25, seed=seed)
        for sheet in sheets:
            place = {item.id: number for number, item in enumerate(sheet.items)}
            by_id = {item.id: item for item in sheet.items}
            for item in sheet.items:
                if item.kind == "repeat":
                    first = by_id[item.of]
                    assert place[item.id] - place[item.of] >= len(sheet.items) // 3
                    assert item.case == first.case
                    assert {one.candidate for one in item.shown} == {one.candidate for one in first.shown}


def test_ids_are_unique_and_belong_to_the_study():
    _, sheets = make()
    ids = [item.id for sheet in sheets for item in sheet.items] + [sheet.id for sheet in sheets]
    assert len(set(ids)) == len(ids)
    assert not any(part.isdigit() for part in ids), "a spreadsheet would take it for a number"
    assert all(one[0] in "is" for one in ids)


def test_the_same_seed_gives_the_same_sheets_and_another_seed_others():
    assert make()[1] == make()[1]
    assert make()[1] != make(seed=6)[1]


def test_the_order_of_items_tells_nothing_of_their_kind():
    _, sheets = make(cases=60, shared=60, attention=0.2, repeats=0.0)
    kinds = [item.kind for sheet in sheets for item in sheet.items]
    assert sum(one != other for one, other in pairwise(kinds)) > 20


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"raters": ("ana", "ana")}, "a different name"),
        ({"raters": ()}, "a different name"),
        ({"cases": 0, "shared": 0}, "no case"),
        ({"answers": 4}, "4 answers of 3 candidates"),
        ({"cases": 2, "shared": 2}, "two groups"),
        ({"names": ("base", "none")}, "names `equal` and `none`"),
        ({"names": tuple(f"n{number}" for number in range(27))}, "at most 26 answers"),
    ],
)
def test_plans_that_cannot_be_carried_out_are_refused(changed, reason):
    with pytest.raises(InputError, match=reason):
        make(**changed)


def test_a_key_comes_back_as_it_was_and_is_never_written_over(tmp_path):
    study = study_of(make()[1])
    write_key(study, tmp_path)
    assert read_key(tmp_path) == study
    assert study.groups["c3"] == "group-1"
    with pytest.raises(InputError, match="may have been sent"):
        write_key(replace(study, seed=1), tmp_path)
    (tmp_path / "key.json").write_text('{"id": "g"}', encoding="utf-8")
    with pytest.raises(InputError, match="not a valid key of a study"):
        read_key(tmp_path)
