"""Kappa equals scikit-learn's `cohen_kappa_score`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from groundtune.evaluation.statistics.agreement import kappa

ratings = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(ratings)
def test_kappa_equals_that_of_scikit_learn(pairs):
    one, other = zip(*pairs, strict=True)
    levels = range(1, 6)
    for weights, theirs in (("none", None), ("quadratic", "quadratic")):
        found = kappa(pairs, weights)
        if found is not None:
            assert found == pytest.approx(cohen_kappa_score(one, other, labels=levels, weights=theirs))
