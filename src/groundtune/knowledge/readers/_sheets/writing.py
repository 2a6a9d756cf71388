"""Writes a sheet: its name as heading, each table under what it is called and where it stands, in the sheet's order.

    Prices                                         heading
    Roaming prices, in euros (Prices!A3:D20)       heading of the table, which every chunk of it has
    Plan | EU | World                              context of every chunk: the header, all rows of it as one

Knows no format.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from groundtune.knowledge.readers._builder import LINE, TextBuilder, names_of
from groundtune.knowledge.readers._grid import TableCell, laid_out
from groundtune.knowledge.readers._sheets.blocks import parted
from groundtune.knowledge.readers._sheets.heads import mostly_numbers
from groundtune.knowledge.readers._sheets.pages import CellArea, CellRemark, DrawnBlock, SheetPage, address
from groundtune.knowledge.readers._sheets.parts import Lines, SheetPart, parts_of

_LONG_TITLE = 120  # characters of titles in a heading
_LONG_UNIT = 60  # characters; a longer second title stays out of the heading
_LONG_LABEL = 80  # characters; a longer cell is no label of the rows below it
_MANY_LABELS = 0.4  # of the rows: then they are rows like others
_LOOKED_AT = 200  # rows
_MOST_TITLES = 3  # in a heading
_LONG_CELL = 60  # characters of a cell, in a comment on it


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows of a table, and the label above them in the table ("" if there is none)."""

    label: str
    rows: list[list[str]]


def write_page(page: SheetPage, builder: TextBuilder) -> None:
    """Write everything that is on a sheet; nothing, also not its name, if that is nothing."""
    if not (page.rows or page.drawn or page.remarks):
        return
    builder.heading(page.name, 1)
    remarks = list(page.remarks)
    for part in parts_of(page, parted(page)):
        if part.is_table:
            _table(page, part, builder)
        else:
            builder.part()
            _marked(builder, part.lines, _place(page, part.area))
        within = [each for each in remarks if part.area.holds(each.row, each.column)]
        _lines(builder, [*part.remarks, *(_note(page, each) for each in within)])
        remarks = [each for each in remarks if each not in within]
    _lines(builder, [_note(page, each) for each in remarks])
    for block in page.drawn:
        _drawn(page, block, builder)


def _place(page: SheetPage, area: CellArea) -> str:
    return f"{page.name}!{area.said}"


def _lines(builder: TextBuilder, lines: Sequence[str]) -> int | None:
    """Write lines as a paragraph and return where the first of them is."""
    builder.part()
    offsets = [builder.add(" ".join(line.split()), LINE) for line in lines]
    builder.part()
    return next((offset for offset in offsets if offset is not None), None)


def _marked(builder: TextBuilder, lines: Sequence[str], title: str) -> None:
    builder.mark(_lines(builder, lines), title)


def _note(page: SheetPage, remark: CellRemark) -> str:
    cell = page.rows.get(remark.row, {}).get(remark.column)
    said = " ".join(cell.text.split()) if cell is not None else ""
    about = f' ("{said}")' if 0 < len(said) <= _LONG_CELL else ""
    return f"Note on {address(remark.row, remark.column)}{about}: {remark.text}"


def _drawn(page: SheetPage, block: DrawnBlock, builder: TextBuilder) -> None:
    start = _lines(builder, block.lines if block.table else [block.title, *block.lines])
    if block.table:
        offsets = builder.table(block.table, caption=block.title)
        start = next((offset for offset in (start, *offsets) if offset is not None), None)
    builder.mark(start, page.name)


# --- tables ---------------------------------------------------------------------------------------


def _table(page: SheetPage, part: SheetPart, builder: TextBuilder) -> None:
    builder.mark(builder.begin(), _called(page, part))
    _lines(builder, part.titles)
    header, groups = _laid_out(page, part)
    names = names_of(header)
    for number, group in enumerate(groups):
        if number:
            builder.table(group.rows, 0, group.label, names=names)
        else:
            builder.table([*header, *group.rows], len(header))


