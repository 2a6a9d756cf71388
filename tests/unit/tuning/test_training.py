"""Training a tiny random model: what it refuses, its invariants, and going on after a kill."""

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundtune.errors import TuningError
from groundtune.protocols import silent
from groundtune.settings import Secret, Table, TuningSettings
from groundtune.tuning import training
from groundtune.tuning.adapters import LossPoint, read_manifest
from groundtune.tuning.checkpoints import Stopwatch
from groundtune.tuning.conversations import Conversations, render
from groundtune.tuning.estimate import Plan, RunEstimate
from groundtune.tuning.order import data_order
from groundtune.tuning.raft import RaftSettings
from groundtune.tuning.training import TrainingJob, loss_curve, tune
from groundtune.values import Example, Message


def weights(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "adapter_model.safetensors")


def assert_same_weights(left, right):
    left, right = weights(left), weights(right)
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values == pytest.approx(right[name], abs=1e-6), name


@given(
    lengths=st.lists(st.integers(1, 500), min_size=1, max_size=60),
    batch_size=st.integers(1, 9),
    steps=st.integers(1, 80),
)
def test_every_conversation_comes_as_often_as_any_other(lengths, batch_size, steps):
    order = data_order(lengths, batch_size, steps, np.random.default_rng(1))
    assert len(order) == batch_size * steps
    counts = [order.count(index) for index in range(len(lengths))]
    assert max(counts) - min(counts) <= 1


def test_batches_hold_conversations_of_similar_length_in_random_order():
    lengths = list(range(256))
    order = data_order(lengths, 4, 64, np.random.default_rng(1))
    batches = [order[start : start + 4] for start in range(0, 256, 4)]
    padding = np.mean([max(batch) - min(batch) for batch in batches])
    assert padding < 30, "shuffled, it would be about 154"
    assert order != sorted(order)
    firsts = [batch[0] for batch in batches[:16]]
    assert firsts not in (sorted(firsts), sorted(firsts, reverse=True))


def test_the_loss_curve_is_taken_from_the_trainers_log():
    log = [{"step": 0, "eval_loss": 3.0}, {"step": 4, "loss": 2.5}, {"step": 4, "eval_loss": 2.6}, {"step": 4, "x": 1}]
    assert loss_curve(log) == (
        LossPoint(0, held_out=3.0),
        LossPoint(4, train=2.5),
        LossPoint(4, held_out=2.6),
    )


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"steps": 9}, False),
        ({"seed": 1}, False),
        ({"learning_rate": 1e-3}, False),
        ({"examples_file": "elsewhere.jsonl"}, True),
        ({"technique": "raft"}, False),
        ({"retrieve_as": ["staff"]}, True),  # shows in the examples, where passages differ, and in the manifest
    ],
)
def test_a_jobs_key_is_that_of_all_the_adapter_depends_on(job, change, same):
    change = {("examples" if key == "examples_file" else key): value for key, value in change.items()}
    if "examples" in change:
        other = job()
        other = TrainingJob(
            other.technique, other.base, other.objective, other.settings.model_copy(update=change), other.record
        )
    else:
        other = job(**change)
    assert (other.key == job().key) is same


def test_other_data_is_another_job_and_another_order_of_it_is_not(job):
    examples = list(job().objective.examples)
    assert job(examples[::-1]).key == job().key
    assert job(examples[1:]).key != job().key


@pytest.mark.models
def test_too_long_conversations_are_refused_never_cut(job, tmp_path):
    long = Example((Message("user", "word " * 200), Message("assistant", "Yes.")))
    with pytest.raises(TuningError, match=r"longer than 128 tokens") as raised:
        tune(job([*job().objective.examples, *[long] * 3], max_length=128), tmp_path / "a")
    assert "max_length" in raised.value.remedy
    assert read_manifest(tmp_path / "a") is None


@pytest.mark.models
def test_one_conversation_is_too_few(job, tmp_path):
    with pytest.raises(TuningError, match="too few"):
        tune(job(job().objective.examples[:1]), tmp_path / "a")


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "adapter"


@pytest.fixture
def trained(job, trained_folder):
    """The folder of an uninterrupted run: made once, and kept as `tune` keeps what is finished."""
    tune(job(), trained_folder)
    return trained_folder


