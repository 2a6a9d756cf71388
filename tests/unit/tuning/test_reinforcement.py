"""Reinforcement learning of a tiny model by TRL's real trainers: it learns, stops where it must, and goes on."""

import json

import numpy as np
import pytest
from _tiny_model import load_tiny

from groundtune.errors import TuningError
from groundtune.models.sampling import sample
from groundtune.settings import TuningSettings
from groundtune.tuning._rollouts import divergences
from groundtune.tuning.adapters import read_manifest
from groundtune.tuning.model import Base
from groundtune.tuning.reinforcement import Reinforcement, Reinforcing
from groundtune.tuning.stopping import StopLimits, stop_of
from groundtune.tuning.training import TrainingJob, tune
from groundtune.values import Message

pytestmark = pytest.mark.models
NEVER = StopLimits(1e9, 1e9, 1e9, 1e9, 10**6)


def load():
    """A model that ends its answers now and then, or their length would mean nothing, and can prefer some tokens.

    A new model's logits are all but 0, and stay so: the last layer is not trained.
    """
    model, tokenizer = load_tiny()
    model.lm_head.weight.data.mul_(15)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, *range(30)]
    return model, tokenizer


def prompts(start, number):
    return [(Message("user", f"Plan {n}?"),) for n in range(start, start + number)]


def letters(talks):
    """What the policy is to learn: answers of letters."""
    return [sum(each.isascii() and each.isalpha() for each in talk[-1].content) / 8 for talk in talks]


def long(talks):
    return [len(talk[-1].content) / 8 for talk in talks]


def memorised(talks):
    """A reward that pays for letters in training and takes away for them elsewhere."""
    return [
        value if int(talk[0].content[5:-1]) < 100 else -value for value, talk in zip(letters(talks), talks, strict=True)
    ]


def repeating(talks):
    return [1 - len(set(talk[-1].content)) / max(1, len(talk[-1].content)) for talk in talks]


@pytest.fixture
def job(tmp_path):
    def make(reward=letters, steps=12, samples="samples.jsonl", settings=None, **how):
        given = {"generations": 4, "new_tokens": 12, "kl_coefficient": 0.01, "limits": NEVER, **how}
        objective = Reinforcement(
            prompts(0, 12), prompts(100, 6), lambda: reward, "key", sample, Reinforcing(**given), tmp_path / samples
        )
        chosen = {"steps": steps, "evaluate_every": 3, "batch_size": 4, "learning_rate": 2e-2, "rank": 4}
        return TrainingJob(
            "rlhf", Base("tiny", "0", load), objective,
            TuningSettings(**{**chosen, "patience": 1000, **(settings or {})}), {},
        )  # fmt: skip

    return make


def curve(manifest, name):
    return dict(manifest.curves[name])


@pytest.mark.parametrize("algorithm", ["rloo", "grpo"])
def test_the_reward_rises_on_prompts_that_are_not_trained_on(job, tmp_path, algorithm):
    manifest = tune(job(algorithm=algorithm), tmp_path / "a")
    held_out = curve(manifest, "eval_reward")
    assert list(held_out) == [0, 3, 6, 9, 12]
    assert held_out[12] > held_out[0] + 0.1
    assert curve(manifest, "eval_kl")[0] == pytest.approx(0, abs=1e-5)
    assert curve(manifest, "eval_kl")[12] > 0.1
    assert {"reward", "completions/mean_length"} <= manifest.curves.keys()
    assert manifest.measures["checks"]["reload"] < 1e-3
    samples = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
    assert {line["step"] for line in samples} == set(held_out)
    assert all({"prompt", "answer", "reward", "tokens"} <= line.keys() for line in samples)
    assert read_manifest(tmp_path / "a") == manifest


@pytest.mark.parametrize(
    ("reward", "limits", "how", "rule"),
    [
        (long, {"length": 1.2, "cut": 0.5}, {"new_tokens": 24, "kl_coefficient": 0.0}, "length"),
        (repeating, {"repetition": 0.15}, {"new_tokens": 24, "kl_coefficient": 0.0}, "repetition"),
        (letters, {"kl_budget": 1.0}, {"kl_coefficient": 0.0}, "kl"),
        (memorised, {"patience": 2}, {}, "held_out_reward"),
    ],
)
def test_a_stop_rule_fires_on_a_planted_run(job, tmp_path, reward, limits, how, rule):
    unlimited = {"kl_budget": 1e9, "length": 1e9, "cut": 1e9, "repetition": 1e9, "patience": 10**6}
    chosen = StopLimits(**{**unlimited, **limits})
    made = job(reward=reward, steps=24, limits=chosen, **how)
    manifest = tune(made, tmp_path / "a")
    stop = stop_of(manifest.curves, chosen)
    assert stop is not None
    assert stop.rule == rule
    last = max(step for step, _ in manifest.curves["eval_reward"])
    assert stop.step == last < 24, "it stops at once"
    assert manifest.best_step < stop.step, "what is kept is from before the stop"


