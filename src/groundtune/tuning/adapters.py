"""Adapters on disk: a folder with LoRA weights and `manifest.json`, which tells all that they were made of.

The manifest is written last: a folder without one is an unfinished training run, which can be resumed. Adapters of one
name that were trained with different settings stand side by side, as versions: `tuned@1f0c2b3a` and `tuned@77d3e09b`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from groundtune.errors import InputError
from groundtune.files import read_text, write_text

MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
VERSION_SIGN = "@"


@dataclass(frozen=True, slots=True)
class LossPoint:
    """Loss (nats a token, on the assistant's turns) after `step` optimizer steps, on either part of the data."""

    step: int
    train: float | None = None
    held_out: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter was made of. Two manifests with the same `key` describe the same training run.

    `recipe` identifies what its examples were made of, where making them takes long; "" where it is not known.
    """

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
    recipe: str = ""


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


def versions(folder: Path) -> list[Path]:
    """Return the folders of finished adapters of the same name, the one that was made or asked for last first."""
    name = folder.name.partition(VERSION_SIGN)[0]
    found = [*folder.parent.glob(f"{name}/{MANIFEST}"), *folder.parent.glob(f"{name}{VERSION_SIGN}*/{MANIFEST}")]
    return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)]


def finished(folder: Path, fits: Callable[[Manifest], bool]) -> tuple[Path, Manifest] | None:
    """Return the version of the adapter in `folder` that `fits`, with its manifest; it is now the one asked for last.

    Raises `InputError` for a broken manifest.
    """
    for version in versions(folder):
        manifest = read_manifest(version)
        if manifest is not None and fits(manifest):
            with suppress(OSError):  # a folder that may only be read serves as well
                (version / MANIFEST).touch()
            return version, manifest
    return None
