"""Where models, embedders, rerankers, stores, readers, sources, scorers, importers and techniques come from.

Packages, ours and other people's, name in the entry-point group `groundtune` a module that holds hooks:

    [project.entry-points.groundtune]
    readers = "my_package.readers"

Where that is a package, every module of it is searched. A hook is a function of a fixed name, one a module;
`HOOKS` lists them with their signatures. A new reader is therefore one new file in `knowledge/readers`.

Any of these modules may declare settings of its own, as tables inside those of `groundtune.toml`:

    def groundtune_settings() -> dict[str, type[Table]]:
        return {"tuning.mine": MySettings}

The hook that gets `[tuning]` reads `[tuning.mine]` with `settings.part("mine", MySettings)`.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.abc import InspectLoader
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from groundtune.errors import SettingsError

HOOKS = {
    "readers": "groundtune_reader",  # () -> Reader
    "embedders": "groundtune_embedder",  # (EmbeddingSettings, name: str) -> Embedder | None
    "media_embedders": "groundtune_media_embedder",  # (EmbeddingSettings, name: str, MediaKind) -> MediaEmbedder | None
    "rerankers": "groundtune_reranker",  # (name: str) -> Reranker | None
    "stores": "groundtune_store",  # (url: str, folder: Path, Embedder, StoreSettings) -> KnowledgeStore | None
    "retrievers": "groundtune_retriever",  # (url: str, folder: Path, StoreSettings, Revisions) -> Retriever | None
    "sources": "groundtune_source",  # (url: str, KnowledgeSettings) -> DocumentSource | None
    "models": "groundtune_model",  # (ModelSettings, folder: Path) -> ChatModel | None
    "scorers": "groundtune_scorer",  # (ComparisonSettings) -> list[Scorer]
    "importers": "groundtune_importer",  # () -> Importer
    "techniques": "groundtune_technique",  # () -> Technique
    "candidates": "groundtune_candidates",  # () -> list[Candidate]
}
BESIDE = {"retrievers": "stores", "media_embedders": "embedders"}
"""Kinds whose hooks are in the modules of another kind: one table of settings names both."""
SETTINGS = "groundtune_settings"  # () -> dict[str, type[Table]]


@cache
def hooks(kind: str) -> tuple[Callable[..., Any], ...]:
    """Return all hooks of `kind`, a key of `HOOKS`, in order of distribution and module name."""
    return tuple(_each_hook(kind))


@cache
def declared() -> tuple[tuple[str, Any, str], ...]:
    """Return the tables that modules of hooks declare: name ("tuning.raft"), class and module, in order of name.

    Imports no module of hooks whose source does not name `SETTINGS`: most commands need none of them.
    """
    modules = [importlib.import_module(name) for name in _everywhere() if _may_have(name, SETTINGS)]
    declaring = {module.__name__: getattr(module, SETTINGS) for module in modules if hasattr(module, SETTINGS)}
    tables = [(name, kind, module) for module, hook in declaring.items() for name, kind in hook().items()]
    return tuple(sorted(tables, key=lambda table: (table[0], table[2])))


def surely_declared(tables: Iterable[str]) -> bool:
    """Tell whether sources of modules declare all tables by full name. Imports none; if False, ask `declared`."""
    sources = [source for name in _everywhere() if SETTINGS in (source := _source(name))]
    return all(any(f'{{"{table}": ' in source for source in sources) for table in tables)


def first(kind: str, name: str, *arguments: object) -> Any:  # noqa: ANN401 -- the seam that the kind promises
    """Return what the first hook of `kind` makes of `arguments`; a hook passes by returning None.

    Raises `SettingsError` if all pass: nobody knows a thing called `name`.
    """
    made = perhaps(kind, *arguments)
    if made is not None:
        return made
    raise SettingsError(
        f"no plugin for {kind} knows `{name}`.", remedy="See docs/settings.md for valid forms, or install its plugin."
    )


def perhaps(kind: str, *arguments: object) -> Any:  # noqa: ANN401 -- the seam that the kind promises, or None
    """Return what the first hook of `kind` that does not pass makes of `arguments`; None if all pass."""
    made = (hook(*arguments) for hook in _each_hook(kind))
    return next((each for each in made if each is not None), None)


def _each_hook(kind: str) -> Iterator[Callable[..., Any]]:
    """Yield the hooks of `kind`; a module is imported when its turn comes."""
    for entry in sorted(entry_points(group="groundtune"), key=lambda entry: entry.value):
        if entry.name == BESIDE.get(kind, kind):
            for name in filter(lambda name: _may_have(name, HOOKS[kind]), _names(entry.load())):
                module = importlib.import_module(name)
                if hasattr(module, HOOKS[kind]):
                    yield getattr(module, HOOKS[kind])


def _names(module: ModuleType) -> list[str]:
    """Return the names of the modules in which hooks may be: an entry's own, and those in it if it is a package."""
    if not hasattr(module, "__path__"):
        return [module.__name__]
    names = sorted(info.name for info in pkgutil.iter_modules(module.__path__) if not info.name.startswith("_"))
    return [module.__name__, *(f"{module.__name__}.{name}" for name in names)]


def _everywhere() -> Iterable[str]:
    """Return the names of all modules in which hooks may be."""
    return dict.fromkeys(name for entry in entry_points(group="groundtune") for name in _names(entry.load()))


def _may_have(name: str, function: str) -> bool:
    """Tell whether a module may have a function, without importing it: not if its source has no such word."""
    return name in sys.modules or not _source(name) or function in _source(name)


@cache
def _source(name: str) -> str:
    """Return the source of a module without importing it, "" where there is none."""
    spec = importlib.util.find_spec(name)
    return (spec.loader.get_source(name) or "") if spec and isinstance(spec.loader, InspectLoader) else ""
