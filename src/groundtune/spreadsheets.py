"""Tables for spreadsheets: CSV and XLSX, written so that they stay text, and read however a spreadsheet left them.

Knows no cases and no ratings: a table is a header and rows of text. `workbooks` reads what is not CSV. A cell that a
spreadsheet could take for a formula gets an apostrophe in front when written, which is taken away when read; what
comes back as a formula, a date or an error is a fault of its row, because it does not show what was meant.

Source: OWASP Application Security Verification Standard 5.0, 1.2.10 (which characters, and the apostrophe).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundtune.errors import InputError, NotInstalled
from groundtune.files import read_text, write_bytes, write_text
from groundtune.workbooks import PACKED, Cell, lines, read_book
from groundtune.workbooks import SUFFIXES as BOOKS

LONGEST_CELL = 32_767  # characters; a spreadsheet silently cuts off what is longer
WRITTEN = (".csv", ".xlsx")
_GUARDED = re.compile(r"'*[=+\-@\t\r＝＋－＠]")  # wide ones compute where people write Chinese or Japanese
_RAW_FORMULA = re.compile(r"\s*[=＝]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # how XLSX writes a character by its number
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: `number` as the spreadsheet counts (the header is 1), cells by column, and what cannot be read."""

    number: int
    cells: Mapping[str, str]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How a column of an XLSX file looks: `width` in characters, and `choices` that a list drops down with.

    Cells are formatted as text, so that nothing typed becomes a number or a date; those with choices are not.
    """

    width: int = 16
    choices: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an XLSX file, with the looks of columns by their title."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    looks: Mapping[str, Look] = field(default_factory=dict)


def guarded(text: str) -> str:
    """Return the text as it is put into a cell.

    >>> [guarded("=1+1"), guarded("-5 degrees"), guarded("'=x"), guarded("'Tis")]
    ["'=1+1", "'-5 degrees", "''=x", "'Tis"]
    """
    return f"'{text}" if _GUARDED.match(text) else text


def unguarded(cell: str) -> str:
    """Return the text that was put into a cell: the inverse of `guarded`."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell


def fitted(text: str) -> str:
    """Return as much of the text as any cell can hold, for people to read: without control characters, and cut."""
    return _CONTROL.sub("", text)[: LONGEST_CELL - 1]  # there may come an apostrophe before it


# --- writing --------------------------------------------------------------------------------------


def write_table(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], looks: Mapping[str, Look] | None = None
) -> None:
    """Write a new .csv or .xlsx file that `read_table` gives back to the letter, at once or not at all.

    Raises `InputError` for another suffix, a file that is there already, and text that no cell can hold;
    `NotInstalled` for XLSX without openpyxl.
    """
    _check_suffix(path, WRITTEN)
    if path.exists():
        raise InputError("already exists and may contain reviews.", place=path, remedy="Choose a new file, or move it.")
    for number, row in enumerate(rows, start=2):
        for column, text in zip(header, row, strict=True):
            if len(guarded(text)) > LONGEST_CELL or _CONTROL.search(text):
                what = (
                    "contains control characters"
                    if _CONTROL.search(text)
                    else f"is longer than {LONGEST_CELL} characters"
                )
                raise InputError(f"`{column}` of row {number} {what}.", place=path, remedy="Export to .jsonl instead.")
    if path.suffix.lower() == ".xlsx":
        guarded_rows = [[guarded(text) for text in row] for row in rows]  # whoever edits a cell computes nothing
        write_xlsx(path, {"cases": Page(header, guarded_rows, looks or {})})
    else:
        write_text(path, as_csv(header, rows))


