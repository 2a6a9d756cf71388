"""What blocks of cells are: tables with titles, header and remarks, or texts. Knows no format and writes nothing.

Texts near a table are its titles or its remarks. A block without a header of its own goes on with the table above it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from groundtune.knowledge.readers._builder import CELLS
from groundtune.knowledge.readers._sheets.blocks import CellBlock
from groundtune.knowledge.readers._sheets.heads import TableHead, head_of
from groundtune.knowledge.readers._sheets.pages import CellArea, RowCells, SheetCell, SheetPage

_LONG_TITLE = 200  # characters; a longer text above a table is no title
_NEAR = 3  # rows between a title and its table, or between parts of a table
_TITLES = 6  # lines above a table
_SPARSE, _LARGE = 20, 100_000  # a block with so many places for each cell, and so many places, is no table
_HEAD_ROWS = 60  # that are looked at
_REMARK = re.compile(
    r"\s*(?:[*†‡§#]|\(?\d{1,2}\)|[¹²³⁴⁵]|(?:sources?|notes?|remarks?|footnotes?|quellen?|hinweise?|anmerkung(?:en)?|stand"
    r"|fu(?:ß|ss)noten?|fuentes?|notas?|remarques?|fonti?|bron|opmerking|as of|last updated|updated)\b)",
    re.IGNORECASE,
)
_LONG_REMARK = 30  # characters

Lines = list[tuple[int, RowCells]]  # rows by number


@dataclass(slots=True, eq=False)
class SheetPart:
    """A table, or texts where it has but one row or none. Texts are its `titles`, then.

    `head` are the rows that name columns, `name` is what the file calls the table, and `area` is where its rows are.
    """

    area: CellArea
    titles: list[str] = field(default_factory=list)
    head: Lines = field(default_factory=list)
    body: Lines = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    name: str = ""
    certain: bool = True
    declared: bool = False

    @property
    def is_table(self) -> bool:
        """Tell whether it is one."""
        return len(self.head) + len(self.body) > 1

    @property
    def lines(self) -> list[str]:
        """Return texts as lines."""
        return [*self.titles, *(line_of(cells) for _, cells in self.body)]


def line_of(cells: RowCells) -> str:
    """Return the cells of a row in one line."""
    return CELLS.join(" ".join(cells[column].text.split()) for column in sorted(cells))


def parts_of(page: SheetPage, blocks: Sequence[CellBlock]) -> list[SheetPart]:
    """Return what a sheet consists of, in order."""
    parts: list[SheetPart] = []
    for block in blocks:
        part = _part(page, block)
        if parts and _goes_on(parts[-1], part):
            _continue(parts[-1], part)
            continue
        if parts and _is_remark(parts[-1], part):
            parts[-1].remarks += part.lines
            continue
        top = part.area.top
        while parts and _is_title(parts[-1], part, top):
            above = parts.pop()
            part.titles = [*above.lines, *part.titles]
            top = above.area.top
        parts.append(part)
    return _joined(parts)


def _joined(parts: Sequence[SheetPart]) -> list[SheetPart]:
    """Put texts that follow one another together."""
    joined: list[SheetPart] = []
    for part in parts:
        if joined and not part.is_table and not joined[-1].is_table:
            if joined[-1].body:
                joined[-1] = SheetPart(joined[-1].area, joined[-1].lines)
            joined[-1].titles += part.lines
            joined[-1].area = _around(joined[-1].area, part.area)
        else:
            joined.append(part)
    return joined


def _is_title(above: SheetPart, part: SheetPart, top: int) -> bool:
    """Tell whether texts belong to the table below them, which begins at `top`."""
    if above.is_table or not part.is_table or len(above.lines) > _TITLES:
        return False
    near = 0 < top - above.area.bottom <= _NEAR
    over = above.area.left <= part.area.right and above.area.right >= part.area.left - 1
    return near and over and all(len(line) <= _LONG_TITLE for line in above.lines)


def _is_remark(above: SheetPart, part: SheetPart) -> bool:
    """Tell whether texts belong to the table above them."""
    if part.is_table or not above.is_table:
        return False
    near = 0 < part.area.top - above.area.bottom <= _NEAR
    return near and above.area.left <= part.area.left <= above.area.right and bool(_REMARK.match(part.lines[0]))


def _goes_on(above: SheetPart, part: SheetPart) -> bool:
    """Tell whether rows without a header of their own belong to the table above them, which has one."""
    if above.declared or part.declared or not above.head or above.remarks or not part.body or len(part.titles) > 1:
        return False
    near = 0 < part.area.top - above.area.bottom <= _NEAR
    within = above.area.left == part.area.left and part.area.right <= above.area.right
    widest = max(len(cells) for _, cells in part.body)
    return near and within and widest > 1 and not (part.head and part.certain)


def _continue(above: SheetPart, part: SheetPart) -> None:
    label = {above.area.left: SheetCell(part.titles[0], bold=True)} if part.titles else {}
    above.body += [(part.area.top - 1, label)] if label else []
    above.body += [*part.head, *part.body]
    above.remarks += part.remarks
    above.area = _around(above.area, part.area)


def _part(page: SheetPage, block: CellBlock) -> SheetPart:
    rows, area = block.rows, block.area
    if block.declared is not None:
        names = sum(1 for row, _ in rows if row < block.declared.area.top + block.declared.headers)
        return SheetPart(area, [], rows[:names], rows[names:], name=block.declared.title, declared=True)
    if max(len(cells) for _, cells in rows) < 2 or _is_sparse(rows, area):
        return SheetPart(area, [line_of(cells) for _, cells in rows])
    first = _title_rows(page, rows, area)
    last = _last_row(page, rows, first, area)
    table = rows[first:last]
    head = _head(page, table)
    return SheetPart(
        CellBlock(table).area,
        [line_of(cells) for _, cells in rows[:first]],
        table[: head.rows],
        table[head.rows :],
        [line_of(cells) for _, cells in rows[last:]],
        certain=head.certain,
    )


def _is_sparse(rows: Lines, area: CellArea) -> bool:
    places = len(rows) * (area.right - area.left + 1)
    return places > _LARGE and places > _SPARSE * sum(len(cells) for _, cells in rows)


def _title_rows(page: SheetPage, rows: Lines, area: CellArea) -> int:
    """Return how many rows at the top are titles: a single text each, or two in a table with many more columns."""
    widest = max(len(cells) for _, cells in rows)
    count = 0
    for row, cells in rows[:-1]:
        texts = all(cell.kind == "text" for cell in cells.values())
        columns = {column: page.spans.get((row, column), (1, 1)) for column in cells}
        if len(cells) > 2 or (len(cells) == 2 and widest < 5) or not texts or _names_some(columns, area):
            break
        if (
            any(column + width - 1 < area.right for column, (_, width) in columns.items() if width > 1)
            and len(cells) > 1
        ):
            break
        count += 1
    widths = [len(cells) for _, cells in rows[count:]]
    return count if max(widths) > 1 else 0


def _names_some(columns: dict[int, tuple[int, int]], area: CellArea) -> bool:
    """Tell whether a cell names some columns of the table, but not the first."""
    if len(columns) > 1:
        return area.left not in columns
    ((column, (_, width)),) = columns.items()
    return width > 1 and column > area.left and column + width - 1 >= area.right


def _last_row(page: SheetPage, rows: Lines, first: int, area: CellArea) -> int:
    """Return where the remarks below a table begin: single texts that are marked as such, long, or over all columns."""
    last = len(rows)
    while last > first + 2:
        row, cells = rows[last - 1]
        if len(cells) > 1 or area.left not in cells or cells[area.left].kind != "text":
            break
        text = cells[area.left].text.strip()
        wide = page.spans.get((row, area.left), (1, 1))[1] > 1 and area.right - area.left > 0
        long = len(text) > _LONG_REMARK and " " in text and area.right - area.left > 1
        if not (_REMARK.match(text) or long or wide):
            break
        last -= 1
    return last


def _head(page: SheetPage, rows: Lines) -> TableHead:
    if len(rows) < 2:
        return TableHead(0, certain=True)
    looked_at = rows[:_HEAD_ROWS]
    columns = sorted({column for _, cells in looked_at for column in cells})
    lines = [[cells.get(column) for column in columns] for _, cells in looked_at]
    places = {row: place for place, (row, _) in enumerate(looked_at)}
    spans = []
    for row, cells in looked_at:
        several = [(row, column) for column in cells if (row, column) in page.spans]
        spans.append([_shown_span(page.spans[at], at, places, columns) for at in several])
    head = head_of(lines, spans)
    frozen = sum(1 for row, _ in looked_at if row < page.frozen)
    return TableHead(frozen, certain=True) if head.rows < frozen < min(len(rows), _TITLES) else head


def _shown_span(
    span: tuple[int, int], at: tuple[int, int], places: dict[int, int], columns: Sequence[int]
) -> tuple[int, int]:
    """Return how many of these rows and columns a merged cell covers."""
    height = sum(1 for row in places if at[0] <= row < at[0] + span[0])
    width = sum(1 for column in columns if at[1] <= column < at[1] + span[1])
    return height, width


def _around(area: CellArea, other: CellArea) -> CellArea:
    return CellArea(
        min(area.top, other.top),
        min(area.left, other.left),
        max(area.bottom, other.bottom),
        max(area.right, other.right),
    )
