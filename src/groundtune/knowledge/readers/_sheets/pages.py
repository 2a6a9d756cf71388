"""What a workbook's file says, before it becomes text: sheets, cells as a person sees them, what belongs to them.

Rows and columns count from 0, and areas contain their last row and column. Knows no format and writes no text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from groundtune.knowledge.readers._left_out import Omissions, listed
from groundtune.values.reading import LeftOutKind

LAST_ROW, LAST_COLUMN = 1_048_575, 16_383  # of a sheet
CellKind = Literal["text", "number", "date"]
RowCells = dict[int, "SheetCell"]  # by column


class SheetCell(NamedTuple):
    """What a cell shows; a time is a "date"."""

    text: str
    kind: CellKind = "text"
    bold: bool = False


class CellArea(NamedTuple):
    """A rectangle of cells."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def said(self) -> str:
        """As people write it: "A3:D20", or "A3" for one cell."""
        first = address(self.top, self.left)
        last = address(self.bottom, self.right)
        return first if first == last else f"{first}:{last}"

    def holds(self, row: int, column: int) -> bool:
        """Tell whether a cell stands in it."""
        return self.top <= row <= self.bottom and self.left <= column <= self.right


class DeclaredTable(NamedTuple):
    """A table that the file itself declares: how many of its rows name columns, and what it is called."""

    area: CellArea
    headers: int
    title: str = ""


class CellRemark(NamedTuple):
    """A note on a cell, which an OpenDocument calls a comment."""

    row: int
    column: int
    text: str


class DrawnBlock(NamedTuple):
    """What stands in front of the cells: lines of a text box or a chart's words, and a chart's values as a table."""

    title: str
    lines: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True, eq=False)
class SheetPage:
    """A sheet. `spans` are the height and width of merged cells; `frozen` rows stay in view when people scroll."""

    name: str
    rows: dict[int, RowCells] = field(default_factory=dict)
    spans: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    declared: list[DeclaredTable] = field(default_factory=list)
    remarks: list[CellRemark] = field(default_factory=list)
    drawn: list[DrawnBlock] = field(default_factory=list)
    frozen: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)


def address(row: int, column: int) -> str:
    """Return what a cell is called: (6, 1) is "B7"."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


class CellTally:
    """Counts cells that show no value, by why they do not, and names the first of them."""

    def __init__(self) -> None:
        self._cells: dict[str, list[str]] = {}

    def add(self, why: str, page: str, row: int, column: int) -> None:
        """Count a cell."""
        self._cells.setdefault(why, []).append(f"{page}!{address(row, column)}")

    def tell(self, left_out: Omissions) -> None:
        """Say what was counted."""
        for why, cells in self._cells.items():
            kind: LeftOutKind = "hidden text" if why == FORMATTED_AWAY else "unreadable part"
            left_out.add(kind, len(cells), f"{listed('cell', 'cells', cells)}: {why}")


FORMATTED_AWAY = "a number whose format shows nothing"
ERRORS = "an error of a formula, such as #REF!"
NO_VALUE = "a formula whose value the file does not keep (open the file in its program and save it)"
