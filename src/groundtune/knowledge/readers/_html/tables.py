"""Tables of a page: which hold data and which lay out the page; their rows as people read them. Knows no text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from groundtune.knowledge.readers._grid import TableCell, laid_out
from groundtune.knowledge.readers._html.rules import Facts
from groundtune.knowledge.readers._html.tree import Node

_LONG_CELL, _SHORT_CELL = 600, 400  # characters
_MANY_BLOCKS = 3
_MOST_HEADERS = 4
_SIGN_BEFORE, _SIGN_BEHIND = re.compile(r"[$€£¥]|\("), re.compile(r"[)%]{1,2}")
_DIGIT = re.compile(r"\d")


@dataclass(slots=True)
class HtmlRow:
    """A row as it is read: its cells, which of them are headers, and whether it stands in the table's head."""

    in_head: bool = False
    cells: list[TableCell] = field(default_factory=list)
    headers: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HtmlTable:
    """A table whose first `headers` rows name its columns; `certain` if there is no doubt about that."""

    rows: list[list[str]]
    headers: int
    certain: bool
    caption: str


def line_rows(nodes: Sequence[Node], counted: Facts, data: Collection[int]) -> set[int]:
    """Return the indices of rows of other tables that still are lines of short cells, as names and values are."""
    lines_of: dict[int, list[int]] = {}
    owner = [""] * len(nodes)
    for index, node in enumerate(nodes):
        parent = nodes[node.parent] if node.parent >= 0 else None
        owner[index] = owner[node.parent] if parent else ""
        if node.tag == "table":
            owner[index] = "" if index in data or _lays_out(node) else "table"
        elif node.tag == "tr" and owner[index]:
            lines_of[index] = []
        elif node.tag in ("td", "th") and parent and node.parent in lines_of:
            lines_of[node.parent].append(index)
    return {
        row
        for row, cells in lines_of.items()
        if sum(counted.length[cell] > 0 for cell in cells) > 1
        and not (counted.tables[row] or counted.headings[row] or counted.blocks[row])
        and counted.length[row] <= _SHORT_CELL
    }


def _lays_out(table: Node) -> bool:
    return table.attributes.get("role", "") in ("presentation", "none")


def data_tables(nodes: Sequence[Node], counted: Facts) -> set[int]:
    """Return the indices of the tables that hold data; what is in the others is read like other parts of the page."""
    owner, tables = [-1] * len(nodes), {}  # type: list[int], dict[int, _Shape]
    for index, node in enumerate(nodes):
        owner[index] = owner[node.parent] if node.parent >= 0 else -1
        if node.tag == "table":
            owner[index] = index
            tables[index] = _Shape()
        elif owner[index] >= 0 and node.tag in ("tr", "td", "th", "thead", "pre"):
            tables[owner[index]].take(node, counted, index)
    return {index for index, shape in tables.items() if shape.holds_data(nodes[index], counted.tables[index] > 1)}


@dataclass(slots=True)
class _Shape:
    rows: int = 0
    filled: int = 0
    longest: int = 0
    with_header: bool = False
    with_parts: bool = False  # headings, or lines that are kept as they are
    with_blocks: bool = False
    with_many_blocks: bool = False

    def take(self, node: Node, counted: Facts, index: int) -> None:
        self.rows += node.tag == "tr"
        self.with_header |= node.tag in ("th", "thead")
        self.with_parts |= node.tag == "pre"
        if node.tag in ("td", "th"):
            length, blocks = counted.length[index], counted.blocks[index]
            self.filled += length > 0
            self.longest = max(self.longest, length)
            self.with_parts |= counted.headings[index] > 0
            self.with_blocks |= blocks > 1
            self.with_many_blocks |= blocks >= _MANY_BLOCKS and length > _LONG_CELL

    def holds_data(self, table: Node, nested: bool) -> bool:
        if _lays_out(table) or self.filled <= 1:
            return False
        if nested:
            return self.with_header and self.rows > 2 and self.longest <= _SHORT_CELL
        if self.with_header:
            return not self.with_many_blocks or self.rows > 2
        if self.with_parts or self.with_many_blocks:
            return False
        return self.rows > 1 or not self.with_blocks


