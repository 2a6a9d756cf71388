"""Tuned models for other programs: whole weights, an adapter for vLLM, or GGUF.

One file a format beside this one. Each loads the base in full precision, puts the adapters on it, writes into a folder
that appears when it is complete, reads it back as the other program's users will, and compares logits. Knows neither
the project nor where adapters are kept.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundtune.errors import InputError, SettingsError
from groundtune.files import free_bytes, left_behind, read_text, replacing
from groundtune.protocols import Progress
from groundtune.tuning.model import Base

FORMATS = ("merged", "adapter", "gguf")
TYPES: Mapping[str, tuple[str, ...]] = {"merged": ("f32", "bf16", "f16"), "adapter": ("f32",), "gguf": ("f16", "f32")}
"""How numbers may be written in each format, the default first."""
READING = "reading it back"
CARD = "README.md"
_EMPTY_CARD = "# Model Card for Model ID"  # PEFT saves a form that nobody has filled in
TOLERANCE = 1e-4  # of the largest logit: more than rounding does, less than any wrong weight does
ROOM = 1.05  # times the weights: tokenizer, card, and what file systems need for themselves

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TunedModel:
    """What there is to export.

    `base` is the model in full precision, its own or one that was tuned in full; `known_as` is what others call it.
    `folders` are the adapters to put on it, in order. `home` is the folder of the version that is exported, with its
    card if it has one. `remarks` go with the result.
    """

    name: str
    base: Base
    known_as: str
    folders: tuple[Path, ...]
    home: Path
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: `files` by their bytes.

    `logits_differ_by` is the largest absolute difference between what was read back and base with adapters;
    `largest_logit` is the largest absolute logit of these, for comparison.
    """

    name: str
    to: str
    folder: Path
    type: str
    files: Mapping[str, int]
    logits_differ_by: float
    largest_logit: float
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the result as JSON has it."""
        return {
            "name": self.name,
            "to": self.to,
            "folder": str(self.folder),
            "type": self.type,
            "files": dict(self.files),
            "bytes": sum(self.files.values()),
            "logits_differ_by": self.logits_differ_by,
            "largest_logit": self.largest_logit,
            "notes": list(self.notes),
        }


def check_order(to: str, numbers: str | None, folder: Path) -> str:
    """Return how numbers are written. Raises `SettingsError` and `InputError` for an order that cannot be filled.

    Called before anything is loaded.
    """
    if to not in FORMATS:
        raise SettingsError(f"there is no format `{to}`.", remedy=f"Write --to with one of: {', '.join(FORMATS)}.")
    if numbers is not None and numbers not in TYPES[to]:
        raise SettingsError(
            f"`--to {to}` cannot write numbers as `{numbers}`.", remedy=f"Possible are: {', '.join(TYPES[to])}."
        )
    _check_free(folder)
    there = next(level for level in (folder, *folder.absolute().parents) if level.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        reason = "is not a folder" if not there.is_dir() else "may not be written"
        raise InputError(f"{reason}, so nothing can be put there.", place=there, remedy="Name another folder.")
    return numbers or TYPES[to][0]


def export(tuned: TunedModel, to: str, folder: Path, progress: Progress, numbers: str | None = None) -> Exported:
    """Write the tuned model into `folder`, which must be new or empty, and check it by reading it back.

    Raises `InputError`, `SettingsError` and `TuningError`; `folder` is then as it was before.
    """
    chosen = check_order(to, numbers, folder)
    written: Exported = importlib.import_module(f"{__name__}.{to}").write(tuned, folder, chosen, progress)
    return written


@contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` when the block ends, and is gone if the block fails."""
    with replacing(folder) as temporary:
        yield temporary
        _check_free(folder)  # somebody may have put something there meanwhile


def _check_free(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        what = "is a file" if folder.is_file() else "is not empty"
        raise InputError(f"{what}. An export overwrites nothing.", place=folder, remedy="Name a new folder.")


def make_room(folder: Path, size: int) -> None:
    """Say how much will be written; raise `InputError` where it does not fit on the disk."""
    needed = int(size * ROOM)
    free = free_bytes(folder)
    _log.info("Writing about %s to %s.", shown_bytes(needed), folder)
    for rest in left_behind(folder):
        _log.warning("%s is left from a command that was killed. Delete it, unless one is running now.", rest)
    if needed > free:
        raise InputError(
            f"about {shown_bytes(needed)} are needed, but {shown_bytes(free)} are free. Nothing was written.",
            place=folder,
            remedy="Make room, or name a folder on another disk.",
        )


def shown_bytes(size: int) -> str:
    """Return a number of bytes for people.

    >>> shown_bytes(538_060_672), shown_bytes(9_000)
    ('538 MB', '9 kB')
    """
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def weights_size(model: Any, bytes_each: int) -> int:  # noqa: ANN401 -- transformers is untyped here
    """Return how many bytes the model's weights take; those that are shared are counted once."""
    return int(sum(parameter.numel() for parameter in model.parameters())) * bytes_each


def finish(tuned: TunedModel, temporary: Path, library: str, text: str) -> None:
    """Put the version's card into the folder, or one that says `text` where there is none but PEFT's empty form.

    `library` is what loads the folder, as the Hugging Face hub calls it.
    """
    path = tuned.home / CARD
    card = read_text(path) if path.is_file() else ""
    if not card or _EMPTY_CARD in card:
        head = f"---\nbase_model: {tuned.known_as}\nlibrary_name: {library}\npipeline_tag: text-generation\n---\n\n"
        card = f"{head}# {tuned.name}\n\n{text}\n"
    for entry, value in (("library_name", library), ("base_model", tuned.known_as)):
        line = f"{entry}: {value}".replace("\\", r"\\")
        card = re.sub(rf"^{entry}: .*$", line, card, count=1, flags=re.MULTILINE)
    (temporary / CARD).write_text(card, encoding="utf-8")


def sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of each file in `folder`."""
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in written}
