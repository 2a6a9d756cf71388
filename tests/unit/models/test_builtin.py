"""The packaged chat model: found, converted once, and missing with a remedy."""

import importlib.util
import json

import pytest

from groundtune.errors import NotInstalled, SettingsError
from groundtune.models import builtin


@pytest.mark.models
def test_it_is_converted_into_the_users_cache_once():
    folder = builtin.chat_model_folder()
    assert folder.name == f"{builtin.NAME}-{builtin.installed_version()}"
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert builtin.chat_model_folder() == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert not list(folder.parent.glob(".*"))


def test_another_name_is_refused_with_the_known_one():
    with pytest.raises(SettingsError, match=r"no built-in chat model `gpt-9`") as raised:
        builtin.chat_model_folder("gpt-9")
    assert builtin.NAME in raised.value.remedy


def test_without_the_package_the_remedy_is_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match="is not installed") as raised:
        builtin.chat_model_folder()
    assert raised.value.remedy == builtin.INSTALL


def test_a_package_without_its_weights_is_not_installed(monkeypatch, tmp_path):
    from importlib.machinery import ModuleSpec

    spec = ModuleSpec(builtin.MODULE, None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(NotInstalled):
        builtin.installed_version()
