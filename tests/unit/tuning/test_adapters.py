"""The manifest that makes a folder an adapter."""

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from groundtune.errors import InputError
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.adapters import LossPoint, Manifest, read_manifest, verify, write_manifest

MANIFEST = Manifest(
    key="k",
    technique="instruction",
    base_model="builtin:smollm2-135m-instruct",
    base_weights="abc",
    data={"training": 9, "held_out": 1, "hash": "h"},
    settings={"tuning.steps": {"value": 3, "origin": "flag"}, "project.name": {"value": "Café", "origin": "file"}},
    versions={"torch": "2"},
    tokens=100,
    seconds=1.5,
    stopped="at the last step, 3",
    best_step=2,
    loss=(LossPoint(0, held_out=3.5), LossPoint(1, train=3.25), LossPoint(2, held_out=2.0)),
)


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    write_manifest(tmp_path / "new", MANIFEST)
    assert read_manifest(tmp_path / "new") == MANIFEST


def test_a_folder_without_one_is_no_adapter(tmp_path):
    assert read_manifest(tmp_path) is None
    assert read_manifest(tmp_path / "nowhere") is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"loss": []}', '{"loss": [{"step": 1, "x": 2}]}'])
def test_a_broken_one_is_refused_with_the_remedy(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="is not a valid adapter manifest") as raised:
        read_manifest(tmp_path)
    assert raised.value.place == str(tmp_path / "manifest.json")
    assert "tune again" in raised.value.remedy


def test_it_is_plain_json(tmp_path):
    write_manifest(tmp_path, MANIFEST)
    content = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert content["loss"][0] == {"step": 0, "train": None, "held_out": 3.5}


@pytest.fixture
def written(tmp_path):
    """A finished adapter with a tokenizer of its own."""
    folder = tmp_path / "tuned@1"
    tiny_model(tmp_path / "model")
    tiny_adapter(tmp_path / "model", folder, 1)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(tmp_path / "model" / name, folder / name)
    write_manifest(folder, MANIFEST)
    return folder


def test_what_was_written_is_verified(written):
    verify(written)
    files = read_manifest(written).files
    assert set(files) == {path.name for path in written.iterdir()} - {"manifest.json", "README.md"}
    assert all(len(value) == 64 for value in files.values())


@pytest.mark.parametrize(
    "name", ["adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja"]
)
def test_a_changed_file_is_refused(written, name):
    """Not only the weights: a scaling, a template or a word changed answers as well."""
    content = bytearray((written / name).read_bytes())
    content[-5] ^= 1
    (written / name).write_bytes(content)
    with pytest.raises(InputError, match=r"not the file that tuning wrote|damaged") as raised:
        verify(written)
    assert raised.value.place == str(written / name)
    assert "tune again" in raised.value.remedy


def test_weights_of_another_adapter_are_refused(written, tmp_path):
    tiny_adapter(tmp_path / "model", tmp_path / "other", 2)
    shutil.copyfile(tmp_path / "other" / "adapter_model.safetensors", written / "adapter_model.safetensors")
    with pytest.raises(InputError, match=r"`adapter_model.safetensors` is not the file that tuning wrote"):
        verify(written)


def test_a_missing_file_is_refused(written):
    (written / "adapter_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"`adapter_model.safetensors` is missing"):
        verify(written)


@pytest.mark.parametrize(
    "name", ["model.safetensors", "added_tokens.json", "modeling.py", "templates/tool.jinja", "merges.txt", "x.GGUF"]
)
def test_an_added_file_that_loading_would_read_is_refused(written, name):
    (written / name).parent.mkdir(exist_ok=True)
    if name.endswith(".safetensors"):
        shutil.copyfile(written / "adapter_model.safetensors", written / name)
    else:
        (written / name).write_text("{}")
    with pytest.raises(InputError, match="is not in the manifest: it was added"):
        verify(written)


@pytest.mark.parametrize("name", ["notes.txt", ".DS_Store", "README.md", "loss.png"])
def test_what_nobody_reads_may_be_added(written, name):
    (written / name).write_text("x")
    verify(written)


@pytest.mark.parametrize("name", ["adapter_model.bin", "x.pt", "y.PKL", "deep/z.pth", "a.ckpt", "b.joblib"])
def test_a_pickle_is_refused_and_not_read(written, name):
    (written / name).parent.mkdir(exist_ok=True)
    (written / name).write_bytes(pickle.dumps(Explosive(written / "ran")))
    with pytest.raises(InputError, match="may be a pickle") as raised:
        verify(written)
    with pytest.raises(InputError, match="may be a pickle"):
        write_manifest(written, MANIFEST)
    assert raised.value.place == str(written / name)
    assert not (written / "ran").exists()


class Explosive:
    """Runs code when it is unpickled."""

    def __init__(self, sign):
        self.sign = sign

    def __reduce__(self):
        return (Path.touch, (self.sign,))


def test_an_explosive_does_run_where_pickles_are_loaded(tmp_path):
    pickle.loads(pickle.dumps(Explosive(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("length", [0, 7, 200, -1])
def test_weights_that_are_cut_short_are_refused_without_hashes_too(written, length):
    """As for an adapter that an earlier groundtune made."""
    content = json.loads((written / "manifest.json").read_text())
    del content["files"]
    (written / "manifest.json").write_text(json.dumps(content))
    verify(written)
    weights = (written / "adapter_model.safetensors").read_bytes()
    (written / "adapter_model.safetensors").write_bytes(weights[:length])
    with pytest.raises(InputError, match="cut short or damaged"):
        verify(written)


def test_a_manifest_written_again_does_not_bless_what_was_changed(written):
    manifest = read_manifest(written)
    (written / "adapter_config.json").write_text("{}")
    write_manifest(written, replace(manifest, recipe="r"))
    with pytest.raises(InputError, match="adapter_config"):
        verify(written)


def test_an_unfinished_one_is_refused(tmp_path):
    with pytest.raises(InputError, match="no finished adapter"):
        verify(tmp_path)