def table(rows: Sequence[HtmlRow], caption: str = "") -> HtmlTable:
    """Return the table of `rows`, its cells under their headers, without columns that are empty or only hold signs."""
    rows = [row for row in rows if row.cells]
    if not caption and len(rows) > 2 and _is_title(rows):
        caption, rows = rows[0].cells[0].text, rows[1:]
    headers = _headers(rows)
    lines = laid_out([row.cells for row in rows], headers)
    lines = _tidy(lines, headers)
    return HtmlTable(lines, headers, _is_header(rows, lines), caption)


def _is_title(rows: Sequence[HtmlRow]) -> bool:
    """Tell whether the first row is one cell above all columns."""
    widest = max(sum(cell.columns for cell in row.cells) for row in rows[1:])
    first = rows[0].cells
    return len(first) == 1 and widest > 1 and first[0].columns >= widest and bool(first[0].text)


def _headers(rows: Sequence[HtmlRow]) -> int:
    """Return how many rows name the columns: the table's head, or the first rows of headers only, or the first one."""
    in_head = _leading(row.in_head for row in rows)
    named = _leading(all(row.headers) for row in rows)
    for count in (in_head, named):
        if 0 < count < len(rows):
            return count
    first = rows[0].cells if rows else []
    if any(cell.columns > 1 for cell in first) and any(cell.rows > 1 for cell in first):
        return min(max(cell.rows for cell in first), _MOST_HEADERS, max(len(rows) - 1, 1))
    return 1


def _leading(flags: Iterable[bool]) -> int:
    return sum(1 for _ in takewhile(bool, flags))


def _is_header(rows: Sequence[HtmlRow], lines: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names the columns for sure, and is not the first of the values."""
    if not rows:
        return False
    if rows[0].in_head or all(rows[0].headers):
        return True
    said = [text for text in lines[0][1:] if text]
    only_labels = all(row.headers and row.headers[0] for row in rows) and len(lines[0]) <= 2
    return bool(said) and not only_labels and not any(_DIGIT.search(text) for text in said)


def _tidy(lines: list[list[str]], headers: int) -> list[list[str]]:
    """Put signs of currencies into the cell of their number, and drop columns that have nothing below the headers."""
    width = max(map(len, lines), default=0)
    lines = [line + [""] * (width - len(line)) for line in lines]
    columns = [[line[place] for line in lines] for place in range(width)]
    for place, column in enumerate(columns):
        body = {text for text in column[headers:] if text}
        before = bool(body) and all(_SIGN_BEFORE.fullmatch(text) for text in body)
        if not before and not (body and all(_SIGN_BEHIND.fullmatch(text) for text in body)):
            continue
        places = range(place + 1, min(place + 2, width)) if before else range(place - 1, -1, -1)
        target = next((each for each in places if any(columns[each])), -1)
        if target >= 0 and (not any(column[:headers]) or column[:headers] == columns[target][:headers]):
            columns[target] = _joined(column, columns[target], headers, before)
            columns[place] = [""] * len(lines)
    kept: list[list[str]] = []
    named = {tuple(column[:headers]) for column in columns if any(column[headers:])}
    for column in columns:
        name = tuple(column[:headers])
        if any(column[headers:]) or (any(name) and name not in named):
            kept.append(column)
            named.add(name)
    return [list(line) for line in zip(*kept, strict=True)] if kept else lines


def _joined(signs: Sequence[str], numbers: Sequence[str], headers: int, before: bool) -> list[str]:
    names = [number or sign for sign, number in zip(signs[:headers], numbers[:headers], strict=True)]
    pairs = zip(signs[headers:], numbers[headers:], strict=True)
    return names + [sign + number if before else number + sign for sign, number in pairs]