@pytest.mark.models
def test_tuning_gives_an_adapter_with_a_manifest_that_tells_all(job, trained_folder, capsys):
    steps, trained = [], trained_folder
    manifest = tune(job(), trained, lambda stage, done, total: steps.append((stage, done, total)))
    assert steps == [("tuning instruction", step, 8) for step in range(1, 9)]
    assert capsys.readouterr().out == "", "stdout is for results"
    assert read_manifest(trained) == manifest
    assert {"adapter_config.json", "adapter_model.safetensors", "manifest.json"} <= {p.name for p in trained.iterdir()}
    assert not list(trained.parent.glob("*checkpoints/*"))
    assert (manifest.key, manifest.technique, manifest.base_model) == (job().key, "instruction", "tiny")
    assert manifest.data["training"] == 16
    assert manifest.data["held_out"] == 4
    assert set(manifest.versions) == {"torch", "transformers", "trl", "peft"}
    assert [point.step for point in manifest.loss if point.held_out is not None] == [0, 2, 4, 6, 8]
    held_out = {point.step: point.held_out for point in manifest.loss if point.held_out is not None}
    assert held_out[8] < held_out[0]
    assert manifest.best_step == min((step for step in held_out if step), key=held_out.__getitem__)
    assert any(abs(values).max() > 0 for name, values in weights(trained).items() if "lora_B" in name)


@pytest.mark.models
def test_a_finished_adapter_for_the_same_job_is_kept(job, trained):
    before = (trained / "adapter_model.safetensors").stat().st_mtime_ns
    job = job()
    object.__setattr__(job.base, "load", lambda: pytest.fail("it was trained again"))
    assert tune(job, trained) == read_manifest(trained)
    assert (trained / "adapter_model.safetensors").stat().st_mtime_ns == before


