"""Rows of other people's files: JSON, JSON Lines, CSV, spreadsheets, Parquet, and folders that `datasets` saved.

Knows no columns. A row says where it stands, and to which split its file or folder belongs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundtune.errors import InputError
from groundtune.extras import not_installed
from groundtune.files import read_text
from groundtune.spreadsheets import read_cells
from groundtune.workbooks import SUFFIXES as BOOKS

TEXTS, TABLES = (".jsonl", ".ndjson", ".json"), (".csv", ".tsv", *BOOKS)
SUFFIXES = (*TEXTS, *TABLES, ".parquet", ".arrow")
_SPLIT = re.compile(r"(train(?:ing)?|validation|valid|val|development|dev|test(?:ing)?)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: values by column, without empty ones; `faults` are columns whose cells cannot be read, and why."""

    place: str
    values: Mapping[str, object]
    split: str = ""
    faults: Mapping[str, str] | None = None


def source_rows(path: Path) -> list[SourceRow]:
    """Return all rows of a file, or of the files of a folder. Raises `InputError` with file and line."""
    if not path.exists():
        raise InputError("no such file or folder.", place=path, remedy="Check the path.")
    if path.is_file():
        return list(_rows(path, ""))
    rows = [row for file, split in _files(path) for row in _rows(file, split)]
    if not rows:
        raise InputError("holds no rows.", place=path, remedy=f"Name a file of these: {', '.join(SUFFIXES)}.")
    return rows


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield files with their splits: of a saved DatasetDict, of a saved Dataset, or by their names."""
    if (folder / "dataset_dict.json").is_file():
        for split in _json(folder / "dataset_dict.json").get("splits", []):
            for file, _ in _files(folder / Path(str(split)).name):
                yield file, str(split)
    elif (folder / "state.json").is_file():
        names = [Path(str(one["filename"])).name for one in _json(folder / "state.json").get("_data_files", [])]
        yield from ((folder / name, "") for name in names)
    else:
        found = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
        splits = [_SPLIT.search(file.stem) for file in found]
        if len(found) > 1 and not all(splits):
            odd = next(file.name for file, split in zip(found, splits, strict=True) if not split)
            raise InputError(
                f"holds several files, and `{odd}` does not say which split it is.",
                place=folder,
                remedy="Name one file, or call the files train, dev and test.",
            )
        yield from ((file, split[1] if split else "") for file, split in zip(found, splits, strict=True))


def _rows(path: Path, split: str) -> Iterator[SourceRow]:
    suffix = path.suffix.lower()
    if suffix in TABLES:
        yield from _of_table(path, split)
    elif suffix in (".parquet", ".arrow"):
        yield from _of_arrow(path, split)
    elif suffix in (".jsonl", ".ndjson"):
        yield from _of_lines(path, split)
    elif suffix == ".json":
        yield from _of_json(path, split)
    else:
        raise InputError(
            f"is a `{suffix or 'nameless'}` file.", place=path, remedy=f"Use one of these: {', '.join(SUFFIXES)}."
        )


def _of_lines(path: Path, split: str) -> Iterator[SourceRow]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"broken JSON: {error}.", place=path, line=number, remedy="Write one JSON object per line."
                ) from None
            yield _row(row, path, number, split)


def _json(path: Path) -> Any:  # noqa: ANN401 -- whatever stands in the file
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"broken JSON: {error}.", place=path, remedy="Correct it.") from None


def _of_json(path: Path, split: str) -> Iterator[SourceRow]:
    """A list of rows, rows by split, columns, or one object a line under another name."""
    try:
        found = json.loads(read_text(path))
    except (ValueError, RecursionError):
        yield from _of_lines(path, split)
        return
    if isinstance(found, dict) and len(found) == 1 and isinstance(next(iter(found.values())), list | dict):
        key, inner = next(iter(found.items()))
        found, split = (inner, key if _SPLIT.fullmatch(key) else split)
    if isinstance(found, dict) and all(_SPLIT.fullmatch(key) for key in found):
        for key, rows in found.items():
            yield from (_row(row, path, number, key) for number, row in enumerate(_unpacked(rows, path), start=1))
    else:
        yield from (_row(row, path, number, split) for number, row in enumerate(_unpacked(found, path), start=1))


def _unpacked(found: object, path: Path) -> Iterable[object]:
    """Return rows; columns, as `Dataset.to_dict` and pandas write them, are turned."""
    if isinstance(found, list):
        return found
    if isinstance(found, dict) and found:
        columns = {key: list(one.values()) if isinstance(one, dict) else one for key, one in found.items()}
        lengths = {len(one) if isinstance(one, list) else -1 for one in columns.values()}
        if len(lengths) == 1 and -1 not in lengths:
            return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    raise InputError(
        "is neither a list of rows nor columns of one length.", place=path, remedy="Save it as JSON Lines."
    )


def _of_table(path: Path, split: str) -> Iterator[SourceRow]:
    table = read_cells(path)
    header = [cell.text.strip() for cell in table[0]] if table else []
    if not any(header):
        raise InputError("has no header.", place=path, remedy="Put the names of the columns into the first row.")
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"column `{twice}` appears twice.", place=path, line=1, remedy="Rename one.")
    for number, cells in enumerate(table[1:], start=2):
        if any(cell.text.strip() or cell.fault for cell in cells):
            named = [(name, cell) for name, cell in zip(header, cells, strict=False) if name]
            values = {name: cell.text for name, cell in named if cell.text.strip()}
            faults = {name: cell.fault for name, cell in named if cell.fault}
            yield SourceRow(f"{path.name}:{number}", values, split, faults)


def _of_arrow(path: Path, split: str) -> Iterator[SourceRow]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise not_installed("lancedb", "reading Parquet and Arrow files", error) from None
    try:
        if path.suffix.lower() == ".parquet":
            table = pyarrow.parquet.read_table(path)
        else:
            with pyarrow.memory_map(str(path)) as mapped:
                table = _arrow_table(pyarrow, mapped)
        rows = table.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"cannot be read: {error}.", place=path, remedy="Save it again.") from None
    yield from (_row(row, path, number, split) for number, row in enumerate(rows, start=1))


def _arrow_table(pyarrow: Any, mapped: Any) -> Any:  # noqa: ANN401 -- a module without types
    """`datasets` writes streams, others files."""
    try:
        return pyarrow.ipc.open_stream(mapped).read_all()
    except pyarrow.ArrowInvalid:
        mapped.seek(0)
        return pyarrow.ipc.open_file(mapped).read_all()


def _row(row: object, path: Path, number: int, split: str) -> SourceRow:
    if not isinstance(row, dict):
        raise InputError(
            f"row {number} is no object with columns.", place=path, line=number, remedy="Write one object for each row."
        )
    return SourceRow(f"{path.name}:{number}", {str(key): one for key, one in row.items() if _told(one)}, split)


def _told(value: object) -> bool:
    """Whether a cell says anything: null, NaN and blank text do not."""
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None and (not isinstance(value, str) or bool(value.strip()))
