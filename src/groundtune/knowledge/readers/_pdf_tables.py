"""Finds tables among the lines of a part of a page: rows with wide gaps, one below the other, or ruled.

Knows where words stand, and nothing of fonts and pages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from groundtune.knowledge.readers._pdf_cells import (
    Extent,
    cells_of,
    column_of,
    columns_of,
    is_aligned,
    is_amount,
    without_header_columns,
)
from groundtune.knowledge.readers._pdf_lines import LinePiece, LineRow, text_of
from groundtune.knowledge.readers._pdf_order import mostly_right_to_left
from groundtune.knowledge.readers._pdf_pages import RulingLines, Word

_FARTHEST = 3.5  # times the size: rows of one table stand closer
_MOST_SINGLE = 4  # lines without cells between two rows
_MOST_HEADERS = 5
_MARKER = re.compile(r"[-–—*•▪◦●○■□‣∙·➢✓]|\(?\w{1,4}[.)]|\[\w{1,4}\]|[*†‡§]+")
_PERIOD = re.compile(r"(?:19|20)\d\d|\b(?:months?|weeks?|quarters?|years?|ended)\b", re.IGNORECASE)
_LARGER = 1.15  # times the size of cells: a heading
_TIGHT = 0.8  # of the usual distance of lines: they are of one row
_MOST_OVER = 2  # lines over the names of columns
_OVER = 2.5  # times the size: they stand so close
_APART = 1.9  # times the size
_ASIDE = 0.25  # of the width: so far from the left
_TEXT = 40  # characters
_COVERED = 0.5  # of a table's width
_BESIDE, _BETWEEN = 0.6, 1.1  # of the distance of columns: so near is a name over several to each, alone or not
_CENTRED = 0.03  # of the width of a table: a title over all of it stands so near its middle
_PART = 0.9  # of a table: a shorter line belongs to some of its columns


@dataclass(slots=True)
class FoundTable:
    """Rows of cells, of which the first `headers` name the columns."""

    rows: list[list[str]]
    headers: int
    columns: list[Extent]


def blocks(rows: Sequence[LineRow], rules: RulingLines) -> Iterator[LineRow | FoundTable]:
    """Yield the lines and tables of a part of a page, in order."""
    index = 0
    while index < len(rows):
        stop = _stop(rows, index)
        stop = _to_the_end_of_cells(rows, stop, rules) if stop - index > 1 else stop
        for _ in range(_titles(rows[index:stop])):
            yield rows[index]
            index += 1
        table = _table(rows[index:stop], rules) if stop - index > 1 else None
        if table is None:
            yield rows[index]
            index += 1
        else:
            yield table
            index = stop


def _stop(rows: Sequence[LineRow], start: int) -> int:
    """Return the end of rows that may be a table beginning at `start`: the last with cells, all close together."""
    first = start
    while first < min(len(rows) - 1, start + _MOST_OVER) and _is_over(rows[first], rows[first + 1], rows):
        first += 1
    if len(rows[first].pieces) < 2:
        return start
    stop, last, amounts = first + 1, rows[first], False
    index = first + 1
    left = min(row.left for row in rows) + _ASIDE * (max(row.right for row in rows) - min(row.left for row in rows))
    while index < len(rows) and index - stop < _MOST_SINGLE:
        row = rows[index]
        if rows[index - 1].base - row.base > _FARTHEST * max(row.size, rows[index - 1].size):
            break
        if _crosses(row, last) or (amounts and _begins_another(row, rows[index - 1], left)):
            break
        amounts = amounts or any(is_amount(piece.text) for piece in row.pieces)
        if len(row.pieces) > 1:
            stop, last = index + 1, row
        elif row.size > _LARGER * last.size:
            break
        index += 1
    return stop


def _titles(rows: Sequence[LineRow]) -> int:
    """Return how many lines above the figures are no part of a table: up to the last that stands over its middle."""
    left, right = min((row.left for row in rows), default=0.0), max((row.right for row in rows), default=0.0)
    cells = next((row for row in rows if len(row.pieces) > 1), None)
    count, before_cells = 0, None
    for number, row in enumerate(rows, start=1):
        if len(row.pieces) > 1:
            before_cells = count if before_cells is None else before_cells
            aside = row.left > left + _ASIDE * (right - left)
            if aside or any(is_amount(piece.text) for piece in row.pieces[1:]):
                return count  # names of columns, or figures
        elif abs(row.left + row.right - left - right) <= 2 * _CENTRED * (right - left) or (
            cells is not None and row.size > _LARGER * cells.size
        ):
            count = number
    return before_cells or 0


def _to_the_end_of_cells(rows: Sequence[LineRow], stop: int, rules: RulingLines) -> int:
    """Return the end of a table with the last lines of its ruled cells."""
    last = rows[stop - 1].base
    bottom = min((low for _, low, high in rules.down if low < last < high), default=last)
    while stop < len(rows) and rows[stop].base > bottom and len(rows[stop].pieces) == 1:
        stop += 1
    return stop


def _is_over(row: LineRow, following: LineRow, rows: Sequence[LineRow]) -> bool:
    """Tell whether a line stands alone over columns, as "Three months ended" over two dates."""
    if len(row.pieces) > 1 or len(row.text) >= _TEXT * 2 or row.base - following.base > _OVER * following.size:
        return False
    left, right = min(each.left for each in rows), max(each.right for each in rows)
    return row.left > left + _ASIDE * (right - left) and row.left < following.right and following.left < row.right


def _begins_another(row: LineRow, before: LineRow, left: float) -> bool:
    """Tell whether a line below figures names columns again: it has no label and no figures."""
    if row.left <= left or any(is_amount(piece.text) for piece in row.pieces):
        return False
    return bool(_PERIOD.search(row.text)) or before.base - row.base >= _APART * row.size


def _crosses(row: LineRow, cells: LineRow) -> bool:
    """Tell whether a line is text that runs across the gaps between cells."""
    gaps = [(one.right, other.left) for one, other in pairwise(cells.pieces)]
    long = [piece for piece in row.pieces if len(piece.text) >= _TEXT]
    return any(piece.left < low and high < piece.right for piece in long for low, high in gaps)


def _table(rows: Sequence[LineRow], rules: RulingLines) -> FoundTable | None:
    many = [row for row in rows if len(row.pieces) > 1]
    columns = without_header_columns(columns_of(rows), rows)
    if len(columns) < 2 or len(many) < 2 or len(many) < len(rows) / 3:
        return None
    grid = _has_lines_between(rows, columns, rules)
    if mostly_right_to_left(row.text for row in rows):
        columns = columns[::-1]
    if not grid and not is_aligned(many, columns):
        return None
    lines = [cells_of(row, columns) for row in rows]
    texts = [[text_of(cell) if cell else "" for cell in line] for line in lines]
    if len(columns) == 2 and all(_MARKER.fullmatch(line[0]) for line in texts if line[0]):
        return None  # items of a list
    headers = _headers(texts)
    bands = _bands(rows, texts, rules) if grid else []
    if bands and any(_PERIOD.search(row.text) for row in rows[:headers]):
        bands = [band + (index >= headers) for index, band in enumerate(bands)]
    elif bands:
        headers = bands.count(bands[0]) if headers else 0
    if (
        headers > 1
        and not bands
        and max(sum(map(bool, line[1:])) for line in texts[1:headers]) < (len(columns) - 1) / 2
    ):
        headers = 1
    for index in range(headers if headers > 1 else 0):
        texts[index] = _spread(rows[index], columns, _below(rows, index), rules)
    groups = _groups(rows, texts, headers, bands)
    joined = [
        [" ".join(filter(None, cells)) for cells in zip(*(texts[i] for i in group), strict=True)] for group in groups
    ]
    return FoundTable(joined, sum(group[0] < headers for group in groups), columns)


# --- rows -----------------------------------------------------------------------------------------


def _headers(lines: Sequence[Sequence[str]]) -> int:
    """Return how many rows name the columns: the first ones, up to the first amount or the first named row."""
    count = 0
    for number, line in enumerate(lines[:_MOST_HEADERS]):
        others = [cell for cell in line[1:] if cell]
        if any(is_amount(cell) for cell in others) or (number and any(cell.endswith(":") for cell in line)):
            break
        if number and line[0] and not line[0].startswith("(") and not (others and all(map(_PERIOD.search, others))):
            break
        if not others and not (number + 1 < len(lines) and not lines[number + 1][0]):
            break
        count += 1
    return min(count, len(lines) - 1) or (0 if any(map(is_amount, lines[0][1:])) else 1)


def _below(rows: Sequence[LineRow], index: int) -> float:
    return rows[index + 1].base if index + 1 < len(rows) else rows[index].base - rows[index].size


def _spread(row: LineRow, columns: Sequence[Extent], below: float, rules: RulingLines) -> list[str]:
    """Return the cells of a header row; one over several columns, or with a line below that is, stands in each."""
    cells: list[list[Word]] = [[] for _ in columns]
    middles = [(low + high) / 2 for low, high in columns]
    pitch = median(abs(one - other) for one, other in pairwise(middles))
    pieces = [(piece, *_reach(piece, below, columns, rules)) for piece in row.pieces]
    for piece, _, _ in pieces:
        cells[column_of(piece, columns)] += piece.words
    if len(pieces) == 1 and pieces[0][0].text.startswith("("):  # a unit
        return [pieces[0][0].text, *[""] * (len(columns) - 1)]
    for column, middle in list(enumerate(middles))[1:]:
        if not cells[column]:
            piece, left, right = min(pieces, key=lambda each: max(each[1] - middle, middle - each[2], 0.0))
            near = _BESIDE if len(pieces) == 1 else _BETWEEN
            if max(left - middle, middle - right) <= near * pitch and column_of(piece, columns) > 0:
                cells[column] += piece.words
    return [text_of(cell) if cell else "" for cell in cells]


def _reach(piece: LinePiece, below: float, columns: Sequence[Extent], rules: RulingLines) -> Extent:
    """Return from where to where a name of columns reaches, by itself or by the line under it."""
    left, right = piece.left, piece.right
    for place, low, high in rules.across:
        under = below < place < piece.base and low < piece.right and piece.left < high
        if under and high - low < _PART * row_width(columns):
            left, right = min(left, low), max(right, high)
    return left, right


def row_width(columns: Sequence[Extent]) -> float:
    """Return the width of a table."""
    return max(high for _, high in columns) - min(low for low, _ in columns)


def _groups(
    rows: Sequence[LineRow], texts: Sequence[Sequence[str]], headers: int, bands: Sequence[int]
) -> list[list[int]]:
    """Return which lines make up each row: a cell may have several lines."""
    if bands:
        by_band: dict[int, list[int]] = {}
        for index, band in enumerate(bands):
            by_band.setdefault(band, []).append(index)
        return list(by_band.values())
    groups: list[list[int]] = []
    usual = median(one.base - other.base for one, other in pairwise(rows))
    for index, cells in enumerate(texts):
        near = rows[index - 1].base - rows[index].base if index else 0.0
        if index > headers and (
            (_goes_on(texts[index - 1], cells) and near <= 1.7 * rows[index].size)
            or (near <= _TIGHT * usual and _is_rest(texts[index - 1], cells))
        ):
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _is_rest(before: Sequence[str], cells: Sequence[str]) -> bool:
    """Tell whether a line says something only in some of the columns in which the one before does, amounts aside."""
    said = [column for column, cell in enumerate(cells) if cell]
    return len(said) < sum(map(bool, before)) and all(before[i] and not is_amount(cells[i]) for i in said)


def _goes_on(before: Sequence[str], cells: Sequence[str]) -> bool:
    """Tell whether a line holds the rest of cells of the one before, or the row whose label began there."""
    said = [(column, cell) for column, cell in enumerate(cells) if cell]
    if not said or before[said[0][0]].endswith((".", ":")) or not said[0][1][:1].islower():
        return False
    if said[0][0] > 0 or len(said) == 1:
        return all(before[column] and cell[:1].islower() for column, cell in said)
    return not any(before[1:])


def _bands(rows: Sequence[LineRow], texts: Sequence[Sequence[str]], rules: RulingLines) -> list[int]:
    """Return the number of the ruled row of each line; none if rules do not separate rows."""
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    lengths: defaultdict[int, float] = defaultdict(float)
    for place, low, high in rules.across:
        if rows[-1].base < place < rows[0].base:
            lengths[round(place)] += max(0.0, min(right, high) - max(left, low))
    places = sorted((place for place, length in lengths.items() if length >= _COVERED * (right - left)), reverse=True)
    if not places:
        return []
    bands = [sum(place > row.base + row.size * 0.2 for place in places) for row in rows]
    seen: dict[tuple[int, int], int] = {}
    for band, cells in zip(bands, texts, strict=True):
        for column, cell in enumerate(cells):
            if is_amount(cell) and seen.setdefault((band, column), 0):
                return []  # two amounts below each other: these lines are rows
            seen[band, column] = seen.get((band, column), 0) + is_amount(cell)
    return bands


def _has_lines_between(rows: Sequence[LineRow], columns: Sequence[Extent], rules: RulingLines) -> bool:
    """Tell whether lines from top to bottom stand between columns."""
    top, bottom = rows[0].base + rows[0].size, rows[-1].base
    inner = [(one[1], other[0]) for one, other in pairwise(columns)]
    covered: defaultdict[int, float] = defaultdict(float)
    for place, low, high in rules.down:
        for gap, (left, right) in enumerate(inner):
            if left - 1 <= place <= right + 1:
                covered[gap] += max(0.0, min(top, high) - max(bottom, low))
    return any(length >= 0.5 * (top - bottom) for length in covered.values())
