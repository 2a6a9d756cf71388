"""Tables for spreadsheets: CSV and XLSX, written so that they stay text, and read however a spreadsheet left them.

Knows no cases: a table is a header and rows of text. A cell that a spreadsheet could take for a formula gets an
apostrophe in front when written, which is taken away when read; what comes back as a formula, a date or an error is
a fault of its row, for what was meant cannot be told from it.

Source: OWASP Application Security Verification Standard 5.0, 1.2.10 (which characters, and the apostrophe).
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from groundtune.errors import InputError, NotInstalled
from groundtune.files import read_text, write_text

LONGEST_CELL = 32_767  # characters; a spreadsheet silently cuts off what is longer
LARGEST_BOOK = 200_000_000  # bytes unpacked
SUFFIXES = (".csv", ".xlsx")
_GUARDED = re.compile(r"'*[=+\-@\t\r＝＋－＠]")  # wide ones compute where people write Chinese or Japanese
_RAW_FORMULA = re.compile(r"\s*[=＝]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDTHS = {"question": 50, "ideal_answer": 50, "quote": 50}


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: `number` as the spreadsheet counts (the header is 1), cells by column, and what cannot be read."""

    number: int
    cells: Mapping[str, str]
    faults: tuple[str, ...] = ()


def guarded(text: str) -> str:
    """Return the text as it is put into a cell.

    >>> [guarded("=1+1"), guarded("-5 degrees"), guarded("'=x"), guarded("'Tis")]
    ["'=1+1", "'-5 degrees", "''=x", "'Tis"]
    """
    return f"'{text}" if _GUARDED.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text that was put into a cell: the inverse of `guarded`."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a new .csv or .xlsx file, at once or not at all.

    Raises `InputError` for another suffix, a file that is there already, and text that no cell can hold;
    `NotInstalled` for XLSX without openpyxl.
    """
    _check_suffix(path)
    if path.exists():
        raise InputError("is there already, perhaps with reviews.", place=path, remedy="Name a new file, or move it.")
    for number, row in enumerate(rows, start=2):
        for column, text in zip(header, row, strict=True):
            if len(guarded(text)) > LONGEST_CELL or _CONTROL.search(text):
                what = "holds control characters" if _CONTROL.search(text) else f"has over {LONGEST_CELL} characters"
                raise InputError(f"`{column}` of row {number} {what}.", place=path, remedy="Export to .jsonl instead.")
    table = [list(header), *([guarded(text) for text in row] for row in rows)]
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(path, table)
        return
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(table)
    write_text(path, "\ufeff" + written.getvalue())  # by the byte-order mark Excel knows UTF-8


def read_table(path: Path, columns: Sequence[str]) -> list[SheetRow]:
    """Return the rows that are not empty. `columns` are patterns of known columns; those called "note…" are ignored.

    Raises `InputError` if the file is no table, a column is unknown or there twice, or there is no `id`.
    """
    _check_suffix(path)
    records = _read_xlsx(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)
    first = next(records, [])
    header = [str(cell or "").strip().lower() for cell in first]
    while header and not header[-1]:
        header.pop()
    _check_header(header, columns, path)
    rows = []
    for number, record in enumerate(records, start=2):
        if any(cell is not None and str(cell).strip() for cell in record):
            rows.append(_row(number, header, record))
    return rows


def _row(number: int, header: Sequence[str], record: Sequence[object]) -> SheetRow:
    cells: dict[str, str] = {}
    faults = []
    if any(cell is not None and str(cell).strip() for cell in record[len(header) :]):
        faults.append("it has more cells than there are columns")
    for column, cell in zip(header, [*record, *[None] * len(header)], strict=False):
        text, fault = _text(cell)
        cells[column] = text
        if fault and not _ignored(column):
            faults.append(f"`{column}` {fault}")
    return SheetRow(number, {name: text for name, text in cells.items() if not _ignored(name)}, tuple(faults))


def _text(cell: object) -> tuple[str, str]:
    """Return a cell's text, and why it cannot be used ("" if it can)."""
    if cell is None:
        return "", ""
    if isinstance(cell, _Formula):
        return "", f"is a {cell.kind}: put the text itself there"
    if isinstance(cell, bool):
        return ("yes" if cell else "no"), ""
    if isinstance(cell, date | time | timedelta):  # a datetime is a date
        return "", "was made a date by the spreadsheet: format the cell as text and type it again"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell)), ""
    text = str(cell).replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(cell, str) and _RAW_FORMULA.match(text):
        return "", "begins with an equals sign: put an apostrophe before it if it is meant"
    return unguarded(text), ""