def as_csv(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as CSV as Excel reads it: a byte-order mark, commas, and no cell that would be a formula."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows([header, *([guarded(text) for text in row] for row in rows)])
    return "\ufeff" + written.getvalue()


def write_xlsx(path: Path, pages: Mapping[str, Page]) -> None:
    """Write pages by name into one file, at once or not at all. No cell is a formula, whatever it begins with.

    Raises `NotInstalled` without openpyxl.
    """
    book = _openpyxl().Workbook()
    book.remove(book.active)
    for name, page in pages.items():
        _fill(book.create_sheet(name), page)
    packed = io.BytesIO()
    book.save(packed)
    write_bytes(path, packed.getvalue())


def _fill(sheet: Any, page: Page) -> None:  # noqa: ANN401 -- openpyxl's
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for place, title in enumerate(page.header, start=1):
        look, letter = page.looks.get(title, Look()), get_column_letter(place)
        for number, text in enumerate([title, *(row[place - 1] for row in page.rows)], start=1):
            cell = sheet.cell(number, place)
            cell.value, cell.data_type = _ESCAPE.sub("_x005F_", text), "s"
            cell.number_format = "General" if look.choices else "@"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        sheet.cell(1, place).font = Font(bold=True)
        sheet.column_dimensions[letter].width = look.width
        sheet.column_dimensions[letter].hidden = look.hidden
        if look.choices:
            choice = DataValidation(type="list", formula1=f'"{",".join(look.choices)}"', allow_blank=True)
            choice.add(f"{letter}2:{letter}{len(page.rows) + 1}")
            sheet.add_data_validation(choice)
    sheet.freeze_panes = "B2"


# --- reading --------------------------------------------------------------------------------------


def read_table(path: Path, columns: Sequence[str]) -> list[SheetRow]:
    """Return the rows that are not empty. `columns` are patterns of known columns; those called "note…" are ignored.

    Raises `InputError` if the file is no table, a column is unknown or there twice, or there is no `id`.
    """
    _check_suffix(path, (".csv", *BOOKS))
    table = read_cells(path)
    header = [cell.text.strip().lower() for cell in (table[0] if table else ())]
    while header and not header[-1]:
        header.pop()
    _check_header(header, columns, path)
    rows = []
    for row in named_rows(table, header, lambda column: not _ignored(column)):
        record = table[row.number - 1]
        faults = ["it has more cells than the header"] if any(map(_holds, record[len(header) :])) else []
        faults += [
            f"`{name}` begins with an equals sign: put an apostrophe before it if that is intended"
            for name, cell in zip(header, record, strict=False)
            if name in row.cells and _RAW_FORMULA.match(cell.text)
        ]
        rows.append(SheetRow(row.number, row.cells, (*faults, *row.faults)))
    return rows


def read_cells(path: Path, *, page: str = "", western: bool = False) -> list[list[Cell]]:
    """Return all cells, row by row, of a workbook's page of that name, or else its first, or of CSV.

    What a workbook is shows in its first bytes, whatever its name. CSV may have commas, semicolons or tabs, a line
    `sep=;`, and be UTF-8 or, with its mark, UTF-16. Other files do not say which code page they use: with `western`
    they are read as Western Windows, which may break letters. Raises `InputError` if the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot be read: {reason}.", place=path, remedy="Check the path.") from None
    if path.suffix.lower() in BOOKS or data.startswith(PACKED):
        return read_book(data, path, page)
    return _from_csv(_decoded(data, path, western=western), path)


def named_rows(table: Sequence[Sequence[Cell]], names: Sequence[str], used: Callable[[str], bool]) -> list[SheetRow]:
    """Return the rows below the header that are not empty, with those of the columns that are `used`."""
    rows = []
    for number, record in enumerate(table[1:], start=2):
        if any(map(_holds, record)):
            whole = zip(names, [*record, *[Cell("")] * len(names)], strict=False)
            cells = {name: cell for name, cell in whole if used(name)}
            faults = tuple(f"`{name}` {cell.fault}" for name, cell in cells.items() if cell.fault)
            rows.append(SheetRow(number, {name: unguarded(cell.text) for name, cell in cells.items()}, faults))
    return rows


def _holds(cell: Cell) -> bool:
    return bool(cell.text.strip() or cell.fault)


def _decoded(data: bytes, path: Path, *, western: bool) -> str:
    """Excel saves as UTF-8 with a mark, as UTF-16 ("Unicode text"), or in the code page of the machine."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        if western:
            return data.decode("utf-16" if wide else "cp1252", "replace")
        return read_text(path)  # which names the line that is not UTF-8


def _from_csv(text: str, path: Path) -> list[list[Cell]]:
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\s*", first):
        text, first = rest, rest.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    try:
        return [[Cell(lines(cell)) for cell in row] for row in reader]
    except csv.Error as error:
        raise InputError(
            f"is not a valid CSV file: {error}.", place=path, line=reader.line_num, remedy="Save it as CSV again."
        ) from None


def _openpyxl() -> Any:  # noqa: ANN401 -- a module without types
    try:
        import openpyxl
    except ImportError:
        raise NotInstalled(
            "XLSX needs the package openpyxl.", remedy='Run pip install "groundtune[xlsx]", or use .csv.'
        ) from None
    return openpyxl


def _check_suffix(path: Path, known: Sequence[str]) -> None:
    if path.suffix.lower() not in known:
        names = ", ".join(known)
        raise InputError(f"is not a {names} or .jsonl file.", place=path, remedy="Use one of these file types.")


def _check_header(header: Sequence[str], columns: Sequence[str], path: Path) -> None:
    known = [re.compile(pattern) for pattern in columns]
    for name in header:
        if not _ignored(name) and not any(pattern.fullmatch(name) for pattern in known):
            remedy = "Rename it to `note …` if you added it, or restore its original name."
            raise InputError(f"unknown column `{name}`.", place=path, line=1, remedy=remedy)
    twice = [name for name in header if name and header.count(name) > 1]
    if twice or "id" not in header:
        what = f"column `{twice[0]}` appears twice." if twice else "there is no column `id`."
        raise InputError(what, place=path, line=1, remedy="Keep the columns as they were exported.")


def _ignored(column: str) -> bool:
    return not column or column.startswith("note")
