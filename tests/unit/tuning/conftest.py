"""Training runs of a tiny model."""

import json

import pytest
from _tiny_model import load_tiny

from groundtune.models.sampling import sample
from groundtune.settings import TuningSettings
from groundtune.tuning.continual import ContinualSettings
from groundtune.tuning.conversations import Conversations
from groundtune.tuning.domain import DomainSettings
from groundtune.tuning.model import Base
from groundtune.tuning.preference import PreferenceSettings
from groundtune.tuning.technique import Task
from groundtune.tuning.training import TrainingJob
from groundtune.tuning.transfer import TransferSettings
from groundtune.values import Example, Message, PreferencePair, Thumb, TrainingText


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


SUBJECTS = ("contract", "invoice", "router", "handset", "roaming", "voicemail")


def texts(*numbers, word="Tirvane"):
    return [
        TrainingText(
            f"{word} {SUBJECTS[number % 6]} {number} has a price of {number * 3 + 1} euros. " * 4, f"{number}.md"
        )
        for number in numbers
    ]


def pair(number, annotator="", *, swapped=False):
    answers = (
        (Message("assistant", f"Plan {number} costs {number * 3 + 1} euros."),),
        (Message("assistant", "Look it up yourself."),),
    )
    chosen, rejected = answers[::-1] if swapped else answers
    prompt = (Message("user", f"What does plan {number} cost?"),)
    return PreferencePair(prompt, chosen, rejected, annotator, f"g{number}")


def thumb(number, *, good):
    return Thumb(pair(number).prompt, pair(number).chosen if good else pair(number).rejected, good, "a", f"g{number}")


@pytest.fixture
def task(tmp_path):
    """What techniques tune with, on the tiny model: each of its parts can be replaced."""
    general = tmp_path / "general.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"Count to {n}."}, {"role": "assistant", "content": f"1 to {n}."}]}
        for n in range(2, 12)
    ]
    general.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shared = {"steps": 4, "learning_rate": 2e-2}
    own = {
        "preference": PreferenceSettings(**shared),
        "domain": DomainSettings(**shared, row_tokens=96, gaps=4, held_out=2),
        "transfer": TransferSettings(steps=4, general_steps=4, general=str(general)),
        "continual": ContinualSettings(**shared, row_tokens=96, held_out=1, forgetting_budget=9.0),
    }
    chosen = {"steps": 4, "evaluate_every": 2, "batch_size": 4, "learning_rate": 2e-2, "rank": 4, "patience": 9}
    return Task(
        base=Base("tiny", "random", load_tiny, draw=sample),
        examples=lambda: [example(number) for number in range(12)],
        settings=TuningSettings(**chosen, held_out=3).with_parts(own),
        record={},
        closed_book=lambda question: (
            Message("system", "Be short."),
            *question.history,
            Message("user", question.text),
        ),
        grounded=lambda question, found: (*question.history, Message("user", question.text)),
        search_texts=lambda questions: [question.text for question in questions],
        retrieve=lambda asked: [[] for _ in asked],
        passages=3,
        unknown="I do not know.",
        preferences=lambda: [pair(number) for number in range(10)],
        corpus=lambda: texts(*range(8)),
        texts=lambda: texts(*range(8)),
    )


@pytest.fixture
def make_texts():
    return texts


@pytest.fixture
def make_pair():
    return pair


@pytest.fixture
def make_thumb():
    return thumb
