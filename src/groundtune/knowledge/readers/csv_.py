"""CSV: each row is a part of its own, written as `column: value` lines, so that a question finds the row.

id,product,question          F-31, Hearth 500: id: F-31
F-31,Hearth 500,No light                       product: Hearth 500
                                               question: No light

What stands above the header and below the last row (titles, dates, sources) stays as lines of text; what stands above
belongs to each row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import LINE, TextBuilder, shortened
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._delimited import Dialect, Record, dialect_of
from groundtune.knowledge.readers._left_out import listed
from groundtune.knowledge.readers._table_head import NamedTable, is_comment, tables
from groundtune.values import PlainText

_PREFERRED = {".tsv": "\t"}
_TELLING = re.compile(r"[^\W\d_]{3}")
_LONG_NAME, _LONG_VALUE = 200, 100  # characters
_BETWEEN = {",": ", ", ";": "; "}  # the cells of a line that is no row


class CsvReader:
    """Reads tables separated by commas, semicolons, tabs or bars, with a header row or without."""

    suffixes = (".csv", ".tsv")

    def read(self, path: Path) -> PlainText:
        """Return one part a row, what stands around the rows as text, and notes on rows that do not fit the header."""
        source = decoded(path)
        dialect, start = dialect_of(source.text, _PREFERRED.get(path.suffix.lower(), ""))
        records = dialect.records(source.text, start, 1 + source.text.count("\n", 0, start))
        writer = _RowWriter(dialect)
        for table in tables(records, dialect.width):
            writer.table(table)
        writer.builder.left_out.include(source.left_out)
        return writer.builder.plain(title=name_of(path), notes=[*source.notes, *writer.notes()])


class _RowWriter:
    """Writes tables and remembers what a person should know of their rows."""

    def __init__(self, dialect: Dialect) -> None:
        self.builder = TextBuilder()
        self._dialect = dialect
        self._shorter: list[int] = []
        self._longer: list[int] = []
        self._unnamed = False

    def table(self, table: NamedTable) -> None:
        start = self._lines(table.above)
        with self.builder.around(start, shortened(" ".join(" ".join(record.cells) for record in table.above))):
            self._rows(table)
        self._lines(table.below)

    def _rows(self, table: NamedTable) -> None:
        if table.named:
            used = {column for row in table.rows for column, cell in enumerate(row.cells) if cell.strip()}
            self._line([name for column, name in enumerate(table.names) if name and column not in used])
        self._unnamed |= not table.named
        for row in table.rows:
            if is_comment(row, len(table.names)):
                self._lines([row])
            else:
                self._row(row, table.names)

    def _lines(self, records: Sequence[Record]) -> int:
        """Write records as lines of text and return where they begin."""
        start = self.builder.begin()
        for record in records:
            self._line([value for cell in record.cells if (value := " ".join(cell.split()))])
        self.builder.part()
        return start

    def _line(self, values: Sequence[str]) -> None:
        self.builder.add(_BETWEEN.get(self._dialect.separator, " | ").join(values), LINE)

    def _row(self, row: Record, names: Sequence[str]) -> None:
        values = [" ".join(cell.split()) for cell in row.cells]
        if len(values) < len(names):
            self._shorter.append(row.line)
        elif any(values[len(names) :]):
            self._longer.append(row.line)
        extra = (f"column {number}" for number in range(len(names) + 1, len(values) + 1))
        fields = [(name, value) for name, value in zip([*names, *extra], values, strict=False) if value]
        lines = [f"{name}: {value}" if name else value for name, value in fields]
        self.builder.part()
        offset = self.builder.add("\n".join(lines))
        if offset is None:
            return
        self.builder.mark(offset, _row_name([value for _, value in fields]))
        for (name, _), line in zip(fields, lines, strict=True):
            if name and len(line) > _LONG_VALUE >= len(name):
                self.builder.within(offset, offset + len(line), name)
            offset += len(line) + 1

    def notes(self) -> list[str]:
        """Return what a person should know of the rows."""
        notes = ['There is no header row; the columns are called "column 1" and so on.'] if self._unnamed else []
        if self._shorter:
            notes.append(
                f"{_rows(self._shorter)} fewer cells than the header ({listed('line', 'lines', self._shorter)})."
            )
        if self._longer:
            notes.append(f"{_rows(self._longer)} more cells than the header ({listed('line', 'lines', self._longer)}).")
        if self._dialect.unclosed:
            where = listed("line", "lines", self._dialect.unclosed)
            notes.append(f"A quote that is never closed was taken as text ({where}).")
        return notes


def _rows(lines: Sequence[int]) -> str:
    return f"{len(lines)} row{' has' if len(lines) == 1 else 's have'}"


def _row_name(values: list[str]) -> str:
    """Return the first value and, if that is but a number or a code, the next one that says something."""
    if _TELLING.search(values[0]):
        return _short(values[0])
    telling = next((value for value in values[1:] if _TELLING.search(value)), "")
    return _short(f"{values[0]}, {telling}" if telling else values[0])


def _short(name: str) -> str:
    return name if len(name) <= _LONG_NAME else f"{name[:_LONG_NAME].rsplit(' ', 1)[0]} …"


def groundtune_reader() -> CsvReader:
    """Hook of `readers`."""
    return CsvReader()
