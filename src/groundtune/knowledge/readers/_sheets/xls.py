"""Workbooks of Excel 97 to 2003: values as calamine reads them, and what it does not tell from the records themselves.

These are number formats, hidden sheets, rows and columns, errors and comments. Source: [MS-XLS] 2.4 (records).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from groundtune.errors import NotInstalled, UnreadableDocument
from groundtune.knowledge.readers import described
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._sheets.numbers import BUILT_IN, GENERAL, NumberFormat, number_format
from groundtune.knowledge.readers._sheets.pages import ERRORS, NO_VALUE, CellArea, CellTally, SheetCell, SheetPage
from groundtune.knowledge.readers._sheets.unseen import without_hidden
from groundtune.workbooks import Locked, biff_records, biff_stream, calamine_package

_BOF, _EOF, _BOUNDSHEET, _FORMAT, _XF, _DATE1904 = 0x0809, 0x000A, 0x0085, 0x041E, 0x00E0, 0x0022
_FORMULA, _NUMBER, _RK, _MULRK, _BOOLERR = 0x0006, 0x0203, 0x027E, 0x00BD, 0x0205
_ROW, _COLINFO, _NOTE, _FILTERMODE, _MACROS = 0x0208, 0x007D, 0x001C, 0x009B, 0x00D3
_HIDDEN = {1: "hidden", 2: "hidden by a program"}
_EPOCH = datetime(1899, 12, 30)


@dataclass(slots=True)
class BiffSheet:
    """What the records of a sheet say: formats of numbers and errors by cell, and what is hidden."""

    formats: dict[tuple[int, int], int] = field(default_factory=dict)
    errors: set[tuple[int, int]] = field(default_factory=set)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    comments: int = 0
    formulas: set[tuple[int, int]] = field(default_factory=set)  # those with the value of an empty text
    computed: bool = False
    filtered: bool = False


class XlsBook:
    """A workbook whose sheets are read one at a time."""

    def __init__(self, data: bytes, path: Path, left_out: Omissions) -> None:
        self._left_out, self._tally = left_out, CellTally()
        self._data, self._path = data, path
        self._filtered: list[str] = []
        try:
            book = calamine_package()
            self._stream = biff_stream(data)
            self._book = book.load_workbook(io.BytesIO(data))
        except NotInstalled as error:
            raise UnreadableDocument(error.message, place=path, remedy=error.remedy) from None
        except BaseException as error:  # calamine's panics are no `Exception`s
            raise self._refused(error) from None
        self._formats = [number_format(code) for code in _codes(self._stream)]
        self._first_day = next(
            (1462 for kind, body in biff_records(self._stream, 0) if kind == _DATE1904 and body[:1] == b"\1"), 0
        )

    def _refused(self, error: BaseException) -> BaseException:
        if isinstance(error, Locked) or type(error).__name__ == "PasswordError":
            return UnreadableDocument("has a password.", place=self._path, remedy="Save it without a password.")
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            return error
        return UnreadableDocument(
            f"is damaged, or no workbook of Excel 97 to 2003 ({error}).",
            place=self._path,
            remedy="Open it in its program and save it as .xlsx.",
        )

    def metadata(self) -> dict[str, str]:
        """Return what the file says about itself."""
        import olefile

        with olefile.OleFileIO(io.BytesIO(self._data)) as packed:
            said = packed.get_metadata()
        encoding = f"cp{said.codepage}" if said.codepage and said.codepage > 0 else "utf-8"
        texts = {
            key: _decoded(getattr(said, field), encoding)
            for key, field in (
                ("title", "title"),
                ("author", "author"),
                ("subject", "subject"),
                ("keywords", "keywords"),
            )
        }
        return described(**texts, date=said.create_time if isinstance(said.create_time, datetime) else None)

    def notes(self) -> list[str]:
        """Return what a person should know of how it was read, after the sheets."""
        return []

    def pages(self) -> Iterator[SheetPage]:
        """Yield the sheets that people see, in order. Count what is not read."""
        for number, (start, state, kind, title) in enumerate(_listed(self._stream, self._book.sheet_names)):
            if kind != 0:
                self._left_out.add("script" if kind in (1, 6) else "unreadable part", detail=f'the sheet "{title}"')
            elif state in _HIDDEN:
                self._left_out.add("hidden text", detail=f'the sheet "{title}" is {_HIDDEN[state]}')
            else:
                yield self._page(number, title, start)
        self._tally.tell(self._left_out)
        macros = any(kind == _MACROS for kind, _ in biff_records(self._stream, 0))
        self._left_out.add("script", int(macros), "macros" if macros else "")

    def _page(self, number: int, title: str, start: int) -> SheetPage:
        marks = _marks(self._stream, start)
        page = SheetPage(title, hidden_rows=marks.hidden_rows, hidden_columns=marks.hidden_columns)
        try:
            sheet = self._book.get_sheet_by_index(number)
            values, merged = sheet.to_python(skip_empty_area=False), sheet.merged_cell_ranges or ()
        except BaseException as error:  # as above
            raise self._refused(error) from None
        for row, line in enumerate(values):
            cells = {}
            for column, said in enumerate(line):
                if (row, column) in marks.errors:
                    self._tally.add(ERRORS, title, row, column)
                elif (row, column) in marks.formulas and not marks.computed:  # all of them: nobody computed them
                    self._tally.add(NO_VALUE, title, row, column)
                elif said != "" and (shown := self._cell(said, marks.formats.get((row, column)))).text.strip():
                    cells[column] = shown
            if cells:
                page.rows[row] = cells
        areas = [CellArea(top, left, bottom, right) for (top, left), (bottom, right) in merged]
        without_hidden(page, areas, self._left_out)
        self._left_out.add("comment", marks.comments, "notes of Excel 97 to 2003" if marks.comments else "")
        return page

    def _cell(self, said: Any, style: int | None) -> SheetCell:  # noqa: ANN401 -- calamine's
        if isinstance(said, bool):
            return SheetCell("TRUE" if said else "FALSE")
        known = style is not None and style < len(self._formats)
        form: NumberFormat = self._formats[style] if known and style is not None else number_format(GENERAL)
        number = _number(said)
        if number is None:
            return SheetCell(str(said))
        text, kind = form.shown(number)
        if kind != "date" and isinstance(said, date | time | timedelta):
            return SheetCell(str(said), "date")
        return SheetCell(text, kind)


def _number(said: object) -> float | None:
    """Return the number that a cell holds; calamine has made days of some."""
    if isinstance(said, int | float):
        return float(said)
    if isinstance(said, datetime):
        return (said - _EPOCH) / timedelta(days=1)
    if isinstance(said, date):
        return float((datetime(said.year, said.month, said.day) - _EPOCH).days)
    if isinstance(said, timedelta):
        return said / timedelta(days=1)
    if isinstance(said, time):
        return (said.hour * 3600 + said.minute * 60 + said.second) / 86_400
    return None


def _decoded(said: object, encoding: str) -> str:
    if not isinstance(said, bytes):
        return said if isinstance(said, str) else ""
    try:
        return said.rstrip(b"\0").decode("utf-8" if encoding == "cp65001" else encoding, "replace")
    except LookupError:
        return said.decode("latin-1")


def _codes(stream: bytes) -> list[str]:
    """Return the format code of each cell format (XF record) of the book."""
    named: dict[int, str] = {}
    numbers = []
    for kind, body in biff_records(stream, 0):
        if kind == _FORMAT and len(body) > 5:
            number, length, flags = struct.unpack_from("<HHB", body)
            wide = flags & 1
            named[number] = body[5 : 5 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")
        elif kind == _XF and len(body) >= 4:
            numbers.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == _EOF:
            break
    return [named.get(number) or BUILT_IN.get(number, GENERAL) for number in numbers]


def _listed(stream: bytes, names: list[str]) -> list[tuple[int, int, int, str]]:
    """Return where each sheet's records begin, whether it is hidden, its kind (0 is a sheet of cells) and its name."""
    bodies = [body for kind, body in biff_records(stream, 0) if kind == _BOUNDSHEET and len(body) >= 6]
    return [(*struct.unpack_from("<IBB", body), title) for body, title in zip(bodies, names, strict=False)]


