"""The cells of one sheet of an Office Open XML workbook, read as a stream: a sheet may have a million empty rows.

Source: ECMA-376, part 1, 18.3 (worksheets).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._ooxml import Element, is_true, name, number, value
from groundtune.knowledge.readers._sheets.numbers import NumberFormat
from groundtune.knowledge.readers._sheets.pages import (
    ERRORS,
    FORMATTED_AWAY,
    LAST_COLUMN,
    LAST_ROW,
    NO_VALUE,
    CellArea,
    CellTally,
    SheetCell,
    SheetPage,
)

WANTED = (
    *("row", "col", "mergeCell", "pane", "autoFilter", "filterColumn", "dataValidation"),
    *("oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"),
)
_ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FIRST_DAY = datetime(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class CellStyle:
    """How a cell looks: its number format, and whether it is bold."""

    format: NumberFormat
    bold: bool


@dataclass(frozen=True, slots=True)
class CellReading:
    """What all sheets of a workbook need: shared texts, styles, and how days and formulas are to be taken.

    `uncomputed` says that a program has written the formulas that did not compute them; its values are zeros then.
    """

    texts: Sequence[str]
    styles: Sequence[CellStyle]
    first_day: int
    uncomputed: bool
    tally: CellTally
    left_out: Omissions


@dataclass(slots=True)
class SheetMarks:
    """What the sheet says of itself around its cells."""

    merged: list[CellArea] = field(default_factory=list)
    folded_rows: set[int] = field(default_factory=set)
    filters: list[CellArea] = field(default_factory=list)
    headers: list[CellArea] = field(default_factory=list)


def read_cells(elements: Iterable[Element], page: SheetPage, reading: CellReading) -> SheetMarks:
    """Fill `page` with the cells of a sheet, hidden ones included, and return what the sheet says of them.

    `elements` are those that are `WANTED`, as they end.
    """
    marks = SheetMarks()
    row = -1
    for element in elements:
        kind = name(element)
        if kind == "x:row":
            row = _row(element, row + 1, page, reading, marks)
        elif kind == "x:col":
            _columns(element, page)
        elif kind == "x:mergeCell":
            if area := area_of(value(element, "ref")):
                marks.merged.append(area)
        elif kind == "x:pane":
            if value(element, "state") in ("frozen", "frozenSplit"):
                page.frozen = number(value(element, "ySplit"))
        elif kind == "x:autoFilter":
            if area := area_of(value(element, "ref")):
                marks.headers.append(area)
                if len(element):
                    marks.filters.append(area)
        elif kind == "x:dataValidation":
            reading.left_out.add("form control", int(value(element, "type") == "list"))
        elif (element.text or "").strip() and kind.endswith(("Header", "Footer")):
            reading.left_out.add("running head")
    return marks


def _columns(element: Element, page: SheetPage) -> None:
    hidden = is_true(value(element, "hidden")) or _is_zero(value(element, "width"))
    folded = number(value(element, "outlineLevel")) > 0
    if hidden and not folded:
        first, last = number(value(element, "min")) or 1, number(value(element, "max")) or 1
        page.hidden_columns.update(range(first - 1, min(last, LAST_COLUMN + 1)))


def _is_zero(said: str | None) -> bool:
    return bool(said) and not (said or "").strip("0. ")


def _row(element: Element, row: int, page: SheetPage, reading: CellReading, marks: SheetMarks) -> int:
    """Read a row, which is `row` unless it says another number; return the number."""
    row = number(element.get("r")) - 1 if number(element.get("r")) else row
    if not 0 <= row <= LAST_ROW:
        return row
    if is_true(element.get("hidden")) or _is_zero(element.get("ht")):
        (marks.folded_rows if number(element.get("outlineLevel")) else page.hidden_rows).add(row)
    cells: dict[int, SheetCell] = {}
    column, waiting = -1, ""  # the address of an empty cell is looked at when it is needed
    for cell in element:
        place = cell.get("r")
        if place is not None and not len(cell):
            waiting = place
            continue
        if place is None:
            place, waiting = waiting, ""
            column = (column_of(place, column) if place else column) + 1
        else:
            column, waiting = column_of(place, column + 1), ""
        if len(cell) and column <= LAST_COLUMN and name(cell) == "x:c":
            shown = _cell(cell, row, column, page.name, reading)
            if shown is not None:
                cells[column] = shown
    if cells:
        page.rows.setdefault(row, {}).update(cells)
    return row


def column_of(place: str, otherwise: int) -> int:
    """Return the column of "B7": 1."""
    match = _ADDRESS.fullmatch(place)
    if match is None:
        return otherwise
    column = 0
    for letter in match[1].upper():
        column = 26 * column + ord(letter) - ord("A") + 1
    return column - 1


def area_of(said: str | None) -> CellArea | None:
    """Return the area that is called "A3:D20", or that of one cell; None if it is none."""
    first, _, last = (said or "").partition(":")
    corners = [_ADDRESS.fullmatch(corner.strip()) for corner in (first, last or first)]
    if any(corner is None for corner in corners):
        return None
    rows = sorted(min(int(corner[2]) - 1, LAST_ROW) for corner in corners if corner)
    columns = sorted(column_of(corner[0], 0) for corner in corners if corner)
    return CellArea(max(rows[0], 0), columns[0], rows[1], columns[1])


def _cell(cell: Element, row: int, column: int, page: str, reading: CellReading) -> SheetCell | None:
    """Return what a cell shows; None if that is nothing."""
    kind, said, formula = cell.get("t", "n"), None, False
    for part in cell:
        tag = name(part)
        if tag == "x:v":
            said = part.text or ""
        elif tag == "x:f":
            formula = True
        elif tag == "x:is":
            said = rich_text(part)
    at = number(cell.get("s"))
    style = reading.styles[at if at < len(reading.styles) else 0]
    if formula and kind != "str" and (not said or (reading.uncomputed and said == "0" and kind == "n")):
        reading.tally.add(NO_VALUE, page, row, column)
        return None
    if not said:
        return None
    if kind == "e":
        reading.tally.add(ERRORS, page, row, column)
        return None
    shown = _shown(kind, said, style, reading)
    if not shown.text.strip():
        if said.strip() and kind != "s" and kind != "str" and kind != "inlineStr":
            reading.tally.add(FORMATTED_AWAY, page, row, column)
        return None
    return shown


def _shown(kind: str, said: str, style: CellStyle, reading: CellReading) -> SheetCell:
    if kind == "n":
        try:
            text, what = style.format.shown(float(said), reading.first_day)
        except ValueError:
            return SheetCell(said, "text", style.bold)
        return SheetCell(text, what, style.bold)
    if kind == "b":
        return SheetCell("TRUE" if is_true(said) else "FALSE", "text", style.bold)
    if kind == "d":
        return SheetCell(_moment(said, style), "date", style.bold)
    if kind == "s":
        at = int(said) if said.isdecimal() else -1
        said = reading.texts[at] if 0 <= at < len(reading.texts) else ""
    elif kind == "str":
        said = unescaped(said)
    return SheetCell(style.format.text(said), "text", style.bold)


def _moment(said: str, style: CellStyle) -> str:
    """Return a day that is written as ISO 8601 has it, as strict Open XML allows."""
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return said
    days = moment.replace(tzinfo=None) - _FIRST_DAY
    text, kind = style.format.shown(days.days + days.seconds / 86_400)
    if kind == "date":
        return text
    return said.replace("T", " ") if moment.hour or moment.minute or moment.second else moment.date().isoformat()


def rich_text(element: Element) -> str:
    """Return the text of a shared or inline string, whatever its letters look like; readings (furigana) are none."""
    pieces = []
    for part in element:
        kind = name(part)
        if kind == "x:t":
            pieces.append(part.text or "")
        elif kind == "x:r":
            pieces += [piece.text or "" for piece in part if name(piece) == "x:t"]
    return unescaped("".join(pieces))


def unescaped(text: str) -> str:
    """Return a text with the characters that XML cannot write: `_x000D_` is the end of a line."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text.replace("\r\n", "\n").replace("\r", "\n")
