"""Training runs of a tiny model."""

import pytest
from _tiny_model import load_tiny

from groundtune.settings import TuningSettings
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.model import Base
from groundtune.tuning.training import TrainingJob
from groundtune.values import Example, Message


def example(number, answer=None):
    messages = (
        Message("system", "Be short."),
        Message("user", f"What does plan {number} cost?"),
        Message("assistant", answer or f"Plan {number} costs {number * 3 + 1} euros a month."),
    )
    return Example(messages, (f"plans/{number}.md",))


@pytest.fixture
def job():
    def make(examples=None, technique="instruction", **settings):
        chosen = {"steps": 8, "evaluate_every": 2, "batch_size": 4, "learning_rate": 2e-2, "rank": 4, "patience": 9}
        return TrainingJob(
            technique,
            Base("tiny", "random", load_tiny),
            Conversations(examples or [example(number) for number in range(20)]),
            TuningSettings(**(chosen | settings)),
            {"tuning.steps": {"value": 8, "origin": "default"}},
        )

    return make
