"""Leaving out what people who look at a sheet do not see: hidden rows and columns, and what merged cells cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from groundtune.knowledge.readers._left_out import Omissions, listed
from groundtune.knowledge.readers._sheets.pages import CellArea, SheetPage, address

_MOST_WORK = 5_000_000  # rows looked at for merged cells


def without_hidden(page: SheetPage, merged: Sequence[CellArea], left_out: Omissions) -> None:
    """Take hidden rows and columns out of a page, count those with text, and note which cells are merged.

    A merged cell of which a part is seen shows its text there.
    """
    work = 0
    for area in merged:
        work += _join(page, area, left_out)
        if work > _MOST_WORK:  # areas that lie on one another, which no program writes
            break
    rows = sorted(row for row in page.hidden_rows if page.rows.get(row))
    for row in rows:
        del page.rows[row]
    columns: set[int] = set()
    if page.hidden_columns:
        for row, cells in list(page.rows.items()):
            gone = page.hidden_columns & cells.keys()
            columns |= gone
            for column in gone:
                del cells[column]
            if not cells:
                del page.rows[row]
    seen = [each for each in page.remarks if not (each.row in page.hidden_rows or each.column in page.hidden_columns)]
    left_out.add("comment", len(page.remarks) - len(seen), "" if len(seen) == len(page.remarks) else "on hidden cells")
    page.remarks = seen
    if rows:
        where = listed("row", "rows", [row + 1 for row in rows])
        left_out.add("hidden text", len(rows), f'{where} of "{page.name}"')
    if columns:
        where = listed("column", "columns", [address(0, column)[:-1] for column in sorted(columns)])
        left_out.add("hidden text", len(columns), f'{where} of "{page.name}"')


def _join(page: SheetPage, area: CellArea, left_out: Omissions) -> int:
    """Make one cell of an area: text of its other cells is not seen, and where its first one is hidden it moves.

    Return how many rows were looked at.
    """
    if area.top == area.bottom and area.left == area.right:
        return 0
    cell = page.rows.get(area.top, {}).get(area.left)
    within: Iterable[int] = range(area.top, area.bottom + 1)
    if len(page.rows) < area.bottom - area.top:
        within = [row for row in page.rows if area.top <= row <= area.bottom]
    looked_at = covered = 0
    for row in list(within):
        looked_at += 1
        cells = page.rows.get(row, {})
        gone = [column for column in cells if area.left <= column <= area.right]
        for column in gone:
            del cells[column]
        covered += len(gone)
        if gone and not cells:
            del page.rows[row]
    if covered > (cell is not None):
        left_out.add("hidden text", covered - (cell is not None), "cells that a merged cell covers")
    if cell is not None:
        row = next((row for row in range(area.top, area.bottom + 1) if row not in page.hidden_rows), area.top)
        column = next((at for at in range(area.left, area.right + 1) if at not in page.hidden_columns), area.left)
        page.rows.setdefault(row, {})[column] = cell
        page.spans[row, column] = area.bottom - row + 1, area.right - column + 1
    return looked_at
