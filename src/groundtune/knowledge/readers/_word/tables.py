"""The grid of a table: which cells are merged, which rows name the columns, whether it only lays out a page.

Knows no text: whoever asks says what a cell says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from groundtune.knowledge.readers._grid import WIDEST
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._ooxml import Element, child, is_on, name, value
from groundtune.knowledge.readers._word.content import has_text, opened
from groundtune.knowledge.readers._word.styles import Styles, number

_CELLS = frozenset(("w:tc", "w:p", "w:tbl", "w:r"))  # broken files have blocks outside cells
_ROWS = _CELLS | {"w:tr"}
_BLOCKS = frozenset(("w:p", "w:tbl"))


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


def rows_of(table: Element, styles: Styles, left_out: Omissions) -> list[GridRow]:
    """Return the rows of a table, without deleted rows and cells, which are counted."""
    rows: list[GridRow] = []
    open_cells: dict[int, GridCell] = {}
    for row in opened(table, _ROWS, styles, left_out):
        properties = child(row, "w:trPr")
        if child(properties, "w:del") is not None:
            left_out.add("deleted text", int(has_text(row)))
            continue
        column = min(number(value(child(properties, "w:gridBefore"))), WIDEST)
        cells: list[GridCell] = []
        begun: dict[int, GridCell] = {}
        for element in opened(row if name(row) == "w:tr" else [row], _CELLS, styles, left_out):
            said = child(element, "w:tcPr")
            if child(said, "w:cellDel") is not None:
                left_out.add("deleted text", int(has_text(element)))
                continue
            columns = min(max(1, number(value(child(said, "w:gridSpan")) or "1")), WIDEST)
            if cells and _continues(said, "w:hMerge") and not has_text(element):
                cells[-1].columns += columns
            else:
                above = open_cells.get(column)
                merged = _continues(said, "w:vMerge") and above is not None and not has_text(element)
                cells.append(GridCell(element, column, columns, above if merged else None))
                if child(said, "w:vMerge") is not None:
                    begun[column] = above if merged and above is not None else cells[-1]
            column += columns
        open_cells = begun
        rows.append(GridRow(cells, is_on(child(properties, "w:tblHeader"))))
    return _narrowed(rows)


def _continues(properties: Element | None, merge: str) -> bool:
    said = child(properties, merge)
    return said is not None and (value(said) or "continue") == "continue"


def _narrowed(rows: list[GridRow]) -> list[GridRow]:
    """Drop columns in which no cell begins: tables that were drawn by hand have many."""
    places = {old: new for new, old in enumerate(sorted({cell.column for row in rows for cell in row.cells}))}
    starts = sorted(places)
    for row in rows:
        for cell in row.cells:
            end = bisect_left(starts, cell.column + cell.columns)
            cell.column = places[cell.column]
            cell.columns = max(1, end - cell.column)
    return rows


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


def is_layout(rows: Sequence[GridRow]) -> bool:
    """Tell whether a table is a box, or columns of running text, and not rows of values."""
    cells = [cell for row in rows for cell in row.cells if cell.above is None]
    if len(cells) == 1:
        return True
    if len(rows) > 1 and any(len(row.cells) > 1 for row in rows):
        return False
    return any(_blocks(cell.element) > 1 for cell in cells)


def _blocks(cell: Element) -> int:
    """Return how many paragraphs with text a cell has; a table in it counts as several."""
    blocks = [each for each in cell.iter() if name(each) in _BLOCKS and each.getparent() is not None]
    return sum(2 if name(each) == "w:tbl" else int(has_text(each)) for each in blocks)
