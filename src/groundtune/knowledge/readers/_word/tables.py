"""The grid of a table of Word: which cells are merged, which are deleted, whether it only lays out a page.

Knows no text: whoever asks says what a cell says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from groundtune.knowledge.readers._grid import WIDEST
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.content import has_text
from groundtune.knowledge.readers._office.tables import GridCell, GridRow
from groundtune.knowledge.readers._ooxml import Element, child, is_on, name, number, value
from groundtune.knowledge.readers._word.content import opened
from groundtune.knowledge.readers._word.styles import Styles

_CELLS = frozenset(("w:tc", "w:p", "w:tbl", "w:r"))  # broken files have blocks outside cells
_ROWS = _CELLS | {"w:tr"}
_BLOCKS = frozenset(("w:p", "w:tbl"))


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
