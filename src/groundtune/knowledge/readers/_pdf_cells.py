"""Finds the columns of a table, and which of its words stand in which.

Knows where words stand, and nothing of what a row means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from groundtune.knowledge.readers._pdf_lines import LinePiece, LineRow
from groundtune.knowledge.readers._pdf_pages import Word

_ALIGNED = 0.6  # of the cells of a column begin, end or have their middle at one place
_NEAR = 0.6  # of the size: what is so close is at one place
_AMOUNT = re.compile(r"[$€£¥(+\-–—−\s]*\d[\d.,\s]*[%)\s]*|[-–—−]+|N/?A|n/?a")
_YEAR = re.compile(r"(?:19|20)\d\d")

Extent = tuple[float, float]


def columns_of(rows: Sequence[LineRow]) -> list[Extent]:
    """Return the columns from left to right. Narrow pieces make them; what covers several is a cell of several."""
    pieces = sorted(
        (piece.right - piece.inner_left, piece.inner_left, piece.right, number)
        for number, row in enumerate(rows)
        for piece in row.pieces
    )
    got: list[tuple[float, float, set[int]]] = []
    wide: list[Extent] = []
    for _, left, right, number in pieces:
        over = [i for i, (low, high, _) in enumerate(got) if left < high and low < right]
        if not over:
            got.append((left, right, {number}))
        elif len(over) == 1:
            low, high, numbers = got[over[0]]
            got[over[0]] = (min(low, left), max(high, right), numbers | {number})
        else:
            wide.append((left, right))
    return _merged(sorted(got, key=lambda column: column[0]), wide)


def _merged(columns: list[tuple[float, float, set[int]]], wide: Sequence[Extent]) -> list[Extent]:
    """Join neighbours that never stand side by side, if a wide piece covers both: one column with indented cells."""
    made: list[tuple[float, float, set[int]]] = []
    for left, right, numbers in columns:
        if made and not made[-1][2] & numbers and any(low < made[-1][1] and left < high for low, high in wide):
            made[-1] = (made[-1][0], max(made[-1][1], right), made[-1][2] | numbers)
        else:
            made.append((left, right, numbers))
    return [(left, right) for left, right, _ in made]


def without_header_columns(columns: list[Extent], rows: Sequence[LineRow]) -> list[Extent]:
    """Join columns that have no figures, only names, with the nearest ones that have none of these rows."""
    filled = [(set[int](), set[int]()) for _ in columns]  # rows with a cell, and with an amount
    whole = list(columns)  # with signs
    for number, row in enumerate(rows):
        for piece in row.pieces:
            at = column_of(piece, columns)
            filled[at][0].add(number)
            whole[at] = (min(whole[at][0], piece.left), whole[at][1])
            if is_amount(piece.text):
                filled[at][1].add(number)
    made = list(columns)
    for at in range(len(columns) - 1, 0, -1):
        if filled[at][1]:
            continue
        beside = [
            other
            for other in (at - 1, at + 1)
            if 0 < other < len(made) and filled[other][1] and not filled[other][0] & filled[at][0]
        ]
        if beside:
            nearest = min(beside, key=lambda other: abs(sum(whole[other]) - sum(whole[at])))
            low, high = min(nearest, at), max(nearest, at)
            made[low : high + 1] = [(made[low][0], made[high][1])]
            whole[low : high + 1] = [(whole[low][0], whole[high][1])]
            filled[low : high + 1] = [(filled[low][0] | filled[high][0], filled[low][1] | filled[high][1])]
    return made


def column_of(piece: LinePiece, columns: Sequence[Extent]) -> int:
    """Return the column that a piece covers most of, or that is nearest; of those of a wide one, the first."""
    left, right = piece.inner_left, piece.right
    shares = [(min(right, high) - max(left, low)) / max(1.0, min(right - left, high - low)) for low, high in columns]
    best = max(shares)
    return next(i for i, share in enumerate(shares) if share >= min(best, 0.9))


def cells_of(row: LineRow, columns: Sequence[Extent]) -> list[list[Word]]:
    cells: list[list[Word]] = [[] for _ in columns]
    for piece in row.pieces:
        cells[column_of(piece, columns)] += piece.words
    return cells


def is_aligned(rows: Sequence[LineRow], columns: Sequence[Extent]) -> bool:
    """Tell whether most cells of most columns begin or have their middle at one place, or, if figures, end there.

    Where the first column begins, and text of the last one ends, says nothing: all lines do so there.
    """
    by_column: list[list[LinePiece]] = [[] for _ in columns]
    for row in rows:
        for piece in row.pieces:
            by_column[column_of(piece, columns)].append(piece)
    near = _NEAR * rows[0].size
    from_right = columns[0][0] > columns[-1][0]
    good = [len(cells) > 1 and _share(cells, near, from_right=from_right) >= _ALIGNED for cells in by_column]
    return sum(good[1:]) >= len(columns) / 2 or (len(columns) == 2 and good[1])


def _share(cells: Sequence[LinePiece], near: float, *, from_right: bool) -> float:
    """Return which share of cells begins, or has its middle, or, if they are figures, ends at the same place."""
    lefts, rights = [cell.inner_left for cell in cells], [cell.right for cell in cells]
    middles = [(left + right) / 2 for left, right in zip(lefts, rights, strict=True)]
    begins, ends = (rights, lefts) if from_right else (lefts, rights)
    figures = sum(any(map(str.isdigit, cell.text)) for cell in cells) >= len(cells) / 2
    return max(_most(begins, near), _most(middles, near), _most(ends, near) if figures else 0.0)


def _most(places: list[float], near: float) -> float:
    places = sorted(places)
    first, best = 0, 0
    for last, place in enumerate(places):
        while place - places[first] > near:
            first += 1
        best = max(best, last - first + 1)
    return best / len(places)


def is_amount(cell: str) -> bool:
    return bool(_AMOUNT.fullmatch(cell)) and not _YEAR.fullmatch(cell)
