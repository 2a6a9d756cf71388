"""The hash of a model's files is kept, and never that of other files."""

import os
import time

import pytest

from groundtune.knowledge.embedding import local
from groundtune.knowledge.embedding.local import hash_of


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "user_cache_path", lambda name: tmp_path / "cache")
    folder = tmp_path / "model"
    folder.mkdir()
    write(folder / "config.json", "{}")
    write(folder / "model.safetensors", "weights")
    return folder


def write(path, text, age=60):
    path.write_text(text)
    os.utime(path, (time.time() - age,) * 2)


def test_it_is_read_once(model, monkeypatch):
    first = hash_of(model)
    monkeypatch.setattr(local, "_hash_of", None)
    assert hash_of(model) == first
    assert len(first) == 16


def test_other_weights_have_another_hash(model):
    first = hash_of(model)
    write(model / "model.safetensors", "weighty", age=30)  # as long as before
    assert hash_of(model) != first
    write(model / "model.safetensors", "weights", age=60)
    assert hash_of(model) == first


def test_files_that_were_just_written_are_read_again(model):
    write(model / "model.safetensors", "newer 1", age=0)
    first = hash_of(model)
    state = (model / "model.safetensors").stat()
    (model / "model.safetensors").write_text("newer 2")
    os.utime(model / "model.safetensors", ns=(state.st_atime_ns, state.st_mtime_ns))  # within one tick of the clock
    assert hash_of(model) != first


def test_without_a_cache_it_is_computed(model, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    assert hash_of(model) == hash_of(model)
