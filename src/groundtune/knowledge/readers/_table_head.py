"""Where in the records of a file tables begin, what their columns are called, and which lines are no rows.

Knows nothing of separators and of how rows are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from groundtune.knowledge.readers._delimited import Record

_TITLES = 20  # lines above a header at most
_MOST = 0.6  # of the columns have a name
_MOSTLY = 0.8  # of the values in a column are numbers
_LOOKED_AT = 50  # rows
_NUMBER = re.compile(
    r"[\s€$£¥]*[-+(−]?\s*\d[\d.,'’\s]*(?:[eE][-+]?\d+)?\s*[%)€$£¥]*(?:[A-Z]{3})?\s*"  # 1.200,50 €, (3.2), 5e-3
    r"|\s*\d{1,4}[-./]\d{1,2}[-./]\d{1,4}(?:[T ][\d:.+Z-]+)?\s*|\s*\d{1,2}:\d{2}(?::\d{2})?\s*"  # days and times
)
_RULE = re.compile(r"[\s:=+-]*(?:--|==)[\s:=+-]*")  # drawn below a header
_YEAR = re.compile(r"\s*(?:19|20)\d\d\s*")


@dataclass(slots=True)
class NamedTable:
    """The names of columns, and the records above the header, below it, and after the last row."""

    names: list[str]
    above: list[Record] = field(default_factory=list)
    rows: list[Record] = field(default_factory=list)
    below: list[Record] = field(default_factory=list)
    named: bool = True


def tables(records: Iterable[Record], width: int) -> list[NamedTable]:
    """Return the tables of a file whose records mostly have `width` cells.

    A new table begins after an empty line, with a header of its own.
    """
    kept: list[Record] = []
    breaks: set[int] = set()  # places in `kept` after an empty line
    for record in records:
        if not any(cell.strip() for cell in record.cells):
            breaks.add(len(kept))
        elif not _RULE.fullmatch("".join(record.cells)):
            kept.append(record)
    made: list[NamedTable] = []
    place = 0
    while place < len(kept):
        after = {other - place for other in breaks if place < other <= place + _TITLES + 1} if not made else set()
        table = _head(kept[place : place + 2 * _LOOKED_AT], after, 0 if made else width)
        place += len(table.above) + table.named
        start = place
        while place < len(kept) and not (place > start and place in breaks and _begins(kept, breaks, place, table)):
            place += 1
        _share_out(kept, breaks, (start, place), table)
        made.append(table)
    return made


def _head(records: Sequence[Record], breaks: set[int], width: int) -> NamedTable:
    """Return a table with its names and what stands above them; without names if the first row is like the others."""
    least = max(2, _MOST * width)
    header = 0
    if width != 1:
        titles = [_title(record, width, least, i + 1 in breaks) for i, record in enumerate(records[: _TITLES + 1])]
        fits = (i for i, title in enumerate(titles) if not title)
        header = next(fits, 0)
    head, body = records[header], records[header + 1 : header + 1 + _LOOKED_AT]
    if body and _is_row(head, body):
        names = [f"column {number}" for number in range(1, max(width, len(head.cells)) + 1)]
        return NamedTable(names, list(records[:header]), named=False)
    return NamedTable([" ".join(name.split()) for name in head.cells], list(records[:header]))


def _title(record: Record, width: int, least: float, before_break: bool) -> bool:
    """Tell whether a record above a header is a line of text: a comment, or fewer cells than the rows have."""
    prose = before_break or any(cell.startswith(" ") for cell in record.cells[1:])
    if is_comment(record, width) or (len(record.cells) < width and prose):
        return True
    return bool(record.cells[0].strip()) and _filled(record) < least


def _filled(record: Record) -> int:
    return sum(bool(cell.strip()) for cell in record.cells)


def _is_row(head: Record, body: Sequence[Record]) -> bool:
    """Tell whether a first record has numbers where the others have, and no name above any column of numbers."""
    numeric = [column for column in range(len(head.cells)) if _numbers(body, column)]
    as_below = [column for column in numeric if _NUMBER.fullmatch(head.cells[column])]
    return bool(as_below) and as_below == numeric and not count_up([head.cells[column] for column in as_below])


def is_number(text: str) -> bool:
    """Tell whether a cell is a number, with its sign, unit or currency, a day or a time."""
    return bool(_NUMBER.fullmatch(text))


def is_year(text: str) -> bool:
    """Tell whether a cell may be a year."""
    return bool(_YEAR.fullmatch(text))


def _numbers(body: Sequence[Record], column: int) -> bool:
    values = [record.cells[column] for record in body if len(record.cells) > column and record.cells[column].strip()]
    return bool(values) and sum(bool(_NUMBER.fullmatch(value)) for value in values) >= _MOSTLY * len(values)


def count_up(cells: Sequence[str]) -> bool:
    """Tell whether cells are names like 1, 2, 3 or 2023, 2024."""
    if all(_YEAR.fullmatch(cell) for cell in cells):
        return True
    numbers = [int(cell) for cell in cells if cell.strip().isdecimal()]
    return len(numbers) == len(cells) > 1 and all(b - a == 1 for a, b in pairwise(numbers))


def _begins(records: Sequence[Record], breaks: set[int], place: int, table: NamedTable) -> bool:
    """Tell whether another table begins at `place`: with a title or another number of columns, and a header."""
    header = place
    while header < min(place + 5, len(records)) and _filled(records[header]) == 1:
        header += 1
    after = header + 1
    while after < min(header + _LOOKED_AT, len(records)) and after not in breaks:
        after += 1
    body = records[header + 1 : after]
    if not body or _filled(records[header]) < 2:
        return False
    other = header > place or _filled(records[header]) != sum(map(bool, table.names))
    cells = records[header].cells
    named = any(cells[i].strip() and _numbers(body, i) for i in range(len(cells)))
    return other and named and not any(_NUMBER.fullmatch(cell) for cell in cells)


def _share_out(records: Sequence[Record], breaks: set[int], span: tuple[int, int], table: NamedTable) -> None:
    """Tell rows from the remarks after them: comments, and a single cell at the end."""
    start, end = span
    last = end
    while last > start and _remark(records[last - 1], len(table.names), last - 1 in breaks):
        last -= 1
    table.rows, table.below = list(records[start:last]), list(records[last:end])


def _remark(record: Record, columns: int, after_break: bool) -> bool:
    if columns < 2 or _filled(record) > 1 or not record.cells[0].strip():
        return False
    sentence = " " in record.cells[0].strip() and columns > 2
    return after_break or record.cells[0].lstrip().startswith("#") or sentence


def is_comment(record: Record, columns: int) -> bool:
    """Tell whether a record is a line of text that begins with `#`, not a row."""
    return record.cells[0].lstrip().startswith("#") and len(record.cells) != columns
