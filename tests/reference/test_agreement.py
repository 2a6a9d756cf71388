"""Kappa equals scikit-learn's `cohen_kappa_score`, alpha that of the package krippendorff."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from groundtune.statistics.agreement import alpha, kappa

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


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=4, max_size=4), min_size=1, max_size=20))
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_equals_that_of_krippendorff(level, units):
    found = alpha([[value for value in unit if value is not None] for unit in units], level)
    if found is not None:
        ratings = np.array([[np.nan if value is None else value for value in unit] for unit in units], dtype=float)
        assert found == pytest.approx(krippendorff.alpha(ratings.T, level_of_measurement=level), abs=1e-9)
