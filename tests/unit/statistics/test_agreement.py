import numpy as np
import pytest

from groundtune.statistics.agreement import alpha, bootstrap_interval, confusion, kappa, raw_agreement

N = None
FOUR_OBSERVERS = [  # Krippendorff 2011, section C
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
]


def units(observers):
    return [[value for value in unit if value is not None] for unit in zip(*observers, strict=True)]


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_four_observers_with_missing_ratings(level, value):
    assert alpha(units(FOUR_OBSERVERS), level) == pytest.approx(value, abs=0.0005)


def test_alpha_of_two_observers_and_two_values():
    """Section A of the same source: 14 zeros and 6 ones, 4 mismatches."""
    observers = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert alpha(units(observers), "nominal") == pytest.approx(0.095, abs=0.0005)


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.691358), ("interval", 0.810845)])
def test_alpha_of_three_observers(level, value):
    """The worked example of Wikipedia's article on the coefficient."""
    observers = [
        [N, N, N, N, N, 3, 4, 1, 2, 1, 1, 3, 3, N, 3],
        [1, N, 2, 1, 3, 3, 4, 3, N, N, N, N, N, N, N],
        [N, N, 2, 1, 3, 4, 4, N, 2, 1, 1, 3, 3, N, 4],
    ]
    assert alpha(units(observers), level) == pytest.approx(value, abs=5e-7)


def test_alpha_of_two_observers_by_hand():
    """5 units, one mismatch 1-2: n = 10, n1 = 5, n2 = 5; 1 - 9 · 2 / (2 · 25)."""
    assert alpha([[1, 1], [1, 1], [2, 2], [2, 2], [1, 2]], "nominal") == pytest.approx(1 - 9 * 2 / 50)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_undefined_where_nothing_varies_or_nobody_shares_an_item(level):
    assert alpha([], level) is None
    assert alpha([[1], [2], []], level) is None
    assert alpha([[3, 3], [3, 3, 3]], level) is None
    assert alpha([[1, 1], [2, 2]], level) == 1


def test_an_item_that_one_person_rated_changes_nothing():
    two = [[1, 1], [1, 2], [2, 2]]
    assert alpha([*two, [5]], "interval") == alpha(two, "interval")


def test_kappa_of_cohens_kind_by_hand():
    """Agreement .7; the first says yes 5, the second 6 times of 10: chance .5 · .6 + .5 · .4 = .5."""
    pairs = [(1, 1)] * 4 + [(1, 0)] + [(0, 1)] * 2 + [(0, 0)] * 3
    assert raw_agreement(pairs) == 0.7
    assert kappa(pairs) == pytest.approx(0.4)


def test_kappa_is_undefined_where_chance_always_agrees():
    assert kappa([]) is None
    assert raw_agreement([]) is None
    assert kappa([(2, 2), (2, 2)]) is None
    assert kappa([(2, 2)], "quadratic") is None
    assert kappa([(1, 2), (1, 2)]) == 0


def test_quadratic_weights_forgive_what_is_near():
    near, far = [(1, 1), (5, 5), (1, 2), (3, 3)], [(1, 1), (5, 5), (1, 5), (3, 3)]
    assert kappa(near, "quadratic") > kappa(near)
    assert kappa(near, "quadratic") > kappa(far, "quadratic")


def test_the_confusion_table_has_the_first_rater_in_rows():
    assert confusion([(1, 2), (1, 2), (2, 2)], [1, 2, 3]) == ((0, 2, 0), (0, 1, 0), (0, 0, 0))


def test_the_interval_is_seeded_and_covers_what_was_measured():
    rng = np.random.default_rng(5)
    truth = rng.integers(1, 6, 60)
    pairs = [(int(one), int(np.clip(one + rng.integers(-1, 2), 1, 5))) for one in truth]

    def again():
        return bootstrap_interval(kappa, pairs, confidence=0.95, resamples=500, rng=np.random.default_rng(1))

    low, high = again()
    assert (low, high) == again()
    assert low < kappa(pairs) < high


def test_no_interval_where_the_figure_is_mostly_undefined():
    def interval(pairs):
        return bootstrap_interval(kappa, pairs, confidence=0.95, resamples=200, rng=np.random.default_rng(1))

    assert interval([(1, 1)]) is None
    assert interval([(1, 1)] * 9 + [(2, 2)]) is None  # a resample without the one (2, 2) comes in 35 of 100
