"""The manifest that makes a folder an adapter."""

import json

import pytest

from groundtune.errors import InputError
from groundtune.tuning.adapters import LossPoint, Manifest, read_manifest, write_manifest

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
