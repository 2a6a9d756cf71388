"""Where models, embedders, rerankers, stores, readers, scorers, importers, techniques and candidates come from.

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

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from groundtune.errors import SettingsError

HOOKS = {
    "readers": "groundtune_reader",  # () -> Reader
    "embedders": "groundtune_embedder",  # (EmbeddingSettings, name: str) -> Embedder | None
    "rerankers": "groundtune_reranker",  # (name: str) -> Reranker | None
    "stores": "groundtune_store",  # (url: str, folder: Path, Embedder, StoreSettings) -> KnowledgeStore | None
    "retrievers": "groundtune_retriever",  # (url: str, folder: Path, StoreSettings, Revisions) -> Retriever | None
    "models": "groundtune_model",  # (ModelSettings, folder: Path) -> ChatModel | None
    "scorers": "groundtune_scorer",  # (ComparisonSettings) -> list[Scorer]
    "importers": "groundtune_importer",  # () -> Importer
    "techniques": "groundtune_technique",  # () -> Technique
    "candidates": "groundtune_candidates",  # () -> list[Candidate]
}
BESIDE = {"retrievers": "stores"}
"""Kinds whose hooks are in the modules of another kind: `[knowledge] store` names both."""
SETTINGS = "groundtune_settings"  # () -> dict[str, type[Table]]


@cache
def hooks(kind: str) -> tuple[Callable[..., Any], ...]:
    """Return all hooks of `kind`, a key of `HOOKS`, in order of distribution and module name."""
    functions = []
    for entry in sorted(entry_points(group="groundtune"), key=lambda entry: entry.value):
        if entry.name == BESIDE.get(kind, kind):
            modules = _modules(entry.load())
            functions += [getattr(module, HOOKS[kind]) for module in modules if hasattr(module, HOOKS[kind])]
    return tuple(functions)


@cache
def declared() -> tuple[tuple[str, Any, str], ...]:
    """Return the tables that modules of hooks declare: name ("tuning.raft"), class and module, in order of name.

    Imports every module of hooks.
    """
    modules = [module for entry in entry_points(group="groundtune") for module in _modules(entry.load())]
    declaring = {module.__name__: getattr(module, SETTINGS) for module in modules if hasattr(module, SETTINGS)}
    tables = [(name, kind, module) for module, hook in declaring.items() for name, kind in hook().items()]
    return tuple(sorted(tables, key=lambda table: (table[0], table[2])))


def first(kind: str, name: str, *arguments: object) -> Any:  # noqa: ANN401 -- the seam that the kind promises
    """Return what the first hook of `kind` makes of `arguments`; a hook passes by returning None.

    Raises `SettingsError` if all pass: nobody knows a thing called `name`.
    """
    for hook in hooks(kind):
        made = hook(*arguments)
        if made is not None:
            return made
    raise SettingsError(
        f"no plugin for {kind} knows `{name}`.", remedy="See docs/settings.md for valid forms, or install its plugin."
    )


def _modules(module: ModuleType) -> list[ModuleType]:
    if not hasattr(module, "__path__"):
        return [module]
    names = sorted(info.name for info in pkgutil.iter_modules(module.__path__) if not info.name.startswith("_"))
    return [module, *(importlib.import_module(f"{module.__name__}.{name}") for name in names)]
