"""Which checkpoint training goes on from: none that is cut short, and none that holds code."""

import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from groundtune.errors import InputError
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.checkpoints import last_checkpoint


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A checkpoint as the trainer saves it."""
    import torch

    folder = tmp_path_factory.mktemp("made")
    tiny_model(folder / "model")
    tiny_adapter(folder / "model", folder / "checkpoint", 1)
    parameters = [torch.nn.Parameter(torch.ones(400))]
    optimizer = torch.optim.AdamW(parameters)
    parameters[0].sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, [lambda step: 1.0])
    torch.save(optimizer.state_dict(), folder / "checkpoint" / "optimizer.pt")
    torch.save(schedule.state_dict(), folder / "checkpoint" / "scheduler.pt")
    numbers = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "cpu": torch.random.get_rng_state(),
    }
    torch.save(numbers, folder / "checkpoint" / "rng_state.pth")
    torch.save(folder, folder / "checkpoint" / "training_args.bin")  # an object: never read
    (folder / "checkpoint" / "trainer_state.json").write_text('{"global_step": 2}')
    return folder / "checkpoint"


@pytest.fixture
def work(whole, tmp_path):
    for step in (2, 4, 10):
        shutil.copytree(whole, tmp_path / f"checkpoint-{step}")
    return tmp_path


def test_the_newest_by_number(work):
    assert last_checkpoint(work) == str(work / "checkpoint-10")


def test_none_and_what_is_no_checkpoint(tmp_path):
    assert last_checkpoint(tmp_path) is None
    assert last_checkpoint(tmp_path / "nowhere") is None
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / "checkpoint-7").write_text("a file")
    assert last_checkpoint(tmp_path) is None
    assert (tmp_path / "checkpoint-best").is_dir()


FILES = ["adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, -1])
@pytest.mark.parametrize("name", FILES)
def test_one_that_is_cut_short_gives_way_to_the_one_before(work, name, share, caplog):
    file = work / "checkpoint-10" / name
    content = file.read_bytes()
    file.write_bytes(content[:-1] if share == -1 else content[: int(len(content) * share)])
    assert last_checkpoint(work) == str(work / "checkpoint-4")
    assert not (work / "checkpoint-10").exists()
    assert (work / "checkpoint-2").is_dir()
    assert "checkpoint-10 is left out" in caplog.text


def test_zeros_after_a_power_failure_are_no_code(work):
    for name in ("optimizer.pt", "rng_state.pth"):
        (work / "checkpoint-10" / name).write_bytes(bytes(5000))
    assert last_checkpoint(work) == str(work / "checkpoint-4")


@pytest.mark.parametrize("name", [name for name in FILES if name != "rng_state.pth"])
def test_one_that_lacks_a_file_gives_way(work, name):
    (work / "checkpoint-10" / name).unlink()
    assert last_checkpoint(work) == str(work / "checkpoint-4")


def test_what_a_technique_keeps_besides_must_be_there(work):
    (work / "checkpoint-4" / "reward.json").write_text("{}")
    assert last_checkpoint(work, ["reward.json"]) == str(work / "checkpoint-4")


def test_all_of_them_cut_short(work):
    for step in (2, 4, 10):
        (work / f"checkpoint-{step}" / "optimizer.pt").write_bytes(b"")
    assert last_checkpoint(work) is None


def test_a_model_tuned_in_full_has_other_weights(work, tmp_path):
    for step in (2, 4, 10):
        folder = work / f"checkpoint-{step}"
        (folder / "adapter_model.safetensors").rename(folder / "model.safetensors")
    assert last_checkpoint(work) == str(work / "checkpoint-10")
    weights = work / "checkpoint-10" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    assert last_checkpoint(work) == str(work / "checkpoint-4")


def test_a_large_model_lacks_a_part(work):
    folder = work / "checkpoint-10"
    (folder / "adapter_model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = '{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    (folder / "model.safetensors.index.json").write_text(index)
    assert last_checkpoint(work) == str(work / "checkpoint-4")


class Explosive:
    """Runs code when it is unpickled."""

    def __init__(self, sign):
        self.sign = sign

    def __reduce__(self):
        return (Path.touch, (self.sign,))


@pytest.mark.parametrize("form", ["pytorch", "old", "plain"])
@pytest.mark.parametrize("name", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "scaler.pt"])
def test_code_in_a_state_is_refused_and_does_not_run(work, name, form):
    import torch

    file, sign = work / "checkpoint-10" / name, work / "ran"
    if form == "plain":
        file.write_bytes(pickle.dumps(Explosive(sign)))
    else:
        torch.save({"state": Explosive(sign)}, file, _use_new_zipfile_serialization=form == "pytorch")
    with pytest.raises(InputError, match="holds more than numbers") as raised:
        last_checkpoint(work)
    assert raised.value.place == str(file)
    assert "Delete the checkpoint" in raised.value.remedy
    assert not sign.exists()
    assert (work / "checkpoint-10").is_dir()


@pytest.mark.parametrize("name", ["adapter_model.bin", "pytorch_model.bin", "x.pkl", "deep/y.pt", "model.ckpt"])
def test_pickled_weights_are_refused(work, name):
    """The trainer would load `pytorch_model.bin` into the model, adapter or not."""
    file = work / "checkpoint-10" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(InputError, match="may be a pickle"):
        last_checkpoint(work)
    assert file.exists()


def test_what_the_trainer_resumes_from_is_read_as_numbers_only():
    """transformers itself: every pickle of a checkpoint is loaded with `weights_only=True`."""
    import inspect
    import re

    import transformers.trainer as module

    calls = re.findall(r"torch\.load\(((?:[^()]|\([^()]*\))*)\)", inspect.getsource(module))
    assert len(calls) >= 8
    assert all("weights_only=True" in call for call in calls)
