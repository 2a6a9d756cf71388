"""Tables as grids: which rows name the columns, which cells are merged; and tables of DrawingML.

A table of DrawingML (ECMA-376-1, 21.1.3) has a cell for each place, also where another one covers it. Knows no text:
whoever asks says what a cell says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from groundtune.knowledge.readers._grid import WIDEST, TableCell, laid_out
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.content import has_text
from groundtune.knowledge.readers._ooxml import Element, child, children, name, number, value


@dataclass(slots=True, eq=False)
class GridCell:
    """A cell from `column` on over `columns` columns; `above` is the one in an earlier row that it continues."""

    element: Element
    column: int
    columns: int
    above: GridCell | None = None


@dataclass(slots=True, eq=False)
class GridRow:
    """The cells of a row; `names` says that it is marked as a row of names."""

    cells: list[GridCell]
    names: bool


def headers(rows: Sequence[GridRow]) -> int:
    """Return how many rows name the columns: those that are marked, or those that the first row's cells cover."""
    marked = len(list(takewhile(lambda row: row.names, rows)))
    if 0 < marked < len(rows):
        return marked
    if not rows or all(cell.columns == 1 for cell in rows[0].cells):
        return 1
    covered = 1
    while covered < len(rows) and any(_first(cell) in rows[0].cells for cell in rows[covered].cells if cell.above):
        covered += 1
    return covered if covered < len(rows) else 1


def _first(cell: GridCell) -> GridCell:
    return cell.above or cell


def has_title(rows: Sequence[GridRow]) -> bool:
    """Tell whether the first row is one cell over the whole table: not a header but a title."""
    if len(rows) < 3 or len(rows[0].cells) != 1:
        return False
    wide = max(cell.column + cell.columns for row in rows for cell in row.cells)
    return rows[0].cells[0].columns >= wide > 1


def spread(row: GridRow, texts: dict[int, str]) -> list[TableCell]:
    """Return the cells of a row with what is empty between them; `texts` are by the `id` of each cell."""
    cells: list[TableCell] = []
    column = 0
    for cell in row.cells:
        if cell.column > column:
            cells.append(TableCell("", cell.column - column))
        cells.append(TableCell(texts[id(cell)], cell.columns))
        column = cell.column + cell.columns
    return cells


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """A table of DrawingML: `rows` column by column, of which the first `headers` name the columns if `certain`."""

    rows: list[list[str]]
    headers: int
    title: str
    certain: bool


def drawn_table(table: Element, said: Callable[[Element], str], left_out: Omissions) -> DrawnTable:
    """Return a table; `said` tells what a cell says. Text below merged cells is not shown, and is counted."""
    rows = _drawn_rows(table, left_out)
    texts: dict[int, str] = {}
    for row in rows:
        for cell in row.cells:
            texts[id(cell)] = said(cell.element) if cell.above is None else texts[id(cell.above)]
    rows = [row for row in rows if any(texts[id(cell)] for cell in row.cells if cell.above is None)]
    title = texts[id(rows[0].cells[0])] if has_title(rows) else ""
    rows = rows[1:] if title else rows
    names = headers(rows)
    properties = child(table, "a:tblPr")
    by_column = _is_set(properties, "firstCol") and not _is_set(properties, "firstRow")
    return DrawnTable(laid_out([spread(row, texts) for row in rows], names), names, title, certain=not by_column)


def _is_set(properties: Element | None, attribute: str) -> bool:
    return (value(properties, attribute) or "").lower() in ("1", "true", "on")


def _drawn_rows(table: Element, left_out: Omissions) -> list[GridRow]:
    rows: list[GridRow] = []
    open_cells: dict[int, tuple[GridCell, int]] = {}  # by column: a cell, and over how many more rows it goes
    widest = len(children(child(table, "a:tblGrid"), "a:gridCol")) or WIDEST
    for row in (each for each in table.iter() if name(each) == "a:tr"):
        cells: list[GridCell] = []
        covered = 0  # columns that the last cell covers besides its own
        going_on = {column: (cell, more - 1) for column, (cell, more) in open_cells.items() if more > 1}
        for column, element in enumerate(children(row, "a:tc")):
            above, _ = open_cells.get(column, (None, 0))
            covers = covered > 0 and _is_set(element, "hMerge")
            if covers or (above is not None and _is_set(element, "vMerge")):
                left_out.add("hidden text", int(has_text(element)))
            covered -= covers
            if covers:
                continue
            continued = above if _is_set(element, "vMerge") else None
            columns = continued.columns if continued else min(max(1, number(value(element, "gridSpan"))), widest)
            cells.append(GridCell(element, column, columns, continued))
            covered = columns - 1
            down = number(value(element, "rowSpan"))
            if continued is None and down > 1:
                going_on[column] = cells[-1], down - 1
        open_cells = going_on
        rows.append(GridRow(cells, False))
    return rows
