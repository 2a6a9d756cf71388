"""The technique `rlhf` from end to end on a tiny model: three runs, an account of the reward model, one adapter."""

import json
from dataclasses import replace

import pytest
from _tiny_model import load_tiny

from groundtune.errors import GateFailed, SettingsError, TuningError
from groundtune.models.sampling import sample
from groundtune.settings import TuningSettings
from groundtune.tuning import rlhf
from groundtune.tuning.adapters import chain, read_manifest
from groundtune.tuning.instruction import Instruction
from groundtune.tuning.model import Base
from groundtune.tuning.rlhf import Rlhf, RlhfSettings
from groundtune.tuning.technique import Estimating, Task
from groundtune.values import Example, Message, PreferencePair, Thumb

pytestmark = pytest.mark.models
OWN = {
    "reward_steps": 40, "reward_learning_rate": 1e-2, "reward_held_out": 0.4, "steps": 3, "learning_rate": 1e-2,
    "prompts": 2, "generations": 2, "new_tokens": 6, "evaluate_every": 3, "held_out_prompts": 4,
}  # fmt: skip


def load():
    model, tokenizer = load_tiny()
    model.lm_head.weight.data.mul_(15)
    return model, tokenizer


def user(number):
    return (Message("user", f"Plan {number}?"),)


def say(text):
    return (Message("assistant", text),)


def pair(number, flip=False):
    good, bad = say("yes" * (1 + number % 3)), say("no" * (1 + number % 4))
    return PreferencePair(user(number), *((bad, good) if flip else (good, bad)), annotator=f"person {number % 2}")


PAIRS = [pair(number) for number in range(60)]
EXAMPLES = [Example((*user(number), *say("yes"))) for number in range(50, 70)]


@pytest.fixture
def task():
    def make(preferences=PAIRS, settings=None, accepted=(), examples=EXAMPLES, **own):
        chosen = {"steps": 2, "batch_size": 4, "evaluate_every": 2, "learning_rate": 1e-2, "rank": 4, "held_out": 4}
        tuning = TuningSettings(**{**chosen, **(settings or {})}).with_parts({"rlhf": RlhfSettings(**{**OWN, **own})})
        return Task(
            base=Base("tiny", "0", load, draw=sample),
            examples=lambda: list(examples),
            settings=tuning,
            record={},
            closed_book=lambda question: (*question.history, Message("user", question.text)),
            grounded=lambda question, found: (Message("user", question.text),),
            search_texts=lambda questions: [question.text for question in questions],
            retrieve=lambda texts: [[] for _ in texts],
            passages=3,
            unknown="I do not know.",
            preferences=lambda: list(preferences),
            accepted=accepted,
        )

    return make


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("made") / "a@1"


def test_three_runs_make_one_adapter_with_its_lineage(task, made):
    manifest = Rlhf().run(task(), made)
    supervised, reward = (made.with_name(f"a-{part}@1") for part in ("supervised", "reward"))
    assert read_manifest(made) == manifest
    assert chain(made) == [supervised, made]
    assert (manifest.kind, manifest.parents, manifest.upkeep) == ("adapter", ("a-supervised@1",), 2)
    assert read_manifest(supervised).part == "supervised"
    told = read_manifest(reward)
    assert (told.kind, told.part, told.parents) == ("reward", "reward", ("a-supervised@1",))
    assert {gate["name"] for gate in told.gates} == {"reward_accuracy", "reward_length", "reward_reload"}
    assert all(gate["passed"] for gate in told.gates)
    assert told.measures["accuracy"]["value"] > 0.9
    assert {"length", "calibration", "people", "checks"} <= told.measures.keys()
    assert list(manifest.gates) == list(told.gates)
    assert manifest.measures["reward"].keys() >= {"before", "after", "difference", "low", "high", "prompts"}
    assert manifest.measures["reward"]["by"] == "a-reward@1"
    assert {"eval_reward", "eval_kl", "eval_repetition", "eval_cut"} <= manifest.curves.keys()
    samples = [json.loads(line) for line in (made / "samples.jsonl").read_text().splitlines()]
    assert {line["step"] for line in samples} == {0, 3}
    card = (reward / "README.md").read_text()
    assert "reward_accuracy" in card
    assert "A reward model" in card


def test_nothing_that_is_measured_was_trained_on(task, made):
    Rlhf().run(task(), made)
    supervised, reward = (read_manifest(made.with_name(f"a-{part}@1")) for part in ("supervised", "reward"))
    kept_back = supervised.data["kept back, as rewards are measured on their prompts"]
    assert kept_back > 0
    assert supervised.data["training"] + supervised.data["held_out"] + kept_back == len(EXAMPLES)
    assert reward.data["judgments held out"] + reward.data["training"] + reward.data["held_out"] == len(PAIRS)


