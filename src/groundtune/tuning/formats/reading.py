"""The rows of a file, each with its line, whatever kind of file it is: JSON Lines, JSON, tables, text.

What a JSON file holds is decided by its content, not by its name: many files called .json hold JSON Lines. Lines are
read one at a time, so that a file of millions needs little memory. Knows no dialect.
"""

from __future__ import annotations

import csv
import gzip
import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, cast

from groundtune.errors import InputError, NotInstalled
from groundtune.tuning.formats.json_values import JsonBytes, LinedRow, parse, values, whole
from groundtune.tuning.formats.refusal import RowRefused
from groundtune.tuning.formats.turns import is_turn

RowReader = Callable[[Path], Iterator[LinedRow]]

_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 100  # lines, to tell JSON Lines with a broken first line from one broken object
_PARQUET_ROWS = 1000
_SPACE = b" \t\r\n"


def rows(path: Path) -> Iterator[LinedRow]:
    """Return (line, row or `RowRefused`) of every row. Raises `InputError` for a file that cannot be read at all."""
    reader = _reader(path)
    try:
        yield from reader(path)
    except FileNotFoundError:
        raise InputError("no such file.", place=path, remedy="Check the path.") from None
    except IsADirectoryError:
        raise InputError("is a folder, not a file.", place=path, remedy="Name a file.") from None
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}.", place=path, remedy="Check the file.") from None


def suffix(path: Path) -> str:
    """Return the suffix that tells what kind of file it is, without `.gz`."""
    suffixes = [each.lower() for each in path.suffixes]
    return "".join(suffixes[-2:-1] if suffixes[-1:] == [".gz"] else suffixes[-1:])


def _reader(path: Path) -> RowReader:
    reader = READERS.get(suffix(path))
    if reader is None:
        raise InputError(
            f"`{suffix(path) or path.name}` is no format of training data.",
            place=path,
            remedy=f"Known: {', '.join(READERS)}; each also as .gz.",
        )
    return reader


def _read_json(path: Path) -> Iterator[LinedRow]:
    with _bytes(path) as data:
        start = len(_BOM) if data[:3] == _BOM else 0
        if data[:2] in _WIDE:
            raise InputError("is UTF-16, not UTF-8.", place=path, remedy="Save it as UTF-8.")
        while start < len(data) and data[start] in _SPACE:
            start += 1
        form = _form(data, start, lines_expected=suffix(path) in (".jsonl", ".ndjson"))
        if form != "lines":
            yield from _conversation(data, start) if form == "array" else values(data, start, array=False)
            return
    with _opened(path) as file:
        yield from _lines(file)


def _conversation(data: JsonBytes, start: int) -> Iterator[LinedRow]:
    """Return the elements of an array; one of turns is a single row, the conversation that they are."""
    elements = values(data, start, array=True)
    first = next(elements, None)
    if first is None:
        return
    if is_turn(first[1]):
        line = data[:start].count(b"\n") + 1
        try:
            yield line, parse(data[start:], line)
        except RowRefused as refusal:
            yield line, refusal
        return
    yield first
    yield from elements


def _form(data: JsonBytes, start: int, *, lines_expected: bool) -> str:
    """Return "lines" (a JSON value on each), "array" or "values" (one object after the other, over several lines)."""
    lines = [line.strip() for line in islice(_split(data, start), _LOOKED_AT)]
    lines = [line for line in lines if line]
    if not lines:
        return "lines"
    alone = [_is_json(line) for line in lines]
    if lines[0].startswith(b"["):  # each line may be a conversation, as a list of its turns
        return "lines" if len(lines) > 1 and alone[0] else "array"
    if alone[0]:
        return "lines"
    if whole(data, start):
        return "values"
    rows_like = lines_expected and all(line.startswith(b'{"') for line in lines)
    return "lines" if any(alone[1:]) or rows_like else "values"


def _split(data: JsonBytes, start: int) -> Iterator[bytes]:
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield data[start:end]
        start = end + 1


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(parse(line), dict | list)
    except RowRefused:
        return False


def _lines(file: IO[bytes]) -> Iterator[LinedRow]:
    for number, raw in enumerate(file, start=1):
        line = raw.removeprefix(_BOM) if number == 1 else raw
        line = line.strip(_SPACE)
        if not line:
            continue
        try:
            yield number, parse(line)
        except RowRefused as refusal:
            yield number, refusal


def _read_table(path: Path) -> Iterator[LinedRow]:
    """Return the rows of a CSV or TSV file by the names in its first row. A cell that is empty is null."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with _opened(path) as file:
        lines = (raw.decode("utf-8", "surrogateescape") for raw in file)
        first = next(lines, "").removeprefix("\ufeff")
        delimiter = "\t" if suffix(path) == ".tsv" else max(",;\t", key=first.count)
        table = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        names, line = next(table, []), table.line_num + 1
        while True:
            try:
                cells = next(table, None)
            except csv.Error as error:
                yield line, RowRefused(f"broken CSV: {error}.", "Quote the cell, and double quotation marks in it.")
                line = table.line_num + 1
                continue
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield line, _row(names, cells)
            line = table.line_num + 1


def _row(names: list[str], cells: list[str]) -> object:
    if len(cells) != len(names):
        return RowRefused(f"has {len(cells)} cells, but the first row names {len(names)}.", "Quote cells with commas.")
    row: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=True):
        text = cell.strip()
        try:
            value = parse(text.encode("utf-8")) if text[:1] in ("[", "{") else cell
        except UnicodeEncodeError:
            return RowRefused(f"`{name}` is not UTF-8.", "Save the file as UTF-8.")
        except RowRefused:
            value = cell
        row[name.strip()] = None if value == "" else value
    return row


def _read_parquet(path: Path) -> Iterator[LinedRow]:
    """Return the rows of a parquet file. It has no lines: rows are counted from 1."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise NotInstalled(
            "reading parquet needs the package pyarrow.", remedy="Install it: pip install pyarrow. Or write JSON Lines."
        ) from None
    path.open("rb").close()
    try:
        number = 0
        for batch in parquet.ParquetFile(path).iter_batches(_PARQUET_ROWS):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except arrow.ArrowException as error:
        raise InputError(f"is no parquet file: {error}.", place=path, remedy="Copy the whole file again.") from None


def _read_text(path: Path) -> Iterator[LinedRow]:
    """Return a file of plain text as one row."""
    with _opened(path) as file:
        data = file.read()
    if data[:2] in _WIDE:
        raise InputError("is UTF-16, not UTF-8.", place=path, remedy="Save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        yield line, RowRefused(f"not UTF-8 (byte {data[error.start]:#04x}).", "Save the file as UTF-8.")
        return
    yield 1, text


@contextmanager
def _bytes(path: Path) -> Iterator[JsonBytes]:
    """Give the bytes of a file; they stay on the disk where that is possible."""
    with _opened(path) as file:
        if path.suffix == ".gz" or not path.is_file() or not path.stat().st_size:
            yield file.read()
            return
        yield mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # closed with the last match found in it


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


READERS: dict[str, RowReader] = {
    ".jsonl": _read_json,
    ".json": _read_json,
    ".ndjson": _read_json,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".parquet": _read_parquet,
    ".txt": _read_text,
    ".md": _read_text,
}
PLAIN = (".txt", ".md")
"""Suffixes of files that hold one text and no rows."""
