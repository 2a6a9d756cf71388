"""A study as a value: which rater sees which answers under which letters. Its key file stays with the owner.

Knows no texts: cases and answers are named, and the benchmark and the records hold them. Who reads the key is no
longer blind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from groundtune.errors import InputError
from groundtune.files import read_text, write_text

KEY_FILE = "key.json"


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer on a sheet. `candidate` None is the planted answer of an attention item."""

    label: str
    candidate: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One case on one rater's sheet, with its answers in the order shown.

    An `attention` item has an answer to the case `donor` among its own; a `repeat` item shows the item `of` again,
    in another order. `id` is random and unique over all studies.
    """

    id: str
    kind: Literal["case", "attention", "repeat"]
    case: str
    group: str
    unexpected: bool
    shown: tuple[Shown, ...]
    of: str = ""
    donor: str = ""

    def candidate(self, label: str) -> str | None:
        """Return who gave the answer `label`."""
        return next(shown.candidate for shown in self.shown if shown.label == label)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All items of one rater, in order."""

    id: str
    rater: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """The whole assignment. `candidates` maps names to the signatures of their runs, `fingerprint` is the
    benchmark's, `left_out` gives the cases that could not be shown, with the reason, and `source` names the comparison
    whose answers are rated."""

    id: str
    project: str
    created_at: str
    seed: int
    fingerprint: str
    candidates: Mapping[str, str]
    sheets: tuple[Sheet, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def groups(self) -> dict[str, str]:
        """Return the group of every case that is rated, by case id."""
        return {item.case: item.group for sheet in self.sheets for item in sheet.items if item.kind == "case"}


_STUDY = TypeAdapter(Study)


def write_key(study: Study, folder: Path) -> Path:
    """Write the key file. Raises `InputError` if there is one: its sheets may be on their way."""
    path = folder / KEY_FILE
    if path.exists():
        raise InputError(
            "already contains a study, and its sheets may have been sent.",
            place=folder,
            remedy="Choose another name with --study, or delete this study.",
        )
    write_text(path, _STUDY.dump_json(study, indent=1).decode() + "\n")
    return path


def read_key(folder: Path) -> Study:
    """Read the key file of the study in `folder`. Raises `InputError` if it is missing or broken."""
    path = folder / KEY_FILE
    try:
        return _STUDY.validate_json(read_text(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"is not a valid key of a study: {where}: {first['msg']}.", place=path, remedy="Restore the file."
        ) from None
