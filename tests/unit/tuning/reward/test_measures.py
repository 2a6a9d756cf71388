"""What is measured of a reward model, against other implementations and on models that are known to be bad."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binomtest

from groundtune.tuning.reward import measures
from groundtune.tuning.reward.gates import accuracy_gate, length_gate, reload_gate
from groundtune.tuning.reward.judged import gather
from groundtune.tuning.reward.measures import (
    accuracy,
    agreement,
    calibration,
    held_out_pairs,
    length_bias,
    share_of,
)
from groundtune.values import Message, PreferencePair, Thumb


def names(n):
    return [str(number) for number in range(n)]


@given(st.integers(1, 200), st.data())
def test_the_interval_of_independent_pairs_is_wilsons(n, data):
    hits = data.draw(st.integers(0, n))
    found = share_of([1.0] * hits + [0.0] * (n - hits), names(n))
    theirs = binomtest(hits, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=2e-6)
    assert found.low <= found.value <= found.high


def test_pairs_of_one_prompt_count_less():
    hits = [1.0, 1.0, 1.0, 0.0] * 25
    alone, together = share_of(hits, names(100)), share_of(sorted(hits), [str(n // 10) for n in range(100)])
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        rates = rng.beta(6, 3, size=60)  # prompts of different difficulty, of four pairs each
        hits = rng.random((60, 4)) < rates[:, None]
        found = share_of(hits.ravel().astype(float), [str(n // 4) for n in range(240)])
        inside += found.low <= 6 / 9 <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_equal_rewards_are_half_right():
    assert accuracy(np.zeros(50), names(50)).value == 0.5
    assert not accuracy_gate(accuracy(np.zeros(50), names(50)), 50).passed


def test_a_model_of_length_fails_however_often_the_longer_answer_wins():
    rng = np.random.default_rng(2)
    lengths = np.where(rng.random(400) < 0.8, 1, -1) * rng.integers(1, 90, 400)
    counting = length_bias(lengths.astype(float), lengths, names(400))
    assert accuracy_gate(accuracy(lengths.astype(float), names(400)), 400).passed
    assert counting.balanced.value == 0.5
    assert counting.correlation == pytest.approx(1.0)
    assert not length_gate(counting, 400).passed
    sound = length_bias(np.where(rng.random(400) < 0.7, 1.0, -1.0), lengths, names(400))
    assert sound.balanced.value == pytest.approx(0.7, abs=0.08)
    assert length_gate(sound, 400).passed


@pytest.mark.parametrize("sign", [1, -1])
def test_where_one_kind_of_pair_is_missing_the_correlation_decides(sign):
    rng = np.random.default_rng(3)
    lengths = sign * rng.integers(1, 90, 100)
    counting = length_bias(sign * lengths.astype(float), lengths, names(100))
    assert counting.balanced is None
    assert accuracy_gate(accuracy(sign * lengths.astype(float), names(100)), 100).passed
    assert not length_gate(counting, 100).passed
    assert length_gate(length_bias(rng.normal(1, 1, 100), lengths, names(100)), 100).passed


def test_no_pairs_fail_and_do_not_crash():
    nothing = np.zeros(0)
    assert not accuracy_gate(accuracy(nothing, []), 0).passed
    assert length_bias(nothing, nothing, []).balanced is None


def test_calibration_knows_a_probability_from_overconfidence():
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 1.5, 3000)
    won = rng.random(3000) < expit(logits)
    margins = np.where(won, logits, -logits)
    honest = calibration(margins, names(3000), rng)
    boasting = calibration(5 * margins, names(3000), rng)
    assert honest.error.value < 0.03 < 0.1 < boasting.error.low
    assert honest.brier.value < boasting.brier.value
    assert sum(n for _, _, n in honest.reliability) == 3000
    assert honest.brier.low < honest.brier.value < honest.brier.high


def test_brier_score_is_that_of_scipy_formula():
    margins = np.array([0.0, 2.0, -1.0])
    found = calibration(margins, names(3), np.random.default_rng(0))
    assert found.brier.value == pytest.approx(np.mean([(1 - 1 / (1 + math.exp(-m))) ** 2 for m in margins]))


@pytest.mark.parametrize("rewards", [[0.0] * 5, [math.nan] * 5, [1.0, math.nan, 2.0]])
def test_rewards_that_tell_nothing_fail_the_reload_gate(rewards):
    assert not reload_gate(rewards, rewards).passed


def test_the_reload_gate_is_for_equal_rewards():
    before = [0.1, 2.0, -1.0]
    assert reload_gate(before, [value + 1e-5 for value in before]).passed
    assert not reload_gate(before, [0.1, 2.0, -0.9]).passed
    assert not reload_gate(before, [0.1, math.nan, -1.0]).passed


def rows(*said):
    prompt = (Message("user", "q"),)
    texts = {key: (Message("assistant", key),) for key in "abc"}
    return gather([PreferencePair(prompt, texts[b], texts[w], name) for b, w, name in said]).prompts


def test_people_agree_as_often_as_they_do():
    said = [("a", "b", "x"), ("a", "b", "y"), ("b", "a", "z"), ("b", "c", "x"), ("b", "c", "y")]
    found = agreement(held_out_pairs(rows(*said)))
    assert found.pairs == 2
    # of the three pairs of people on the first, one agrees; both ways: 2 of 6, and 2 of 2 on the second
    assert found.between.value == pytest.approx(4 / 8)
    # x and y meet a tie of the others, z meets two against it; on the second both agree
    assert found.with_majority.value == pytest.approx(2 / 3)
    assert agreement(held_out_pairs(rows(*said)), frozenset("z")).between.value == 0
    assert agreement(held_out_pairs(rows(("a", "b", "x"), ("a", "b", "x")))) is None


def test_thumbs_that_stand_alone_are_matched_once():
    prompt = [(Message("user", str(n)),) for n in range(5)]
    thumbs = [Thumb(prompt[n], (Message("assistant", "w"),), n < 3) for n in range(5)]
    pairs = held_out_pairs(gather(thumbs).prompts)
    assert len(pairs) == 2
    assert all(pair.across for pair in pairs)
    assert len({pair.group for pair in pairs}) == 2
    assert agreement(pairs) is None


def test_bins_are_no_more_than_pairs():
    assert len(measures._reliability(np.array([1.0, -2.0]))) == 2
