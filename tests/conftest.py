"""What all tests share."""

import gc
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from groundtune import plugins
from groundtune.assembly import knowledge as knowledge_module
from groundtune.testing.embedders import HashingEmbedder


@pytest.fixture(autouse=True, scope="module")
def _few_objects_to_look_at():
    """Keep what is there by now out of later garbage collections, of which every training makes several.

    They look at all objects, and late in a session there are ten million.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets (../shared/data) are not here")
    return folder


@pytest.fixture(scope="session")
def telecom() -> Path:
    """The folder of the telecom example."""
    return Path(__file__).parents[1] / "examples" / "telecom"


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """A small model of CLIP's shape, trained here on drawn shapes: see `_shapes.py`."""
    from _shapes import small_clip

    return small_clip(tmp_path_factory.mktemp("clip") / "shapes")


@pytest.fixture
def make_shop(tmp_path, monkeypatch):
    """Write a project in `tmp_path` with one document per plan, embedded by hashing; plan n costs n + 7 euros."""

    def make(names):
        monkeypatch.setattr(knowledge_module, "embedder", lambda settings: HashingEmbedder())
        (tmp_path / "documents").mkdir()
        for number, name in enumerate(names):
            text = f"# Plan {name}\n\nThe {name} plan costs {number + 7} euros a month."
            (tmp_path / "documents" / f"{name}.md").write_text(text, encoding="utf-8")
        (tmp_path / "groundtune.toml").write_text('[project]\nname = "Shop"\n', encoding="utf-8")

    return make


@pytest.fixture
def installed(monkeypatch):
    """Install a module of hooks under an entry point, for one test."""

    def install(kind, name, **hooks):
        module = ModuleType(name)
        for key, value in hooks.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, name, module)
        known = list(plugins.entry_points(group="groundtune"))
        made = EntryPoint(kind, name, "groundtune")
        monkeypatch.setattr(plugins, "entry_points", lambda group: [*known, made])
        forget()

    def forget():
        plugins.hooks.cache_clear()
        plugins.declared.cache_clear()

    yield install
    monkeypatch.undo()
    forget()