def test_what_is_finished_is_kept(task, made, monkeypatch):
    manifest = Rlhf().run(task(), made)
    monkeypatch.setattr(rlhf, "account", lambda *_: pytest.fail("it was held to account already"))
    again = task()
    object.__setattr__(again.base, "load", lambda: pytest.fail("it was trained again"))
    assert Rlhf().run(again, made) == manifest


def test_a_parent_takes_the_place_of_the_supervised_run(task, tmp_path):
    first = tmp_path / "i@1"
    Instruction().run(task(), first)
    manifest = Rlhf().run(replace(task(reward_steps=20), parents=(first,)), tmp_path / "a@1")
    assert manifest.parents == ("i@1",)
    assert not (tmp_path / "a-supervised@1").exists()
    assert read_manifest(tmp_path / "a-reward@1").parents == ("i@1",)


def test_a_reward_model_of_noise_stops_before_reinforcement(task, tmp_path):
    noise = [pair(number, flip=number % 2 == 0) for number in range(40)]
    with pytest.raises(GateFailed, match="reward_accuracy") as raised:
        Rlhf().run(task(noise, reward_steps=2), tmp_path / "a@1")
    assert "reward_accuracy" in raised.value.gates
    assert "--accept reward_accuracy" in raised.value.remedy
    assert read_manifest(tmp_path / "a@1") is None
    accepted = task(noise, reward_steps=2, accepted=raised.value.gates)
    manifest = Rlhf().run(accepted, tmp_path / "a@1")
    assert manifest.accepted == raised.value.gates
    assert not next(gate for gate in manifest.gates if gate["name"] == "reward_accuracy")["passed"]


def test_thumbs_will_do(task, tmp_path):
    thumbs = [
        Thumb(each.prompt, answer, good)
        for number, each in enumerate(PAIRS)
        for answer, good in [(each.chosen, True), (each.rejected, False)]
        if number % 3 == 0 or good == bool(number % 2)
    ]
    Rlhf().run(task(thumbs, reward_steps=60), tmp_path / "a@1")
    told = read_manifest(tmp_path / "a-reward@1")
    assert told.data["thumbs without a counterpart"] == 40
    assert told.data["pairs out of thumbs"] == 20
    assert told.measures["accuracy"]["n"] > 5


def test_an_estimate_trains_nothing(task, tmp_path):
    estimating = Estimating()
    Rlhf().run(replace(task(), tune=estimating), tmp_path / "a@1")
    assert estimating.total.tokens > 0
    assert estimating.total.seconds > 0
    assert not list(tmp_path.glob("*/manifest.json"))
    assert list(tmp_path.iterdir()) == []


def test_preferences_with_tools_are_left_out_and_counted(task, caplog):
    tools = ('{"type": "function", "function": {"name": "look_up"}}',)
    rows = [pair(1), replace(pair(2), tools=tools), replace(pair(3), chosen=(Message("tool", "x"), *say("y")))]
    data = rlhf._judged(task(rows))
    assert data.counts == {"pairs": 1, "with tools, left out": 2}
    assert "2 of 3 preferences are left out" in caplog.text


@pytest.mark.parametrize("setting", [{"method": "full"}, {"quantize": "4bit"}])
def test_what_would_fail_later_is_refused_at_once(task, tmp_path, setting):
    with pytest.raises(SettingsError, match="rlhf"):
        Rlhf().run(task(settings=setting), tmp_path / "a@1")


def test_no_preferences_are_refused(task, tmp_path):
    with pytest.raises(TuningError, match="nothing in the preference data"):
        Rlhf().run(task([]), tmp_path / "a@1")


@pytest.mark.parametrize("good", [True, False])
def test_thumbs_of_one_kind_are_refused(task, tmp_path, good):
    thumbs = [Thumb(user(number), say("yes"), good) for number in range(9)]
    with pytest.raises(TuningError, match="point the same way"):
        Rlhf().run(task(thumbs), tmp_path / "a@1")


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_prompts_are_refused_with_their_number(task, tmp_path, number):
    with pytest.raises(TuningError, match="too few judged prompts"):
        Rlhf().run(replace(task(PAIRS[:number]), parents=()), tmp_path / "a@1")


def test_a_model_that_cannot_draw_is_refused_before_anything_is_trained(task, tmp_path):
    job = task()
    with pytest.raises(TuningError, match="cannot be drawn"):
        Rlhf().run(replace(job, base=replace(job.base, draw=None)), tmp_path / "a@1")
    assert list(tmp_path.iterdir()) == []
