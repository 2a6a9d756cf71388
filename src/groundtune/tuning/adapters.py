"""Adapters on disk: a folder with LoRA weights and `manifest.json`, which tells all that they were made of.

The manifest is written last: a folder without one is an unfinished training run, which can be resumed. It holds a hash
of every file that loading reads, so that what was changed afterwards is refused. Adapters of one name that were trained
with different settings stand side by side, as versions: `tuned@1f0c2b3a` and `tuned@77d3e09b`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from groundtune.errors import InputError
from groundtune.files import read_text, sha256_of, write_text

MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
VERSION_SIGN = "@"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill")
_LOADED = (".safetensors", ".json", ".jinja", ".model", ".gguf", ".py")  # suffixes of what loading reads or runs
_LOADED_NAMES = ("vocab.txt", "merges.txt")


@dataclass(frozen=True, slots=True)
class LossPoint:
    """Loss after `step` optimizer steps, on either part of the data.

    Nats a token, on the assistant's turns; nats a question for an encoder.
    """

    step: int
    train: float | None = None
    held_out: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an adapter was made of. Two manifests with the same `key` describe the same training run.

    `kind` tells what the folder holds: an adapter, the weights of a whole model, a reward model, or an encoder;
    "hosted" where the model is at a service and `hosted` is what `[model] name` would call it. `recipe` identifies what
    its examples were made of, where making them takes long; "" where it is not known. `parents` are the folders, beside
    this one, of the versions that it was trained on top of, in order. `part` names which of a technique's adapters it
    is, "" for the one that was asked for. `upkeep` is what keeping it costs besides the adapter, in parts that are made
    again when data change. `gates` is what the checks of its data found, `accepted` the gates that did not pass and
    were accepted. `took` are the seconds and the most bytes of the training, beside `estimate`; it is empty where
    training was interrupted. `curves` are values by step besides the loss, such as reward. `measures` is what the
    technique itself measured, such as perplexity before and after. `files` are hashes of the folder's files.
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
    kind: Literal["adapter", "model", "reward", "hosted", "encoder"] = "adapter"
    parents: tuple[str, ...] = ()
    part: str = ""
    upkeep: int = 0
    hosted: str = ""
    gates: tuple[Mapping[str, object], ...] = ()
    accepted: tuple[str, ...] = ()
    estimate: Mapping[str, float] = field(default_factory=dict)
    hardware: Mapping[str, str] = field(default_factory=dict)
    took: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    measures: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Declare the adapter in `folder` complete: with the hashes of its files, unless the manifest has them already.

    Raises `InputError` where one of them is a pickle.
    """
    if not manifest.files:
        _refuse_pickles(folder)
        manifest = replace(manifest, files=file_hashes(folder))
    write_text(folder / MANIFEST, json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of `folder`, None where there is no finished adapter. Raises `InputError` if broken."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        content = json.loads(read_text(path))
        content["loss"] = tuple(LossPoint(**point) for point in content["loss"])
        for name in ("parents", "gates", "accepted"):
            content[name] = tuple(content.get(name, ()))
        curves = content.get("curves", {})
        content["curves"] = {
            name: tuple((int(step), value) for step, value in points) for name, points in curves.items()
        }
        return Manifest(**content)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"is not a valid adapter manifest: {error}.", place=path, remedy=f"Delete {folder} and tune again."
        ) from None


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that loading reads, by its path in `folder`: weights, settings, tokenizer."""
    paths = {path.relative_to(folder).as_posix(): path for path in _files(folder) if _is_loaded(path)}
    paths.pop(MANIFEST, None)
    return {name: _sha256(path) for name, path in sorted(paths.items())}


def verify(folder: Path) -> None:
    """Raise `InputError` unless the folder holds what tuning wrote: no file changed, added, missing or pickled.

    An adapter without hashes, which an earlier groundtune made, is only checked for pickles and broken files.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise InputError("holds no finished adapter.", place=folder, remedy="Tune it, or copy the whole folder again.")
    _refuse_pickles(folder)
    _refuse_broken(folder)
    if not manifest.files:
        return
    hashes = file_hashes(folder)
    remedy = f"Copy the whole folder again from where it was tuned, or delete {folder} and tune again."
    for name in sorted({*manifest.files, *hashes}):
        if hashes.get(name) == manifest.files.get(name):
            continue
        if name not in hashes:
            reason = f"`{name}` is missing, which the manifest names."
        elif name not in manifest.files:
            reason = f"`{name}` is not in the manifest: it was added after tuning."
        else:
            reason = f"`{name}` is not the file that tuning wrote: it was changed or damaged."
        raise InputError(f"{reason} Nothing was loaded.", place=folder / name, remedy=remedy)


def check_safetensors(path: Path) -> None:
    """Raise `InputError` for a file of weights that is cut short or damaged. Reads its head only."""
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="numpy"):
            pass
    except Exception as error:
        raise InputError(
            f"is cut short or damaged: {str(error).strip()}.", place=path, remedy="Copy the whole folder again."
        ) from None


def _files(folder: Path) -> Iterator[Path]:
    """Give the files of an adapter: none that is hidden, and none of another adapter in a folder below."""
    others = {path.parent for path in folder.rglob(MANIFEST)} - {folder}
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and not others.intersection(path.parents):
            yield path


def _is_loaded(path: Path) -> bool:
    return path.suffix.lower() in _LOADED or path.name in _LOADED_NAMES


def _refuse_pickles(folder: Path) -> None:
    for path in _files(folder):
        if path.suffix.lower() in PICKLES:
            raise InputError(
                f"`{path.name}` may be a pickle, which can hold code. It was not read.",
                place=path,
                remedy="Delete it. Weights are read from .safetensors files only.",
            )


def _refuse_broken(folder: Path) -> None:
    for path in _files(folder):
        if path.suffix.lower() == ".safetensors":
            check_safetensors(path)


def _sha256(path: Path) -> str:
    state = path.stat()
    return _hash_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_of(path: Path, size: int, changed: int) -> str:
    """Size and time of change are there so that a changed file is read again."""
    return sha256_of(path)


def versions(folder: Path) -> list[Path]:
    """Return the folders of finished adapters of the same name, the one that was made or asked for last first."""
    name = folder.name.partition(VERSION_SIGN)[0]
    result = [*folder.parent.glob(f"{name}/{MANIFEST}"), *folder.parent.glob(f"{name}{VERSION_SIGN}*/{MANIFEST}")]
    return [path.parent for path in sorted(result, key=lambda path: path.stat().st_mtime_ns, reverse=True)]


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


def companion(folder: Path, part: str) -> Path:
    """Return where another adapter of the same run belongs.

    >>> companion(Path("adapters/shop@1f0c2b3a"), "general").name
    'shop-general@1f0c2b3a'
    """
    name, sign, version = folder.name.partition(VERSION_SIGN)
    return folder.with_name(f"{name}-{part}{sign}{version}")


def chain(folder: Path) -> list[Path]:
    """Return the folders that make up a tuned model, in order: the adapters that it stands on, and its own.

    Raises `InputError` where one of them is not there any longer.
    """
    manifest = read_manifest(folder)
    parents = [folder.with_name(parent) for parent in (manifest.parents if manifest else ())]
    for parent in parents:
        if read_manifest(parent) is None:
            raise InputError(
                f"the adapter `{folder.name}` was trained on top of `{parent.name}`, which is not there.",
                place=parent,
                remedy=f"Put it back, or delete {folder} and tune again.",
            )
    return [*parents, folder]
