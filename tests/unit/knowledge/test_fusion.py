import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.knowledge import fusion
from groundtune.knowledge.fusion import reciprocal_rank_fusion


def test_the_formula_of_the_paper():
    scores = dict(reciprocal_rank_fusion([["a", "b"], ["b", "c"]]))
    assert scores == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 62})


def test_ties_go_to_the_better_single_rank_and_then_to_the_earlier_ranking():
    assert [item for item, _ in reciprocal_rank_fusion([["a", "x"], ["b", "y"]])] == ["a", "b", "x", "y"]


def test_naming_twice_counts_once():
    assert reciprocal_rank_fusion([["a", "a", "b"]]) == [("a", 1 / 61), ("b", 1 / 62)]


def test_nothing():
    assert reciprocal_rank_fusion([]) == reciprocal_rank_fusion([[], []]) == []


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=4))
def test_it_keeps_all_and_orders_by_score(rankings):
    fused = reciprocal_rank_fusion(rankings)
    assert {item for item, _ in fused} == {item for ranking in rankings for item in ranking}
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    if len(rankings) == 1:
        assert [item for item, _ in fused] == rankings[0]


def test_the_example_in_the_docstring():
    assert doctest.testmod(fusion).failed == 0