def _called(page: SheetPage, part: SheetPart) -> str:
    """Return the heading of a table: its title, a short second one, which mostly is the unit, and where it is."""
    titles = [" ".join(line.split()) for line in part.titles[:1] if len(line) <= _LONG_TITLE]
    titles += [" ".join(line.split()) for line in part.titles[1:] if len(line) <= _LONG_UNIT]
    if part.name and not titles:
        titles = [part.name]
    title = ", ".join(titles[:_MOST_TITLES])
    place = _place(page, part.area)
    return f"{title} ({place})" if title else place


def _laid_out(page: SheetPage, part: SheetPart) -> tuple[list[list[str]], list[RowGroup]]:
    """Return header and rows, column by column, without columns that are empty in all of them.

    The first group has no label.
    """
    lines = [*part.head, *part.body]
    columns = sorted({column for _, cells in lines for column in cells})
    grid = _Grid(page, lines, columns).texts(len(part.head))
    labels = _labels(page, part, columns)
    groups = [RowGroup("", [])]
    for (row, _), texts in zip(part.body, grid[len(part.head) :], strict=True):
        if row in labels:
            groups.append(RowGroup(labels[row], []))
        else:
            groups[-1].rows.append(texts)
    return grid[: len(part.head)], groups


def _labels(page: SheetPage, part: SheetPart, columns: Sequence[int]) -> dict[int, str]:
    """Return the rows of a table that are but a label for those below them: they have one text, and it is bold, over
    several columns, or in a table of numbers.
    """
    if len(columns) < 2 or part.declared:
        return {}
    sample = [cells for _, cells in part.body[:_LOOKED_AT]]
    of_numbers = any(mostly_numbers([cells.get(column) for cells in sample]) for column in columns[1:])
    all_bold = all(cell.bold for cells in sample for cell in cells.values())
    labels = {}
    for row, cells in part.body[:-1]:
        if len(cells) == 1 and (cell := cells.get(columns[0])) and cell.kind == "text" and cell.text.strip():
            wide = page.spans.get((row, columns[0]), (1, 1))[1] > 1
            if len(cell.text) <= _LONG_LABEL and (wide or of_numbers or (cell.bold and not all_bold)):
                labels[row] = " ".join(cell.text.split())
    return labels if len(labels) <= _MANY_LABELS * len(part.body) else {}


class _Grid:
    """Lays out rows of cells, some of which cover others."""

    def __init__(self, page: SheetPage, lines: Lines, columns: Sequence[int]) -> None:
        self._spans = page.spans
        self._lines = lines
        self._rows = [row for row, _ in lines]
        self._columns = columns
        self._places = {column: place for place, column in enumerate(columns)}

    def texts(self, headers: int) -> list[list[str]]:
        """Return the texts of all rows."""
        if not any((row, column) in self._spans for row, cells in self._lines for column in cells):
            return [
                [cells[column].text if column in cells else "" for column in self._columns] for _, cells in self._lines
            ]
        return laid_out(list(self._cells()), headers)

    def _cells(self) -> Iterator[list[TableCell]]:
        covered: dict[int, int] = {}  # by place: the last row that a cell above covers
        for row, cells in self._lines:
            line: list[TableCell] = []
            at = {self._places[column]: column for column in cells}
            for place in range(max(at, default=-1) + 1):
                if covered.get(place, -1) >= row:
                    continue
                if place not in at:
                    line.append(TableCell(""))
                    continue
                column = at[place]
                height, width = self._spans.get((row, column), (1, 1))
                last = bisect_left(self._columns, column + width) - 1
                rows = bisect_right(self._rows, row + height - 1) - bisect_left(self._rows, row)
                line.append(TableCell(cells[column].text, max(1, last - place + 1), max(1, rows)))
                for beside in range(place, last + 1):
                    covered[beside] = row + height - 1
            yield line
