"""Laying out the cells of a table that cover several rows or columns, so that each value stands under its header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDEST = 1000  # columns that a cell may cover, as in HTML


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell as a file has it: its text and how many columns and rows it covers; of `rows`, 0 is all that follow."""

    text: str
    columns: int = 1
    rows: int = 1


def laid_out(rows: Sequence[Sequence[TableCell]], headers: int = 1) -> list[list[str]]:
    """Return the texts column by column. What covers several rows stands in each of them.

    What covers several columns stands in each of them in the first `headers` rows, where it is part of their names,
    and in the first of them below.
    """
    grid: list[list[str]] = []
    above: dict[int, tuple[str, int]] = {}  # by column: what a cell of an earlier row says here, and for how many rows
    for number, row in enumerate(rows):
        line: dict[int, tuple[str, int]] = dict(above)
        column = 0
        for cell in row:
            while column in above:
                column += 1
            down = len(rows) - number if cell.rows == 0 else min(max(cell.rows, 1), len(rows) - number)
            for across in range(min(max(cell.columns, 1), WIDEST)):
                if column in above:  # two cells claim one place
                    break
                line[column] = (cell.text if number < headers or not across else "", down)
                column += 1
        grid.append([line.get(place, ("", 0))[0] for place in range(max(line, default=-1) + 1)])
        above = {place: (text, down - 1) for place, (text, down) in line.items() if down > 1}
    return grid