def _marks(stream: bytes, start: int) -> BiffSheet:
    marks, depth = BiffSheet(), 0
    for kind, body in biff_records(stream, start):
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 0:
            break
        if depth > 1 or len(body) < 6:  # a chart's
            marks.filtered |= kind == _FILTERMODE and depth == 1
            continue
        row, column, style = struct.unpack_from("<HHH", body)
        if kind in (_FORMULA, _NUMBER, _RK, _BOOLERR):
            marks.formats[row, column] = style
            is_error = (kind == _BOOLERR and len(body) > 7 and body[7]) or (
                kind == _FORMULA and body[6:7] == b"\2" and body[12:14] == b"\xff\xff"
            )
            if is_error:
                marks.errors.add((row, column))
            elif kind == _FORMULA and body[6:7] == b"\3" and body[12:14] == b"\xff\xff":
                marks.formulas.add((row, column))
            marks.computed |= kind == _FORMULA and (row, column) not in marks.formulas
        elif kind == _MULRK:
            for place in range((len(body) - 6) // 6):
                marks.formats[row, column + place] = struct.unpack_from("<H", body, 4 + 6 * place)[0]
        elif kind == _ROW and len(body) >= 14:
            options = struct.unpack_from("<H", body, 12)[0]
            if options & 0x20 and not options & 0x07:  # hidden, and not in an outline
                marks.hidden_rows.add(row)
        elif kind == _COLINFO and len(body) >= 10:
            options = struct.unpack_from("<H", body, 8)[0]
            if options & 1 and not options >> 8 & 7:
                marks.hidden_columns.update(range(row, min(column, 255) + 1))
        elif kind == _NOTE:
            marks.comments += 1
    if marks.filtered:  # the rows are hidden by a filter
        marks.hidden_rows.clear()
    return marks
