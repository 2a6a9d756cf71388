"""Training a tiny random model: what it refuses, its invariants, and going on after a kill."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

from groundtune.errors import TuningError
from groundtune.tuning import training
from groundtune.tuning.adapters import LossPoint, read_manifest
from groundtune.tuning.training import Job, last_checkpoint, loss_curve, tune
from groundtune.values import Example, Message

COMPLETE = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")


def weights(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "adapter_model.safetensors")


def assert_same_weights(left, right):
    left, right = weights(left), weights(right)
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values == pytest.approx(right[name], abs=1e-6), name


def checkpoint(work, step, files=COMPLETE):
    folder = work / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()
    return folder


def test_the_newest_complete_checkpoint_is_taken_and_a_cut_short_one_removed(tmp_path):
    assert last_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 90)
    newest = checkpoint(tmp_path, 120)
    broken = checkpoint(tmp_path, 150, COMPLETE[:-1])
    assert last_checkpoint(tmp_path) == str(newest)
    assert not broken.exists()
    shutil.rmtree(newest)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-90")


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
    ],
)
def test_a_jobs_key_is_that_of_all_the_adapter_depends_on(job, change, same):
    change = {("examples" if key == "examples_file" else key): value for key, value in change.items()}
    if "examples" in change:
        other = job()
        other = Job(other.technique, other.base, other.examples, other.settings.model_copy(update=change), other.record)
    else:
        other = job(**change)
    assert (other.key == job().key) is same


def test_other_data_is_another_job_and_another_order_of_it_is_not(job):
    examples = list(job().examples)
    assert job(examples[::-1]).key == job().key
    assert job(examples[1:]).key != job().key


@pytest.mark.models
def test_too_long_conversations_are_refused_never_cut(job, tmp_path):
    long = Example((Message("user", "word " * 200), Message("assistant", "Yes.")))
    with pytest.raises(TuningError, match=r"longer than 128 tokens") as raised:
        tune(job([*job().examples, *[long] * 3], max_length=128), tmp_path / "a")
    assert "max_length" in raised.value.remedy
    assert read_manifest(tmp_path / "a") is None


@pytest.mark.models
def test_one_conversation_is_too_few(job, tmp_path):
    with pytest.raises(TuningError, match="too few"):
        tune(job(job().examples[:1]), tmp_path / "a")


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
    whole = {point.step: point.held_out for point in read_manifest(trained).loss if point.held_out is not None}
    held_out = {point.step: point.held_out for point in manifest.loss if point.held_out is not None}
    assert list(held_out) == [0, 2, 4, 6, 8]
    # up to the checkpoint nothing is done again; after it the order of the data within the epoch is drawn anew
    assert {step: held_out[step] for step in (0, 2, 4)} == {step: pytest.approx(whole[step]) for step in (0, 2, 4)}
    assert held_out[8] < held_out[4]
    assert len({point.step for point in manifest.loss if point.train is not None}) == 8


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
    with pytest.raises(InputError, match="no adapter manifest"):
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
    assert job(raft_steps=1, raft_passages=1, raft_oracle_share=0.5).key == job().key