@pytest.mark.models
def test_the_same_seed_gives_the_same_losses_and_another_one_does_not(job, trained, tmp_path):
    again = tune(job(), tmp_path / "again")
    first = read_manifest(trained)
    assert [(p.step, p.train, p.held_out) for p in again.loss] == [
        (p.step, pytest.approx(p.train), pytest.approx(p.held_out)) for p in first.loss
    ]
    assert_same_weights(trained, tmp_path / "again")
    other = tune(job(seed=18, steps=2), tmp_path / "other")
    assert [point.train for point in other.loss] != [point.train for point in first.loss][: len(other.loss)]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the product catches it."""


def kill_at(step):
    def progress(stage, done, total):
        if done == step:
            raise Killed

    return progress


@pytest.mark.models
def test_a_killed_run_goes_on_from_its_checkpoint_to_the_same_adapter(job, trained, tmp_path):
    folder = tmp_path / "adapter"
    with pytest.raises(Killed):
        tune(job(), folder, kill_at(5))
    assert read_manifest(folder) is None
    steps = []
    manifest = tune(job(), folder, lambda stage, done, total: steps.append(done))
    assert steps == [5, 6, 7, 8]
    assert read_manifest(trained).took.keys() == {"seconds", "memory_bytes"}
    assert not manifest.took  # only a part of the training was seen
    whole = {point.step: point.held_out for point in read_manifest(trained).loss if point.held_out is not None}
    held_out = {point.step: point.held_out for point in manifest.loss if point.held_out is not None}
    assert list(held_out) == [0, 2, 4, 6, 8]
    assert held_out == pytest.approx(whole)
    assert_same_weights(trained, folder)
    assert len({point.step for point in manifest.loss if point.train is not None}) == 8


def built_trainer(job, model, tokenizer, folder):
    rows = job.objective.rows(tokenizer, model, job.settings)
    plan = Plan(job.settings.batch_size, recompute=False, estimate=RunEstimate(0, 0.0, 0))
    parts = training._Built(model, tokenizer, rows, plan)
    return training._trainer(job, parts, folder, silent, Stopwatch(folder))


@pytest.mark.models
@pytest.mark.parametrize("items", [None, 50])
def test_the_loss_and_its_gradient_are_those_of_trl(job, tmp_path, items):
    from trl import SFTTrainer

    task = job()
    model, tokenizer = task.base.load()
    rendered = render(tokenizer, task.objective.examples, 128)
    assert len({len(row.input_ids) for row in rendered[:4]}) > 1, "rows must be padded, answers stand elsewhere"
    trainer = built_trainer(task, model, tokenizer, tmp_path)
    batch = trainer.data_collator([{"input_ids": row.input_ids, "labels": row.labels} for row in rendered[:4]])

    def loss_and_gradients(compute):
        trainer.model.zero_grad()
        loss = compute(trainer, trainer.model, dict(batch), num_items_in_batch=items)
        loss.backward()
        return loss.item(), {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}

    ours, gradients = loss_and_gradients(type(trainer).compute_loss)
    reference, theirs = loss_and_gradients(SFTTrainer.compute_loss)
    assert ours == pytest.approx(reference, rel=1e-5)
    assert gradients.keys() == theirs.keys()
    assert any(gradient.abs().max() > 0 for gradient in theirs.values())
    for name, gradient in theirs.items():
        assert gradients[name].numpy() == pytest.approx(gradient.numpy(), abs=1e-6), name


@contextmanager
def killed_before_the_manifest(monkeypatch):
    def kill(*_):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):  # noqa: PT012 -- the caller's block is in it
        patched.setattr(training, "write_manifest", kill)
        yield


@pytest.mark.models
def test_a_run_killed_after_the_last_step_is_only_written_down(job, trained, tmp_path, monkeypatch):
    folder = tmp_path / "adapter"
    with killed_before_the_manifest(monkeypatch):
        tune(job(), folder)
    steps = []
    manifest = tune(job(), folder, lambda stage, done, total: steps.append(done))
    assert steps == []
    assert manifest.stopped == "at the last step, 8"
    assert_same_weights(trained, folder)


@pytest.mark.models
def test_early_stopping_is_kept_over_an_interruption(job, tmp_path, monkeypatch):
    # a learning rate at which the held-out loss does not fall at every step
    wild = job(steps=30, evaluate_every=1, patience=2, learning_rate=0.2)
    whole = tune(wild, tmp_path / "whole")
    assert whole.stopped.startswith(f"early, at step {whole.best_step + 2}:")
    folder = tmp_path / "adapter"
    with killed_before_the_manifest(monkeypatch):
        tune(wild, folder)
    manifest = tune(wild, folder)
    assert manifest.stopped.startswith("early")
    assert manifest.best_step == whole.best_step
    assert_same_weights(tmp_path / "whole", folder)


@pytest.mark.models
def test_another_job_under_the_same_name_takes_the_place_of_the_first(job, tmp_path):
    folder = tmp_path / "adapter"
    first = tune(job(steps=2), folder)
    with pytest.raises(Killed):
        tune(job(steps=4), folder, kill_at(3))
    assert read_manifest(folder) == first, "the finished adapter stays until the new one is done"
    second = tune(job(steps=3), folder)
    assert read_manifest(folder) == second != first
    assert not Path(f"{folder}.checkpoints", job(steps=4).key).exists()


def test_a_manifest_that_is_not_one_is_refused(tmp_path):
    from groundtune.errors import InputError

    (tmp_path / "manifest.json").write_text(json.dumps({"key": "x"}), encoding="utf-8")
    with pytest.raises(InputError, match="not a valid adapter manifest"):
        read_manifest(tmp_path)


@pytest.mark.models
def test_micro_batches_change_memory_and_nothing_else(job, trained, tmp_path):
    """Four conversations at once and one at a time, accumulated, are the same training run."""
    one_by_one = job(microbatch_tokens=64)
    assert one_by_one.key == job().key
    manifest = tune(one_by_one, tmp_path / "a")
    whole = read_manifest(trained)
    assert [point.train for point in manifest.loss] == pytest.approx([point.train for point in whole.loss], abs=2e-3)
    assert manifest.best_step == whole.best_step


def test_rafts_own_settings_do_not_retrain_other_adapters(job):
    other = job()
    inside = other.settings.with_parts({"raft": RaftSettings(steps=1, oracle_share=0.5)})
    assert replace(other, settings=inside).key == other.key


def test_adapters_keep_the_key_that_they_were_made_under(job):
    """Computed by the formula of 0.1.0, in which raft's settings stood in [tuning]."""
    made = job()
    made = replace(made, objective=Conversations(made.objective.examples[:3]), settings=TuningSettings())
    assert made.key == "2ccf1454d20a2d4201942e7812bd132f"
    steps = made.settings.model_copy(update={"steps": RaftSettings().steps})
    raft = replace(made, technique="raft", settings=steps, own=RaftSettings())
    assert raft.key == "881994b59cf146c9645d4c59c068e446"


class _Own(Table):
    not_in_key: ClassVar[frozenset[str]] = frozenset({"folder"})

    strength: float = 1.0
    folder: str = "here"
    token: Secret = Secret("")


def test_the_key_follows_a_techniques_own_settings(job):
    keys = [replace(job(), own=own).key for own in (_Own(), _Own(strength=2.0), _Own(folder="there"))]
    assert keys[0] != job().key
    assert keys[0] != keys[1]
    assert keys[0] == keys[2], "it says that the adapter does not depend on the folder"


def test_the_key_does_not_hold_a_password(job):
    keys = {replace(job(), own=_Own(token=token)).key for token in ("hunter2", "swordfish")}
    assert len(keys) == 1
