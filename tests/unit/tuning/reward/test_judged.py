"""Pairs, rankings and thumbs put together by prompt, and held out so that no prompt stands on both sides."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.tuning.reward.judged import gather, without_annotators
from groundtune.tuning.reward.splitting import split
from groundtune.values import Message, PreferencePair, Thumb


def ask(text):
    return (Message("user", text),)


def say(text):
    return (Message("assistant", text),)


def pair(prompt, chosen, rejected, annotator="", group=""):
    return PreferencePair(ask(prompt), say(chosen), say(rejected), annotator, group)


def thumb(prompt, answer, good, annotator=""):
    return Thumb(ask(prompt), say(answer), good, annotator)


def test_a_ranking_holds_each_answer_once():
    data = gather([pair("q", better, worse, group="r") for better, worse in combinations("abcd", 2)])
    (judged,) = data.prompts
    assert len(judged.answers) == 4
    assert len(judged.comparisons) == 6
    order = sorted(
        judged.answers, key=lambda answer: -sum(judged.answers[c.better] == answer for c in judged.comparisons)
    )
    assert [answer[0].content for answer in order] == list("abcd")


def test_thumbs_of_one_prompt_are_pairs_of_what_was_liked_and_what_was_not():
    rows = [thumb("q", "a", True, "x"), thumb("q", "b", True, "y"), thumb("q", "c", False, "x")]
    data = gather(rows)
    (judged,) = data.prompts
    said = {
        (judged.answers[c.better][0].content, judged.answers[c.worse][0].content, c.annotator)
        for c in judged.comparisons
    }
    assert said == {("a", "c", "x"), ("b", "c", "")}
    assert data.counts == {"pairs out of thumbs": 2}


def test_thumbs_without_a_counterpart_stand_alone():
    data = gather([thumb("q", "a", True, "x"), thumb("p", "b", False), thumb("p", "b", False)])
    halves = [(c.better is None, c.worse is None, c.annotator) for each in data.prompts for c in each.comparisons]
    assert sorted(halves) == [(False, True, "x"), (True, False, ""), (True, False, "")]
    assert data.counts == {"thumbs without a counterpart": 3}


def test_what_cannot_teach_is_counted():
    rows = [pair("q", "a", "a"), thumb("p", "b", True), thumb("p", "b", False), pair("r", "a", "b")]
    data = gather(rows)
    assert data.comparisons == 1
    assert data.counts == {
        "pairs of equal answers, left out": 1,
        "thumbs on answers with as many up as down, left out": 2,
        "pairs": 1,
    }


def test_the_majority_of_thumbs_decides_what_an_answer_is():
    rows = [thumb("q", "a", good) for good in (True, True, False)] + [thumb("q", "b", False)]
    (judged,) = gather(rows).prompts
    assert [(judged.answers[c.better][0].content) for c in judged.comparisons] == ["a"]


def test_the_order_of_the_rows_changes_nothing():
    rows = [pair("q", "a", "b"), thumb("p", "c", True), pair("q", "b", "c", "x"), thumb("s", "d", False)]
    assert len({gather(order).prompts for order in permutations(rows)}) == 1


def test_annotators_are_taken_out_with_the_answers_that_only_they_judged():
    (judged,) = gather([pair("q", "a", "b", "x"), pair("q", "b", "c", "y")]).prompts
    left = without_annotators(judged, frozenset("x"))
    assert {answer[0].content for answer in left.answers} == {"b", "c"}
    (only,) = left.comparisons
    assert (left.answers[only.better][0].content, left.answers[only.worse][0].content) == ("b", "c")


prompts = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["", "g", "h", "i"]), st.sampled_from(["", "x", "y", "z", "w"])),
    min_size=1,
    max_size=60,
)


@given(prompts, st.floats(0.05, 0.9), st.integers(0, 9))
def test_no_prompt_and_no_group_stands_on_both_sides(rows, share, seed):
    data = gather([pair(f"Prompt {number}", "a", "b", name, group) for number, group, name in rows])
    parts = split(data.prompts, share, np.random.default_rng(seed))
    sides = parts.training, parts.held_out
    questions = [{each.prompt for each in side} for side in sides]
    groups = [{group for each in side for group in each.groups} for side in sides]
    assert not questions[0] & questions[1]
    assert not groups[0] & groups[1]
    assert parts.held_out
    assert not {c.annotator for each in parts.training for c in each.comparisons} & parts.annotators
    assert sum(len(e.comparisons) for side in sides for e in side) + parts.unused == data.comparisons
    assert split(data.prompts[::-1], share, np.random.default_rng(seed)) == parts


def test_prompts_that_differ_in_blanks_and_case_stay_together():
    data = gather([pair(text, "a", "b") for text in ("What is it?", "what  is it?", "WHAT IS IT? ", "Else?")])
    for seed in range(9):
        parts = split(data.prompts, 0.3, np.random.default_rng(seed))
        assert {len(parts.training), len(parts.held_out)} in ({1, 3}, {0, 4})


def test_annotators_are_held_out_where_there_are_enough():
    rows = [pair(f"Prompt {n}", "a", "b", f"person {n % 10}") for n in range(100)]
    parts = split(gather(rows).prompts, 0.2, np.random.default_rng(1))
    assert len(parts.annotators) == 2
    assert parts.unused > 0
    few = [pair(f"Prompt {n}", "a", "b", f"person {n % 3}") for n in range(100)]
    assert split(gather(few).prompts, 0.2, np.random.default_rng(1)).annotators == frozenset()
    one_sided = [pair(f"Prompt {n}", "a", "b", "most" if n > 4 else f"person {n}") for n in range(100)]
    assert "most" not in split(gather(one_sided).prompts, 0.2, np.random.default_rng(1)).annotators


@pytest.mark.parametrize("rows", [[], [pair("q", "a", "a")]])
def test_nothing_to_learn_from_is_nothing(rows):
    assert gather(rows).prompts == ()
