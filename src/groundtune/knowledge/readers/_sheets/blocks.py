"""Where on a sheet blocks of cells stand: empty rows and columns part them, merged cells hold them together.

An empty column does not part a table that only keeps its columns apart: what stands right of it is a block of its own
if it has labels and names of its own, or other rows. Knows no format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from groundtune.knowledge.readers._sheets.heads import head_of
from groundtune.knowledge.readers._sheets.pages import CellArea, DeclaredTable, RowCells, SheetCell, SheetPage

_DEEPEST = 40  # blocks within blocks
_MOSTLY = 0.8  # of the cells in a column of labels are text
_LOOKED_AT = 200  # rows


@dataclass(slots=True, eq=False)
class CellBlock:
    """Rows of cells, none of them empty, by number; `declared` if the file itself says that this is a table."""

    rows: list[tuple[int, RowCells]]
    declared: DeclaredTable | None = None

    @property
    def area(self) -> CellArea:
        """The smallest rectangle around its cells."""
        left = min(min(cells) for _, cells in self.rows)
        right = max(max(cells) for _, cells in self.rows)
        return CellArea(self.rows[0][0], left, self.rows[-1][0], right)


def parted(page: SheetPage) -> list[CellBlock]:
    """Return the blocks of a sheet, from top to bottom and then from left to right."""
    rows = {row: dict(page.rows[row]) for row in sorted(page.rows) if page.rows[row]}
    declared = [CellBlock(taken, table) for table in page.declared if (taken := _taken(rows, table.area))]
    rest = CellBlock([(row, cells) for row, cells in rows.items() if cells])
    blocks = list(_cut(rest, _Gaps(page))) if rest.rows else []
    return sorted([*blocks, *declared], key=lambda block: block.area[:2])


def _taken(rows: dict[int, RowCells], area: CellArea) -> list[tuple[int, RowCells]]:
    """Take the cells of an area out of `rows`."""
    taken = []
    for row, cells in rows.items():
        if area.top <= row <= area.bottom:
            within = {column: cells.pop(column) for column in list(cells) if area.left <= column <= area.right}
            if within:
                taken.append((row, within))
    return taken


class _Gaps:
    """Tells which gaps between rows and columns people see."""

    def __init__(self, page: SheetPage) -> None:
        self._hidden_rows, self._hidden_columns = page.hidden_rows, page.hidden_columns
        self.spans = page.spans

    def rows(self, above: int, below: int) -> bool:
        """Tell whether an empty row is seen between two rows."""
        return any(row not in self._hidden_rows for row in range(above + 1, below))

    def columns(self, left: int, right: int) -> bool:
        """Tell whether an empty column is seen between two columns."""
        return any(column not in self._hidden_columns for column in range(left + 1, right))


def _cut(block: CellBlock, gaps: _Gaps, depth: int = 0) -> Iterator[CellBlock]:
    bands = list(_bands(block, gaps))
    if depth > _DEEPEST:
        yield block
    elif len(bands) > 1:
        for band in bands:
            yield from _cut(band, gaps, depth + 1)
    else:
        titles = _titles(block)
        pieces = _pieces(CellBlock(block.rows[titles:]), gaps) if titles < len(block.rows) else []
        if len(pieces) < 2:
            yield block
            return
        if titles:
            yield CellBlock(block.rows[:titles])
        for piece in pieces:
            yield from _cut(piece, gaps, depth + 1)


def _titles(block: CellBlock) -> int:
    """Return how many rows at the top are a single text each."""
    count = 0
    for _, cells in block.rows:
        if len(cells) > 1 or next(iter(cells.values())).kind != "text":
            break
        count += 1
    return count


def _bands(block: CellBlock, gaps: _Gaps) -> Iterator[CellBlock]:
    """Yield the parts between empty rows."""
    band: list[tuple[int, RowCells]] = []
    reach = -1
    for row, cells in block.rows:
        if band and gaps.rows(reach, row):
            yield CellBlock(band)
            band = []
        band.append((row, cells))
        reach = max(reach, row, *(row + gaps.spans.get((row, column), (1, 1))[0] - 1 for column in cells))
    if band:
        yield CellBlock(band)


def _pieces(block: CellBlock, gaps: _Gaps) -> list[CellBlock]:
    """Return the parts between empty columns that do not belong together."""
    ends: dict[int, int] = {}
    for row, cells in block.rows:
        for column in cells:
            end = column + gaps.spans.get((row, column), (1, 1))[1] - 1
            ends[column] = max(ends.get(column, 0), end)
    starts, reach = [], -1
    for column in sorted(ends):
        if reach < 0 or gaps.columns(reach, column):
            starts.append(column)
        reach = max(reach, ends[column])
    if len(starts) < 2:
        return [block]
    groups: list[list[CellBlock]] = []
    rows: set[int] = set()  # of the first piece in the last group
    for piece in _columns(block, starts):
        if not groups or _apart(groups[-1][0], rows, piece):
            groups.append([piece])
            rows = {row for row, _ in piece.rows}
        else:
            groups[-1].append(piece)
    return [_together(group) for group in groups]


def _columns(block: CellBlock, starts: list[int]) -> list[CellBlock]:
    pieces: list[list[tuple[int, RowCells]]] = [[] for _ in starts]
    for row, cells in block.rows:
        shares: dict[int, RowCells] = {}
        number = 0
        for column in sorted(cells):
            while number + 1 < len(starts) and starts[number + 1] <= column:
                number += 1
            shares.setdefault(number, {})[column] = cells[column]
        for number, share in shares.items():
            pieces[number].append((row, share))
    return [CellBlock(rows) for rows in pieces if rows]


def _together(pieces: Sequence[CellBlock]) -> CellBlock:
    rows: dict[int, RowCells] = {}
    for piece in pieces:
        for row, cells in piece.rows:
            rows.setdefault(row, {}).update(cells)
    return CellBlock(sorted(rows.items()))


def _apart(left: CellBlock, rows: Set[int], right: CellBlock) -> bool:
    """Tell whether what stands right of an empty column is a table, or a text, of its own.

    `rows` are those of `left`.
    """
    others = [row for row, _ in right.rows]
    if not any(row in rows for row in others):
        return True
    if len(rows) < 2 or len(others) < 2:
        return False
    if others[0] > left.rows[0][0] + 1 and _is_text(right.rows[0][1].values()):
        return True  # it begins further down, with names of its own
    header, other = (list(block.rows[0][1].values()) for block in (left, right))
    if len(other) > 1 and header[0].text == other[0].text:
        return True
    labels = _first_column(right)
    columns = {column for _, cells in right.rows[:_LOOKED_AT] for column in cells}
    if len(columns) < 2 or not _is_text(labels) or len({cell.text for cell in labels}) < 2:
        return False
    return _is_named(right, sorted(columns)) or abs(left.rows[-1][0] - others[-1]) > 1


def _is_named(block: CellBlock, columns: Sequence[int]) -> bool:
    """Tell whether a block has names of columns above its numbers."""
    head = head_of([[cells.get(column) for column in columns] for _, cells in block.rows[:_LOOKED_AT]], ())
    return head.rows > 0 and head.certain


def _first_column(block: CellBlock) -> list[SheetCell]:
    """Return the cells of the first column below the first row."""
    at = block.area.left
    return [cells[at] for _, cells in block.rows[1 : _LOOKED_AT + 1] if at in cells]


def _is_text(cells: Iterable[SheetCell]) -> bool:
    kinds = [cell.kind == "text" for cell in cells]
    return bool(kinds) and sum(kinds) >= _MOSTLY * len(kinds)
