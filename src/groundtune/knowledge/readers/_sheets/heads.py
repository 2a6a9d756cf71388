"""Which rows of a block name its columns. Knows no format, no titles above them and how they are written.

Evidence comes first: numbers below a text, names over several columns, bold letters. Without any, the first row of a
table of texts is its header, as people mostly write one, but that is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from groundtune.knowledge.readers._sheets.pages import SheetCell
from groundtune.knowledge.readers._table_head import count_up, is_number, is_year

_MOST = 8  # rows of a header
_LOOKED_AT = 50  # rows below it
_MOSTLY = 0.8  # of the cells of a column are numbers
_UNIT = re.compile(r"[(\[].*[)\]]|.{1,6}")
_NO_VALUE = re.compile(r"[-–—−.…*/]*|n\.?\s?/?\s?[ad]\.?|nan|null|none|tbd|x", re.IGNORECASE)

GridLine = Sequence["SheetCell | None"]  # the cells of a row, by place


class TableHead(NamedTuple):
    """How many rows name the columns, and whether the cells show that they do."""

    rows: int
    certain: bool


def head_of(lines: Sequence[GridLine], spans: Sequence[Sequence[tuple[int, int]]]) -> TableHead:
    """Return the header of a table; `spans` are height and width of its cells, at least of the first rows."""
    named = 0
    while named < min(_MOST, len(lines) - 1) and _may_name(lines[named]):
        named += 1
    if named == 0:
        return TableHead(0, certain=True)
    numeric = [_numeric(lines[row + 1 : row + 1 + _LOOKED_AT], len(lines[row])) for row in range(named)]
    rows = max(_over_numbers(lines, numeric), _covered(spans, named), _bold(lines, named))
    while 0 < rows < named and _goes_on(lines[rows - 1], lines[rows], numeric[rows]):
        rows += 1
    if rows:
        return TableHead(rows, certain=True)
    first = [cell for cell in lines[0] if cell is not None]
    if any(cell.kind != "text" for cell in first) or _is_pair(lines):
        return TableHead(0, certain=True)
    return TableHead(1, certain=False)


def _may_name(line: GridLine) -> bool:
    """Tell whether all cells are texts, days, years or numbers that count up."""
    numbers = [cell for cell in line if cell is not None and cell.kind == "number"]
    dates = sum(1 for cell in line if cell is not None and cell.kind == "date")
    texts = sum(1 for cell in line if cell is not None and cell.kind == "text")
    if numbers:
        return not dates and count_up([cell.text for cell in numbers])
    return dates != 1 and texts + dates > 0


def _numeric(lines: Sequence[GridLine], width: int) -> list[bool]:
    """Tell of each column whether most of its cells are numbers or days."""
    return [mostly_numbers([line[at] for line in lines if at < len(line)]) for at in range(width)]


def mostly_numbers(cells: Sequence[SheetCell | None]) -> bool:
    """Tell whether most cells that are not empty are numbers or days."""
    values = [_is_value(cell) for cell in cells if cell is not None]
    return bool(values) and sum(values) >= _MOSTLY * len(values)


def _is_value(cell: SheetCell) -> bool:
    return cell.kind != "text" or is_number(cell.text)


def _over_numbers(lines: Sequence[GridLine], numeric: Sequence[Sequence[bool]]) -> int:
    """Return how many rows are names above columns of numbers: the first, and those that go on with it."""
    for row, columns in enumerate(numeric):
        if row and not _goes_on(lines[row - 1], lines[row], columns):
            break
        if _above_numbers(lines[0], columns):
            return row + 1
    return 0


def _above_numbers(line: GridLine, numeric: Sequence[bool]) -> bool:
    return any(
        cell is not None and numeric[at] and (_is_name(cell) or is_year(cell.text) or cell.kind == "date")
        for at, cell in enumerate(line)
    )


def _is_name(cell: SheetCell) -> bool:
    return cell.kind == "text" and not is_number(cell.text) and not _NO_VALUE.fullmatch(cell.text.strip())


def _covered(spans: Sequence[Sequence[tuple[int, int]]], named: int) -> int:
    """Return how many rows the merged cells of the first row make a header of: names over several columns have names
    below them.
    """
    rows = 1
    row = 0
    merged = False
    while row < rows and row < len(spans):
        for height, width in spans[row]:
            merged |= height > 1 or width > 1
            rows = max(rows, row + height, row + 2 if width > 1 else 0)
        row += 1
    return rows if merged and rows <= named else 0


def _bold(lines: Sequence[GridLine], named: int) -> int:
    """Return how many rows at the top are bold, if the one below them is not."""
    rows = 0
    while rows < len(lines) and all(cell is None or cell.bold for cell in lines[rows]):
        rows += 1
    return rows if rows <= named else 0


def _goes_on(above: GridLine, line: GridLine, numeric: Sequence[bool]) -> bool:
    """Tell whether a row belongs to the header above it: it names, too, and has units, or fills what was left empty."""
    over = [at for at, is_numeric in enumerate(numeric) if is_numeric and at < len(line)]
    names = [cell for at in over if (cell := line[at]) is not None and (_is_name(cell) or is_year(cell.text))]
    if not over or 2 * len(names) < len(over):
        return False
    first = line[0] is None
    fills = any(cell is not None and (at >= len(above) or above[at] is None) for at, cell in enumerate(line))
    units = all(_UNIT.fullmatch(cell.text.strip()) for cell in line if cell is not None)
    bold = all(cell is None or cell.bold for cell in (*above, *line))
    return first or fills or units or bold


def _is_pair(lines: Sequence[GridLine]) -> bool:
    """Tell whether two columns are labels, which end with a colon, and what they say."""
    labels = [line[0] for line in lines if line and line[0] is not None]
    return 2 * sum(cell.text.rstrip().endswith(":") for cell in labels) > len(labels)
