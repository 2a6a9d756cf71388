"""Workbooks as people save them, .xlsx, .xlsm, .xls and .ods: the cells of one page, as text.

Knows no header and no table. One library reads all formats: calamine. It gives the last result of a formula and leaves
a spreadsheet's errors empty, so the file itself is asked where those stand: nothing that does not show what was
meant is taken for text, and nothing of it for an empty cell.

Source: ECMA-376, part 1, 18.3 (XLSX); OASIS OpenDocument 1.3, part 3, 9.1 (ODS); [MS-XLS] 2.4 (XLS).
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, Literal

from lxml import etree

from groundtune.errors import InputError, NotInstalled

LARGEST_BOOK = 200_000_000  # bytes unpacked
LARGEST_PAGE = 5_000_000  # cells, empty ones between others included
SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # a ZIP archive, and Microsoft's compound file
_REMEDY = "Save it as .xlsx again."
_BOF, _EOF, _BOUNDSHEET, _FORMULA, _BOOLERR, _DIMENSIONS = 0x0809, 0x000A, 0x0085, 0x0006, 0x0205, 0x0200  # of XLS
_XLS_CELLS = (_FORMULA, _BOOLERR, 0x00BD, 0x00FD, 0x0203, 0x0204, 0x027E)  # records that begin with row and column

CellPlace = tuple[int, int]  # row and column, from 0
Mark = Literal["formula", "error", "covered"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text, and why it cannot be used ("" if it can)."""

    text: str
    fault: str = ""


@dataclass(slots=True)
class Marks:
    """What is peculiar to cells: formulas, errors, and what lies hidden under a merged cell; and the page's size."""

    cells: dict[CellPlace, Mark] = field(default_factory=dict)
    rows: int = 0
    columns: int = 0

    def reach(self, row: int, column: int) -> None:
        """Say that a cell stands there. Raises `_TooLarge` where the page would not fit into memory."""
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)
        if self.rows * self.columns > LARGEST_PAGE:
            raise _TooLarge(f"it reaches to row {self.rows} and column {self.columns}")


class _TooLarge(Exception):
    pass


class Locked(Exception):
    """A password is asked for."""


def read_book(data: bytes, path: Path, page: str = "") -> list[list[Cell]]:
    """Return the cells of the page of that name, or else of the first that is not hidden, row by row from A1.

    `path` is for messages. Raises `InputError` if it is no workbook, has a password or is too large, and
    `NotInstalled` without the packages for it.
    """
    calamine = calamine_package()
    kind = path.suffix[1:].upper() if path.suffix.lower() in SUFFIXES else "spreadsheet"
    try:
        if data.startswith(PACKED[0]):
            _refuse_bomb(data)
        elif not data.startswith(PACKED[1]):
            raise ValueError("it is none inside")
        return _cells(calamine, data, page)
    except (Locked, calamine.PasswordError):
        raise InputError("is protected by a password.", place=path, remedy="Save it without one.") from None
    except _TooLarge as error:
        raise InputError(
            f"is too large: {error}.", place=path, remedy="Delete rows, columns and sheets that you do not need."
        ) from None
    except BaseException as error:  # the parsers of archives, XML and spreadsheets pass on whatever they meet
        # calamine is written in Rust, whose panics are no `Exception`s: that class has no name to import
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise InputError(f"is not a valid {kind} file: {error}.", place=path, remedy=_REMEDY) from None


def _cells(calamine: Any, data: bytes, page: str) -> list[list[Cell]]:  # noqa: ANN401 -- a module without types
    if data.startswith(PACKED[1]):
        biff_stream(data)  # before calamine, which panics, aloud, where the container is damaged
        book, read_marks = _opened(calamine, data), _marks_of_xls
    elif _is_ods(data):
        _ods_pages(data)  # before calamine, which would unfold whatever the file says is repeated
        book, read_marks = _opened(calamine, data), _marks_of_ods
    else:
        book, read_marks = _opened(calamine, data), _marks_of_xlsx
    number = _page(calamine, book, page)
    marks = read_marks(data, number, book.sheet_names[number])
    sheet = book.get_sheet_by_index(number)
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        for row in range(top, min(bottom + 1, sheet.total_height)):
            hidden = range(left + (row == top), min(right + 1, sheet.total_width))
            marks.cells |= {(row, column): "covered" for column in hidden}
    return _filled(sheet.to_python(skip_empty_area=False), marks)


