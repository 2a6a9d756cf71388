"""Each stop rule on curves that call for it, and on curves that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.tuning.stopping import (
    CUT,
    HELD_OUT_REWARD,
    KL,
    LENGTH,
    REPETITION,
    REWARD_ERROR,
    TRAINING_REWARD,
    StopLimits,
    repeated_share,
    stop_of,
)


def curve(*values, every=10, start=0):
    return tuple((start + every * number, value) for number, value in enumerate(values))


HEALTHY = {
    TRAINING_REWARD: tuple((step, step / 10) for step in range(1, 51)),
    HELD_OUT_REWARD: curve(0, 1, 2, 1.9, 3, 4),
    REWARD_ERROR: curve(*[0.2] * 6),
    KL: curve(0, 1, 2, 3, 5, 9.9),
    LENGTH: curve(40, 50, 60, 70, 79, 80),
    CUT: curve(0.1, 0.2, 0.3, 0.2, 0.4, 0.4),
    REPETITION: curve(0.05, 0, 0.1, 0.2, 0.2, 0.25),
}


def test_a_healthy_run_goes_on():
    assert stop_of(HEALTHY, StopLimits()) is None
    assert stop_of({}, StopLimits()) is None


@pytest.mark.parametrize(
    ("name", "values", "rule", "step"),
    [
        (KL, (0, 5, 11, 3), "kl", 20),
        (KL, (0, float("nan")), "kl", 10),
        (LENGTH, (40, 79, 81), "length", 20),
        (LENGTH, (1, 3), "length", 10),
        (CUT, (0.0, 0.1, 0.31), "length", 20),
        (REPETITION, (0.1, 0.2, 0.2, 0.31), "repetition", 30),
        (HELD_OUT_REWARD, (0, 3, 2, 1), "held_out_reward", 30),
        (HELD_OUT_REWARD, (2, 1, 1), "held_out_reward", 20),
        (HELD_OUT_REWARD, (0, 3, 2, 2.9, 1, 2.95, 2, 2), "held_out_reward", 70),
    ],
)
def test_each_rule_fires_where_it_is_called_for(name, values, rule, step):
    curves = {**HEALTHY, name: curve(*values), REWARD_ERROR: curve(*[0.2] * 9)}
    curves[TRAINING_REWARD] = tuple((step, step / 10) for step in range(1, 91))
    stop = stop_of(curves, StopLimits())
    assert (stop.rule, stop.step) == (rule, step)
    assert stop.reason


def test_a_held_out_reward_that_falls_with_that_of_training_is_no_hacking():
    falling = {HELD_OUT_REWARD: curve(0, 3, 2, 1), TRAINING_REWARD: tuple((s, -s) for s in range(1, 31))}
    assert stop_of(falling, StopLimits()) is None


def test_a_fall_within_the_error_is_none():
    curves = {
        HELD_OUT_REWARD: curve(0, 3, 2.5, 2.6, 2.2), REWARD_ERROR: curve(*[1.0] * 5),
        TRAINING_REWARD: HEALTHY[TRAINING_REWARD],
    }  # fmt: skip
    assert stop_of(curves, StopLimits()) is None
    assert stop_of({**curves, REWARD_ERROR: curve(*[0.1] * 5)}, StopLimits()).rule == "held_out_reward"


def test_one_bad_evaluation_is_not_enough():
    curves = {HELD_OUT_REWARD: curve(0, 3, 1, 3, 1, 3), TRAINING_REWARD: HEALTHY[TRAINING_REWARD]}
    assert stop_of(curves, StopLimits()) is None
    assert stop_of(curves, StopLimits(patience=1)).step == 20


def test_the_rule_that_fires_first_is_told():
    curves = {**HEALTHY, KL: curve(0, 1, 2, 30), LENGTH: curve(40, 41, 200)}
    assert stop_of(curves, StopLimits()).rule == "length"


@given(st.lists(st.integers(0, 3), max_size=40))
def test_repetition_is_a_share_and_zero_for_distinct_tokens(tokens):
    assert 0 <= repeated_share(tokens) < 1
    assert repeated_share(list(range(len(tokens)))) == 0
    assert repeated_share(tokens * 3) >= repeated_share(tokens)
