"""Hooks: found through the one entry-point group, ours and other people's in the same way."""

import pytest

from groundtune import plugins
from groundtune.errors import SettingsError


@pytest.fixture(autouse=True)
def fresh():
    plugins.hooks.cache_clear()
    yield
    plugins.hooks.cache_clear()


@pytest.mark.parametrize(
    "kind", ["readers", "embedders", "stores", "models", "scorers", "importers", "techniques", "retrievers", "sources"]
)
def test_the_built_in_ones_register_like_anybody(kind):
    found = plugins.hooks(kind)
    assert found
    assert {hook.__name__ for hook in found} == {plugins.HOOKS[kind]}
    assert len({hook.__module__ for hook in found}) == len(found)
    assert not any(hook.__module__.rpartition(".")[2].startswith("_") for hook in found)


def test_every_kind_is_declared_and_every_declared_entry_has_a_kind():
    declared = {entry.name for entry in plugins.entry_points(group="groundtune")}
    assert declared == set(plugins.HOOKS) - set(plugins.BESIDE)


def test_another_package_adds_a_hook(installed):
    installed("scorers", "somebody_elses_scorers", groundtune_scorer=lambda settings: [])
    before = len(plugins.hooks.__wrapped__("scorers"))
    assert any(hook.__name__ == "<lambda>" for hook in plugins.hooks("scorers"))
    assert len(plugins.hooks("scorers")) == before


def test_a_module_of_another_kind_is_left_out(installed):
    installed("scorers", "somebody_elses_readers", groundtune_reader=lambda: None)
    assert all(hook.__name__ == "groundtune_scorer" for hook in plugins.hooks("scorers"))


def test_the_first_hook_that_does_not_pass_makes_it(monkeypatch):
    monkeypatch.setattr(
        plugins, "_each_hook", lambda kind: (lambda name: None, lambda name: name.upper(), lambda name: "no")
    )
    assert plugins.first("models", "x", "x") == "X"


def test_what_nobody_knows_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(plugins, "_each_hook", lambda kind: (lambda name: None,))
    with pytest.raises(SettingsError, match="no plugin for models knows `magic:wand`") as raised:
        plugins.first("models", "magic:wand", "magic:wand")
    assert raised.value.remedy
