"""Adapters on disk: a folder with LoRA weights and `manifest.json`, which tells all that they were made of.

The manifest is written last: a folder without one is an unfinished training run, which can be resumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from groundtune.errors import InputError
from groundtune.files import read_text, write_text

MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class LossPoint:
    """Loss (nats a token, on the assistant's turns) after `step` optimizer steps, on either part of the data."""

    step: int
    train: float | None = None
    held_out: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter was made of. Two manifests with the same `key` describe the same training run."""

    key: str
    technique: str
    base_model: str
    base_weights: str
    data: Mapping[str, object]
    settings: Mapping[str, object]
    versions: Mapping[str, str]
    tokens: int
    seconds: float
    stopped: str
    best_step: int
    loss: tuple[LossPoint, ...]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Declare the adapter in `folder` complete."""
    write_text(folder / MANIFEST, json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of `folder`, None where there is no finished adapter. Raises `InputError` if broken."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(read_text(path))
        content["loss"] = tuple(LossPoint(**point) for point in content["loss"])
        return Manifest(**content)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"is not a valid adapter manifest: {error}.", place=path, remedy=f"Delete {folder} and tune again."
        ) from None