def _opened(calamine: Any, data: bytes) -> Any:  # noqa: ANN401 -- calamine's
    return calamine.load_workbook(io.BytesIO(data))


def _page(calamine: Any, book: Any, name: str) -> int:  # noqa: ANN401 -- calamine's
    kinds = calamine.SheetTypeEnum
    tables = [number for number, one in enumerate(book.sheets_metadata) if one.typ == kinds.WorkSheet]
    shown = [n for n in tables if book.sheets_metadata[n].visible == calamine.SheetVisibleEnum.Visible]
    named = [n for n in tables if book.sheet_names[n] == name]
    for chosen in (named, shown, tables):
        if chosen:
            return chosen[0]
    raise ValueError("it has no sheet of cells")


def _filled(values: list[list[Any]], marks: Marks) -> list[list[Cell]]:
    width = max([0, *map(len, values), *(column + 1 for _, column in marks.cells)])
    height = max([len(values), *(row + 1 for row, _ in marks.cells)])
    table = [[Cell("")] * width for _ in range(height)]
    for row, cells in enumerate(values):
        for column, value in enumerate(cells):
            table[row][column] = _cell(value)
    for (row, column), mark in marks.cells.items():
        fault = "" if mark == "covered" else f"contains a {_NAMES[mark]}: enter the text itself"
        table[row][column] = Cell("", fault)
    return table


_NAMES = {"formula": "formula", "error": "spreadsheet error"}


def _cell(value: object) -> Cell:
    if isinstance(value, date | time | timedelta):  # a datetime is a date
        return Cell("", "was turned into a date by the spreadsheet: format the cell as text and type it again")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, float) and value.is_integer():
        return Cell(str(int(value)))
    return Cell(lines(str(value)))


def lines(text: str) -> str:
    """Return the text with ends of lines as Python writes them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- archives: XLSX and ODS -------------------------------------------------------------------------


def _refuse_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        size = sum(part.file_size for part in packed.infolist())
    if size > LARGEST_BOOK:
        raise _TooLarge(f"it unpacks to {size} bytes")


def _is_ods(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = packed.namelist()
        if "META-INF/manifest.xml" in names and b"encryption-data" in packed.read("META-INF/manifest.xml"):
            raise Locked
    if "xl/workbook.bin" in names:
        raise ValueError("it is an .xlsb file")
    return "content.xml" in names


def _elements(data: bytes, part: str, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield ("start" or "end", element) of an archive's part, for elements of these local names."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed, packed.open(part) as opened:
        tags = [f"{{*}}{name}" for name in names]
        yield from etree.iterparse(opened, ("start", "end"), tag=tags, resolve_entities=False, no_network=True)


def _named(element: Any) -> dict[str, str]:  # noqa: ANN401 -- lxml's
    """Return an element's attributes by their local names: strict Open XML has other namespaces."""
    return {etree.QName(key).localname: value for key, value in element.attrib.items()}


def _marks_of_xlsx(data: bytes, number: int, name: str) -> Marks:
    sheets = [_named(one) for event, one in _elements(data, "xl/workbook.xml", "sheet") if event == "start"]
    linked = _elements(data, "xl/_rels/workbook.xml.rels", "Relationship")
    targets = {one.get("Id"): one.get("Target") for event, one in linked if event == "start"}
    target = targets[next(sheet["id"] for sheet in sheets if sheet["name"] == name)]
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    marks, row, column = Marks(), -1, -1
    for event, element in _elements(data, part, "row", "c"):
        cell = etree.QName(element).localname == "c"
        if event == "start" and cell:
            row, column = _address(element.get("r"), row, column + 1)
            marks.reach(row, column)
        elif event == "start":  # a row or a cell without a number follows the one before it
            row, column = int(element.get("r", row + 2)) - 1, -1
        elif cell:
            mark = _mark_of_xlsx(element)
            if mark:
                marks.cells[row, column] = mark
        else:
            element.clear()
    return marks


def _mark_of_xlsx(cell: Any) -> Mark | None:  # noqa: ANN401 -- lxml's
    if any(etree.QName(child).localname == "f" for child in cell.iterchildren("{*}*")):
        return "formula"
    return "error" if cell.get("t") == "e" else None


def _address(text: str | None, row: int, column: int) -> CellPlace:
    """Return where "B7" is: (6, 1)."""
    found = re.fullmatch(r"([A-Z]+)(\d+)", text or "")
    if found is None:
        return row, column
    place = 0
    for letter in found[1]:
        place = 26 * place + ord(letter) - ord("A") + 1
    return int(found[2]) - 1, place - 1