@dataclass(frozen=True, slots=True)
class _Formula:
    kind: str


def _read_csv(path: Path) -> Iterator[list[object]]:
    text = read_text(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise InputError(f"{error}.", place=path, line=reader.line_num, remedy="Save it as CSV again.") from None


def _read_xlsx(path: Path) -> Iterator[list[object]]:
    openpyxl = _openpyxl()
    if not path.is_file():
        raise InputError("no such file.", place=path, remedy="Check the path.")
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > LARGEST_BOOK:
            raise InputError(f"unpacks to {size} bytes.", place=path, remedy="Delete sheets that are not needed.")
        book = openpyxl.load_workbook(path)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"is no spreadsheet: {error}.", place=path, remedy="Save it as .xlsx again.") from None
    for row in book.worksheets[0].iter_rows():
        yield [_xlsx_cell(cell) for cell in row]


def _xlsx_cell(cell: Any) -> object:  # noqa: ANN401 -- openpyxl's
    if cell.data_type == "f":
        return _Formula("formula")
    if cell.data_type == "e":
        return _Formula(f"spreadsheet error ({cell.value})")
    return cell.value


def _write_xlsx(path: Path, table: Sequence[Sequence[str]]) -> None:
    openpyxl = _openpyxl()
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = openpyxl.Workbook()
    sheet = book.active
    for row in table:
        sheet.append(row)
    for row in sheet.iter_rows():
        for cell in row:
            cell.number_format = "@"  # text: nothing that is typed becomes a number or a date
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for place, column in enumerate(table[0], start=1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column.rstrip(" 0123456789"), 16)
        sheet.cell(1, place).font = Font(bold=True)
        if column == "status":
            choice = DataValidation(type="list", formula1='"draft,approved,rejected"', allow_blank=False)
            sheet.add_data_validation(choice)
            choice.add(f"{letter}2:{letter}{len(table) + 1}")
    sheet.freeze_panes = "B2"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    book.save(temporary)
    temporary.replace(path)


def _openpyxl() -> Any:  # noqa: ANN401 -- a module without types
    try:
        import openpyxl
    except ImportError:
        raise NotInstalled(
            "spreadsheets need openpyxl.", remedy='Run pip install "groundtune[xlsx]", or use .csv or .jsonl.'
        ) from None
    return openpyxl


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise InputError("is neither .csv, .xlsx nor .jsonl.", place=path, remedy="Name a file of one of these kinds.")


def _check_header(header: Sequence[str], columns: Sequence[str], path: Path) -> None:
    known = [re.compile(pattern) for pattern in columns]
    for name in header:
        if not _ignored(name) and not any(pattern.fullmatch(name) for pattern in known):
            remedy = "Call it `note …` if it is yours, or undo what changed its name."
            raise InputError(f"unknown column `{name}`.", place=path, line=1, remedy=remedy)
    twice = [name for name in header if name and header.count(name) > 1]
    if twice or "id" not in header:
        what = f"column `{twice[0]}` is there twice." if twice else "there is no column `id`."
        raise InputError(what, place=path, line=1, remedy="Keep the columns as they were exported.")


def _ignored(column: str) -> bool:
    return not column or column.startswith("note")
