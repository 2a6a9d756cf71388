"""`groundtune benchmark import`: question-answering sets from elsewhere, made into documents, cases and examples.

One small file each, found through the hook `groundtune_importer() -> Importer`. What is imported is data: nothing
in it is ever run, followed or used as a file name unchecked. What is left out is counted and said (`Note`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, runtime_checkable

from groundtune import plugins
from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.benchmark.cases import case_row
from groundtune.files import json_lines, read_text, within, write_text
from groundtune.values import Case, Example

__all__ = ["Imported", "Importer", "MappingImporter", "Note", "Shares", "importer", "read_set", "write_imported"]

OLD_NAMES = {"beir-qa": "beir"}


@dataclass(frozen=True, slots=True)
class Shares:
    """Which share of the questions goes where; they add up to 1.

    With `official` they hold only for a set that does not say itself which questions are for which part.
    """

    training: float = 0.5
    development: float = 0.15
    test: float = 0.35
    official: bool = True

    def __post_init__(self) -> None:
        shares = (self.training, self.development, self.test)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise SettingsError(
                f"the shares {shares} do not add up to 1.", remedy="Use, for example, 0.5, 0.15 and 0.35."
            )


@dataclass(frozen=True, slots=True)
class Note:
    """Something about `count` rows, questions or documents that people should know; `first` is where one of them is."""

    what: str
    count: int
    first: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """A set in groundtune's terms: `documents` are (path below the documents folder, text)."""

    documents: tuple[tuple[str, str], ...]
    cases: tuple[Case, ...]
    examples: tuple[Example, ...]
    notes: tuple[Note, ...] = ()


class Importer(Protocol):
    """Reads one format of question-answering sets."""

    @property
    def name(self) -> str: ...  # noqa: D102 -- the name on the command line

    def read(self, folder: Path, shares: Shares) -> Imported:
        """Return what `folder` holds. Raises `InputError` with file and line."""
        ...


@runtime_checkable
class MappingImporter(Protocol):
    """An importer that can be told what is in which column; `fields` are the names to choose from."""

    fields: tuple[str, ...]

    def read(self, folder: Path, shares: Shares, mapping: Mapping[str, str] = ...) -> Imported:
        """As `Importer.read`, with fields by column. Raises `InputError` for a column that is not there."""
        ...


def importer(name: str) -> Importer:
    """Return the importer called `name`. Raises `SettingsError` if there is none."""
    importers: dict[str, Importer] = {made.name: made for made in (hook() for hook in plugins.hooks("importers"))}
    known = name if name in importers else OLD_NAMES.get(name, name)
    if known not in importers:
        raise SettingsError(f"no importer is called `{name}`.", remedy=f"Available: {', '.join(importers)}.")
    return importers[known]


def read_set(name: str, path: Path, shares: Shares, mapping: Mapping[str, str]) -> Imported:
    """Return what the importer called `name` makes of `path`, with fields by column.

    Raises `SettingsError` for an unknown importer or field, and `InputError` for an invalid set or unknown column.
    """
    made = importer(name)
    if not mapping:
        return made.read(path, shares)
    if not isinstance(made, MappingImporter):
        raise SettingsError(f"the importer `{name}` knows no columns.", remedy="Leave `--map` out.")
    for column, field in mapping.items():
        if field not in made.fields:
            near = get_close_matches(field, made.fields, n=1)
            hint = f"Did you mean `{near[0]}`? " if near else ""
            raise SettingsError(
                f"`--map {column}={field}`: `{name}` has no field `{field}`.",
                remedy=f"{hint}Fields: {', '.join(made.fields)}.",
            )
    return made.read(path, shares, mapping)


def write_imported(
    imported: Imported,
    folder: Path,
    *,
    documents: str = "documents",
    cases: str = "benchmark.jsonl",
    examples: str = "training.jsonl",
) -> None:
    """Write documents, benchmark and training examples into the project in `folder`; no file without content.

    Raises `InputError` before anything is written if a file of other content is in the way: what people wrote is
    not overwritten.
    """
    files = {within(folder, documents) / path: text for path, text in imported.documents}
    files[within(folder, cases)] = json_lines(case_row(case) for case in imported.cases)
    if imported.examples:
        files[within(folder, examples)] = json_lines(map(_example_row, imported.examples))
    for path, text in files.items():
        if path.exists() and read_text(path) != text:
            raise InputError(
                "already exists with other content.",
                place=path,
                remedy="Import into a new folder, or move this file.",
            )
    for path, text in files.items():
        write_text(path, text)


def _example_row(example: Example) -> dict[str, object]:
    return {
        "messages": [{"role": message.role, "content": message.content} for message in example.messages],
        "documents": list(example.documents),
        "source": example.source,
    }