def test_a_policy_that_gets_no_better_is_taken_back_to_the_start(job, tmp_path):
    from safetensors.numpy import load_file

    indifferent = job(reward=lambda talks: [-(len(talk[-1].content) ** 0) * 1.0 for talk in talks], steps=3)
    manifest = tune(indifferent, tmp_path / "a")
    assert manifest.best_step == 0
    weights = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert all(not values.any() for name, values in weights.items() if "lora_B" in name)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


def test_a_killed_run_goes_on_with_the_same_prompts_and_draws(job, tmp_path):
    from safetensors.numpy import load_file

    whole = tune(job(), tmp_path / "whole")
    lines = (tmp_path / "samples.jsonl").read_text()

    def kill(stage, done, total):
        if done == 8:
            raise Killed

    with pytest.raises(Killed):
        tune(job(samples="other.jsonl"), tmp_path / "a", kill)
    assert read_manifest(tmp_path / "a") is None
    steps = []
    again = tune(job(samples="other.jsonl"), tmp_path / "a", lambda stage, done, total: steps.append(done))
    assert steps == [7, 8, 9, 10, 11, 12]
    assert whole.curves.keys() == again.curves.keys()
    for name, points in whole.curves.items():
        assert dict(again.curves[name]) == pytest.approx(dict(points), abs=1e-5), name
    assert (tmp_path / "other.jsonl").read_text() == lines
    left, right = (load_file(tmp_path / f / "adapter_model.safetensors") for f in ("whole", "a"))
    for name, values in left.items():
        assert values == pytest.approx(right[name], abs=1e-5), name


def test_prompts_at_once_change_memory_and_nothing_else(job, tmp_path):
    few = job(settings={"microbatch_tokens": 64}, steps=4)
    many = job(settings={"microbatch_tokens": 100_000}, steps=4)
    curves = [tune(each, tmp_path / str(n)).curves["eval_reward"] for n, each in enumerate((few, many))]
    assert dict(curves[0]) == pytest.approx(dict(curves[1]), abs=0.05)


def test_a_run_that_was_killed_after_a_stop_does_not_go_on(job, tmp_path, monkeypatch):
    from safetensors.numpy import load_file

    from groundtune.tuning import training

    def stopping(**more):
        limits = StopLimits(20.0, 1e9, 1e9, 1e9, 10**6)
        return job(limits=limits, steps=24, kl_coefficient=0.0, new_tokens=24, **more)

    whole = tune(stopping(), tmp_path / "whole")

    def killed(*_):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(training, "write_manifest", killed)
        with pytest.raises(Killed):
            tune(stopping(samples="other.jsonl"), tmp_path / "a")
    steps = []
    again = tune(stopping(samples="other.jsonl"), tmp_path / "a", lambda stage, done, total: steps.append(done))
    assert len(steps) <= 1
    assert again.curves["eval_reward"] == whole.curves["eval_reward"]
    assert again.best_step == whole.best_step > 0
    left, right = (load_file(tmp_path / f / "adapter_model.safetensors") for f in ("whole", "a"))
    for name, values in left.items():
        assert values == pytest.approx(right[name], abs=1e-5), name


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_reward_that_is_no_number_is_refused(job, tmp_path, bad):
    with pytest.raises(TuningError, match="reward model gave"):
        tune(job(reward=lambda talks: [bad] * len(talks)), tmp_path / "a")


def test_prompts_without_room_for_an_answer_are_refused(job, tmp_path):
    with pytest.raises(TuningError, match="longer than 64 tokens"):
        tune(job(new_tokens=60, settings={"max_length": 64}), tmp_path / "a")


def test_the_divergence_is_that_of_the_whole_distributions():
    import torch
    from peft import LoraConfig, get_peft_model

    model, tokenizer = load_tiny()
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear")).eval()
    talks = [[5, 6, 7], [8] * 9]
    answers = [[1, 2, 3, 4], [9]]
    assert divergences(model, talks, answers, 1.0) == pytest.approx([0, 0], abs=1e-6)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(0, 0.5)
    found = divergences(model, talks, answers, 0.7)
    for talk, answer, value in zip(talks, answers, found, strict=True):
        total = 0.0
        for end in range(len(answer)):
            ids = torch.tensor([talk + answer[:end]])
            with torch.inference_mode():
                now = torch.softmax(model(ids).logits[0, -1] / 0.7, -1)
                with model.disable_adapter():
                    before = torch.softmax(model(ids).logits[0, -1] / 0.7, -1)
            total += float((now * (now / before).log()).sum())
        assert value == pytest.approx(total, rel=1e-3)
        assert value > 0.01
    assert np.isfinite(found).all()
    assert tokenizer is not None
