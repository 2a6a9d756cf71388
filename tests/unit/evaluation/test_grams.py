"""Shared runs, counted for many pairs at once, against counting them one by one."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundtune.evaluation.scorers import _grams
from groundtune.evaluation.scorers._grams import shared_runs, shared_with_any

tokens = st.lists(st.sampled_from("abcde"), max_size=12)


def by_counting(left, right, order):
    def runs(text):
        return Counter(tuple(text[start : start + order]) for start in range(len(text) - order + 1))

    return (runs(left) & runs(right)).total()


@pytest.mark.parametrize("most", [2**62, 40])  # 40: numbers of runs have to be made smaller on the way
@settings(max_examples=150, deadline=None)
@given(pairs=st.lists(st.tuples(tokens, tokens), max_size=5))
def test_equals_counting(pairs, most):
    kept, _grams._MOST = _grams._MOST, most
    try:
        found = shared_runs(pairs, (1, 2, 4)).tolist()
    finally:
        _grams._MOST = kept
    assert found == [[by_counting(left, right, order) for order in (1, 2, 4)] for left, right in pairs]
    assert found == [[shared_with_any(left, [right], order) for order in (1, 2, 4)] for left, right in pairs]


def test_more_pairs_than_are_counted_at_once():
    pairs = [("a b".split(), "b a b".split())] * (_grams.PAIRS_AT_ONCE + 1)
    assert shared_runs(pairs, (2,)).tolist() == [[1]] * len(pairs)


def test_many_different_tokens_do_not_run_over():
    left = [str(number) for number in range(70_000)]  # 70,000 to the fourth is more than 2 to the 63rd
    assert shared_runs([(left, left[::-1]), (left, left)], (1, 4)).tolist() == [[70_000, 0], [70_000, 69_997]]
