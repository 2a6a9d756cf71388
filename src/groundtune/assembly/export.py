"""Tuned models of a project for other programs: finds the adapters and the base, and has `tuning.export` write them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from groundtune.assembly.adapters import Adapters
from groundtune.assembly.assembly import Assembly
from groundtune.errors import InputError, NotComparable
from groundtune.files import PLAIN_NAME
from groundtune.models import builtin, local
from groundtune.tuning.adapters import VERSION_SIGN, Manifest, chain, read_manifest, verify
from groundtune.tuning.export import Exported, TunedModel, check_order, export
from groundtune.tuning.model import Base

ROUNDED = (
    f"The adapter was tuned on the built-in model, whose weights are those of {builtin.ORIGIN} rounded to 4 bits. "
    "On the original weights it gives slightly other answers: measure them, or export with `--to merged`."
)
QUANTIZE = "tuning.quantize"
_VERSION = re.compile(rf"{PLAIN_NAME.pattern}(@\w+)?")
_log = logging.getLogger(__name__)


def export_tuned(assembly: Assembly, name: str, to: str, folder: Path, numbers: str | None = None) -> Exported:
    """Write the adapter `name`, with all that it stands on, into `folder` in the format `to`.

    Raises `InputError` for an adapter that is not there, was changed since, or is of a kind that cannot be exported;
    `NotComparable` where `[model] name` is now another model.
    """
    check_order(to, numbers, folder)
    tuned = tuned_model(assembly.adapters, name, assembly.settings.model.name, to)
    assembly.pool.release()  # training and exporting need the memory for models of their own
    return export(tuned, to, folder, assembly.progress, numbers)


def tuned_model(adapters: Adapters, name: str, model_name: str, to: str) -> TunedModel:
    """Return what there is to export, with every file of it verified."""
    home = _home(adapters, name)
    manifests = {folder: _verified(folder) for folder in chain(home)}
    for folder, manifest in manifests.items():
        _check_kind(folder, manifest)
    base, folders = adapters.base(), list(manifests)
    known, origin = known_as(model_name), _origin(model_name)
    whole = [number for number, manifest in enumerate(manifests.values()) if manifest.kind == "model"]
    if whole:  # tuned in full: what comes before it is in its weights
        start = folders[whole[-1]]
        base = Base(base.name, base.weights, partial(local.load, str(start)))
        folders = folders[whole[-1] + 1 :]
        if to == "adapter":
            known = _name(start.name)
            origin = f"The base is `{known}`, which was tuned in full: export it with `--to merged`, and serve that."
    elif manifests[home].base_weights != base.weights:
        raise NotComparable(
            f"`{name}` was tuned on {manifests[home].base_model}, but `[model] name` is now another model.",
            place=home,
            remedy="Change `[model] name` back, or tune again.",
        )
    if not adapters.fits(home):
        _log.info("Exporting %s, which was trained with other settings than those set now.", home)
    remarks = (*_on_4_bits(manifests), *([origin] if origin and to == "adapter" else []))
    return TunedModel(_name(name), base, known, tuple(folders), home, remarks)


def _name(version: str) -> str:
    return version.partition(VERSION_SIGN)[0]


def known_as(model_name: str) -> str:
    """Return what others call a model of `[model] name`.

    >>> known_as("hf:Qwen/Qwen2.5-0.5B-Instruct"), known_as("path:models/ours/")
    ('Qwen/Qwen2.5-0.5B-Instruct', 'ours')
    """
    scheme, _, rest = model_name.partition(":")
    if scheme == "builtin":
        return builtin.ORIGIN
    return Path(rest).name if scheme == "path" else rest


def _home(adapters: Adapters, name: str) -> Path:
    """Return the folder of the version that is exported: the one named, else the one that the project uses now."""
    if _VERSION.fullmatch(name):
        home = adapters.folder(name)
        if read_manifest(home) is not None:
            return home
    known = adapters.names()
    raise InputError(
        f"there is no finished adapter `{name}`.",
        remedy=f"Those that there are: {', '.join(known)}." if known else "Run `groundtune tune` first.",
    )


def _verified(folder: Path) -> Manifest:
    verify(folder)
    manifest = read_manifest(folder)
    assert manifest is not None  # or `verify` had said so
    return manifest


def _check_kind(folder: Path, manifest: Manifest) -> None:
    if manifest.kind == "reward":
        raise InputError(
            "is a reward model: it grades answers and writes none, so there is nothing to export.",
            place=folder,
            remedy="Export the adapter that was trained against it.",
        )
    if manifest.kind == "hosted":
        raise InputError(
            f"is a model at a service ({manifest.hosted}): its weights are not on this machine.",
            place=folder,
            remedy="Export it at the service, or tune on this machine.",
        )


def _on_4_bits(manifests: Mapping[Path, Manifest]) -> list[str]:
    """Say which adapters were trained on a rounded base: what is written has the whole weights of the base."""
    rounded = []
    for folder, manifest in manifests.items():
        entry = manifest.settings.get(QUANTIZE)
        if (entry.get("value") if isinstance(entry, Mapping) else entry) not in (None, "none"):
            rounded.append(folder.name)
    if not rounded:
        return []
    return [f"{', '.join(rounded)} was trained on weights rounded to 4 bits. It is put on the base's whole weights."]


def _origin(model_name: str) -> str:
    """Say what whoever serves the adapter must know of its base, "" if nothing."""
    if model_name.startswith("builtin:"):
        return ROUNDED
    if model_name.startswith("path:"):
        return f"The base is the folder `{known_as(model_name)}`: in adapter_config.json, name it as the server does."
    return ""