def _marks_of_ods(data: bytes, number: int, name: str) -> Marks:
    return _ods_pages(data)[number]


def _ods_pages(data: bytes) -> list[Marks]:
    """Return the marks of all pages. Raises `_TooLarge` for what would be too large to unfold."""
    pages: list[Marks] = []
    row = column = depth = 0
    repeated = 1
    names = ("table", "table-row", "table-cell", "covered-table-cell")
    for event, element in _elements(data, "content.xml", *names):
        name, told = etree.QName(element).localname, _named(element)
        if name == "table":
            depth += 1 if event == "start" else -1
            if event == "start" and depth == 1:
                pages.append(Marks())
                row = 0
        elif depth != 1 or not pages:  # a table within a cell
            continue
        elif name == "table-row":
            if event == "start":
                repeated, column = int(told.get("number-rows-repeated", 1)), 0
            else:
                row += repeated
                element.clear()
        elif event == "end":
            times = int(told.get("number-columns-repeated", 1))
            mark = _mark_of_ods(name, told)
            if mark or "value-type" in told or len(element):
                pages[-1].reach(row + repeated - 1, column + times - 1)
            if mark:
                area = ((row + down, column + right) for down in range(repeated) for right in range(times))
                pages[-1].cells |= dict.fromkeys(area, mark)
            column += times
    return pages


def _mark_of_ods(name: str, told: dict[str, str]) -> Mark | None:
    if name == "covered-table-cell":
        return "covered" if "value-type" in told else None
    return "formula" if "formula" in told else None


# --- XLS --------------------------------------------------------------------------------------------


def _marks_of_xls(data: bytes, number: int, name: str) -> Marks:
    """Return the marks of the page: BIFF records are a type and a length, two bytes each, and that many bytes."""
    book = biff_stream(data)
    starts = [struct.unpack_from("<I", body)[0] for kind, body in biff_records(book, 0) if kind == _BOUNDSHEET]
    marks, depth = Marks(), 0
    for kind, body in biff_records(book, starts[number]):
        depth += (kind == _BOF) - (kind == _EOF)
        if depth == 0:
            break
        if depth == 1 and (kind == _FORMULA or (kind == _BOOLERR and body[7])):  # deeper is a chart's
            marks.cells[struct.unpack_from("<HH", body)] = "formula" if kind == _FORMULA else "error"
    return marks


def biff_stream(data: bytes) -> bytes:
    """Return the records of an .xls file. Raises `Locked`, or `ValueError` and what olefile raises if it is damaged."""
    import olefile

    counts = (
        struct.unpack_from("<I", data, 44) + struct.unpack_from("<I", data, 64) + struct.unpack_from("<I", data, 72)
    )
    if max(counts) > len(data) // 64:  # of sectors: calamine would set memory aside for whatever it says there
        raise ValueError("its header is damaged")
    strict = {"raise_defects": olefile.DEFECT_INCORRECT}
    with olefile.OleFileIO(io.BytesIO(data), **strict) as packed:
        if packed.exists("EncryptedPackage"):
            raise Locked
        stream = next((part for part in ("Workbook", "Book") if packed.exists(part)), None)
        if stream is None:
            raise ValueError("it holds no workbook")
        found: bytes = packed.openstream(stream).read()
    for kind, body in biff_records(found, 0):
        if kind == _DIMENSIONS and len(body) >= 12:
            first_row, last_row, first_column, last_column = struct.unpack_from("<IIHH", body)
            sound = first_row <= last_row <= 65_536 and first_column <= last_column <= 256
        else:
            sound = kind not in _XLS_CELLS or struct.unpack_from("<H", body, 2)[0] < 256
        if not sound:
            raise ValueError("it names cells that no page has")
    return found


def biff_records(book: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the content of each record from `place` on."""
    while place + 4 <= len(book):
        kind, length = struct.unpack_from("<HH", book, place)
        yield kind, book[place + 4 : place + 4 + length]
        place += 4 + length


def calamine_package() -> Any:  # noqa: ANN401 -- a module without types
    """Return the module `python_calamine`. Raises `NotInstalled` without the packages for spreadsheets."""
    try:
        import olefile  # noqa: F401
        import python_calamine
    except ImportError as error:
        raise NotInstalled(
            f"spreadsheets need the package {error.name}.",
            remedy='Run pip install "groundtune[xlsx]", or use .csv.',
        ) from None
    return python_calamine
