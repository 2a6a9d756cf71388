"""CSV: each row is a part of its own, written as `column: value` lines, so that a question finds the row.

id,product,question          F-31, Hearth 500: id: F-31
F-31,Hearth 500,No light                       product: Hearth 500
                                               question: No light
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import TextBuilder
from groundtune.knowledge.readers._decoding import decoded
from groundtune.values import PlainText

_DELIMITERS = {".tsv": "\t"}
_TELLING = re.compile(r"[^\W\d_]{3}")


class CsvReader:
    """Reads tables with a header row, separated by commas, semicolons or tabs."""

    suffixes = (".csv", ".tsv")

    def read(self, path: Path) -> PlainText:
        """Return one part a row. Raises `UnreadableDocument` with the line where a row does not fit the header."""
        text = decoded(path).text
        header = text.split("\n", 1)[0]
        delimiter = _DELIMITERS.get(path.suffix.lower()) or max(",;\t", key=header.count)
        rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        builder = TextBuilder()
        try:
            names = [name.strip() for name in next(rows, [])]
            for row in rows:
                _fits(row, names, path, rows.line_num)
                _write(row, names, builder)
        except csv.Error as error:
            raise UnreadableDocument(
                f"broken CSV: {error}.", place=path, line=rows.line_num, remedy="Correct the quotes."
            ) from None
        return builder.plain(title=name_of(path))


def _fits(row: list[str], names: list[str], path: Path, line: int) -> None:
    if len(row) > len(names):
        raise UnreadableDocument(
            f"a row has {len(row)} values, but the header has {len(names)}.",
            place=path,
            line=line,
            remedy="Put values that contain the separator between double quotes.",
        )


def _write(row: list[str], names: list[str], builder: TextBuilder) -> None:
    cells = [(name, " ".join(value.split())) for name, value in zip(names, row, strict=False) if value.strip()]
    offset = builder.add("\n".join(f"{name}: {value}" if name else value for name, value in cells))
    builder.mark(offset, _name([value for _, value in cells]))


def _name(values: list[str]) -> str:
    """Return the first value and, if that is but a number or a code, the next one that says something."""
    if not values or _TELLING.search(values[0]):
        return "".join(values[:1])
    telling = next((value for value in values[1:] if _TELLING.search(value)), "")
    return f"{values[0]}, {telling}" if telling else values[0]


def groundtune_reader() -> CsvReader:
    """Hook of `readers`."""
    return CsvReader()
