"""The pool opens a model once, whoever asks, puts adapters on it where that can be, and lets go of it."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundtune.assembly import pool
from groundtune.assembly.pool import ModelPool
from groundtune.errors import SettingsError
from groundtune.models import local
from groundtune.settings import ModelSettings
from groundtune.testing.fakes import EchoModel
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.values import Message

ASKED = [(Message("user", "What does the river plan cost?"),)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    tiny_model(folder / "model")
    for seed, name in enumerate(["tuned", "raft"]):
        tiny_adapter(folder / "model", folder / name, seed)
    return folder


@pytest.fixture
def loads(monkeypatch):
    """The sources of the weights that were loaded."""
    done, real = [], local.load
    monkeypatch.setattr(local, "load", lambda source: done.append(Path(source).name) or real(source))
    return done


def models(place):
    return ModelPool(ModelSettings(name="path:model", max_tokens=16), place)


def test_threads_that_ask_for_several_candidates_load_one_base_and_get_what_they_get_alone(place, loads):
    opened = models(place)
    chains = [(), (place / "tuned",), (place / "raft",), (place / "tuned", place / "raft")] * 4
    barrier = threading.Barrier(8)

    def answer(chain):
        return opened.model(None, chain).complete(ASKED)

    with ThreadPoolExecutor(8, initializer=barrier.wait) as threads:
        together = list(threads.map(answer, chains))
    assert loads == ["model"]
    assert together == [answer(chain) for chain in chains]
    assert len({tuple(completion.text for completion in each) for each in together}) == 4


def test_other_models_are_opened_by_name_and_other_settings_load_nothing(place, loads):
    opened = models(place)
    base = opened.model()
    assert opened.model() is base
    assert opened.model("path:model") is base
    judge = opened.model("path:model", settings=ModelSettings(max_tokens=1))
    assert judge.complete(ASKED)[0].usage.completion_tokens == 1
    assert loads == ["model"]
    tiny_model(place / "second", seed=5)
    assert opened.model("path:second").name == "path:second"
    assert loads == ["model", "second"]


def test_what_is_released_is_gone_and_is_opened_again(place, loads):
    opened = models(place)
    held = weakref.ref(opened.model(None, [place / "tuned"]).model)
    opened.release()
    gc.collect()
    assert held() is None
    assert opened.model().complete(ASKED)
    assert loads == ["model", "model"]


def test_a_model_that_is_being_opened_does_not_hold_up_another(monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def first(kind, name, settings, folder):
        if name == "fake:slow":
            started.set()
            assert go_on.wait(timeout=60)
        return EchoModel(name)

    monkeypatch.setattr(pool.plugins, "first", first)
    opened = ModelPool(ModelSettings(name="fake:slow"), Path())
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(opened.model)
        assert started.wait(timeout=60)
        assert opened.model("fake:quick").name == "fake:quick"
        go_on.set()
        assert slow.result(timeout=60).name == "fake:slow"


def test_what_fails_to_open_is_tried_again(monkeypatch):
    results = [SettingsError("busy.", remedy="Wait."), EchoModel("fake:x")]

    def first(*_):
        result = results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(pool.plugins, "first", first)
    opened = ModelPool(ModelSettings(name="fake:x"), Path())
    with pytest.raises(SettingsError, match="busy"):
        opened.model()
    assert opened.model().name == "fake:x"


@pytest.mark.parametrize("name", ["openai:m@http://localhost:1/v1"])
def test_an_adapter_on_a_model_that_takes_none_is_refused_with_two_ways_out(name):
    opened = ModelPool(ModelSettings(name=name), Path())
    assert opened.model().name == name
    with pytest.raises(SettingsError, match=r"adapter 'raft'.*local model, or serve the adapter"):
        opened.model(None, [Path("adapters/raft")])
