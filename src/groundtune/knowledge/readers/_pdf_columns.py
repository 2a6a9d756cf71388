"""Finds columns of text that stand side by side, and the order in which parts of a page are read.

A gutter is a gap that no line crosses, over several lines. Text on both sides of it is two columns if it flows, that
is if its lines are long and go on in the next one; otherwise it is a table, which is read row by row. Knows nothing
of what becomes of the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from groundtune.knowledge.readers._pdf_lines import LinePiece, LineRow
from groundtune.knowledge.readers._pdf_order import mostly_right_to_left
from groundtune.knowledge.readers._pdf_pages import RulingLines

_NARROWEST = 0.6  # of the size of letters: a narrower gap is no gutter
_FEWEST = 3  # lines on each side
_WINDOW = 6  # lines that a gutter is looked for in
_TRIES = 3  # of its gaps
_FARTHEST = 6.0  # times the size: a blank over both columns that is higher ends them
_LONG_LINE = 15  # characters
_LONG_CJK = 7
_FILLED = 0.5  # of the width of a column: so much of it do lines of text fill
_GOING_ON = 0.2  # of the lines of a text begin with a small letter
_LEVEL = 0.5  # of the lines of a side stand at the height of one of the other: rows of a table
_LONG_SIDE, _WORDY = 8, 5  # lines, words in a line
_FIGURES = 0.25  # of the characters: a side with more digits is a column of a table

Gutter = tuple[float, float]


def regions(rows: Sequence[LineRow], rules: RulingLines, *, from_right: bool | None = None) -> list[list[LineRow]]:
    """Return the rows of each part of a page, in the order in which the parts are read."""
    if from_right is None:
        from_right = mostly_right_to_left(row.text for row in rows)
    made: list[list[LineRow]] = []
    done = index = 0
    failed: list[tuple[Gutter, int]] = []
    while index < len(rows):
        failed = [each for each in failed if each[1] > index]
        got = _columns_from(rows, index, rules, failed)
        if got is None:
            index += 1
            continue
        stop, gutter = got
        start = _upward(rows, done, index, gutter)
        if rows[done:start]:
            made.append(list(rows[done:start]))
        sides = _sides(rows[start:stop], gutter)
        for side in sides[::-1] if from_right else sides:
            made += regions(side, rules, from_right=from_right)
        done = index = stop
    if rows[done:]:
        made.append(list(rows[done:]))
    return made


def _columns_from(
    rows: Sequence[LineRow], index: int, rules: RulingLines, failed: list[tuple[Gutter, int]]
) -> tuple[int, Gutter] | None:
    """Return where columns that begin in a row end, and the gutter between the first two."""
    for gap in _gaps(rows[index : index + _WINDOW])[:_TRIES]:
        if any(low <= gap[0] and gap[1] <= high for (low, high), _ in failed):
            continue
        stop, gutter = _downward(rows, index, gap)
        if stop - index >= _FEWEST and _are_columns(rows[index:stop], gutter, rules):
            return stop, gutter
        failed.append((gap, stop))
    return None


def _gaps(rows: Sequence[LineRow]) -> list[Gutter]:
    """Return what no piece of some rows covers, between two of them, the widest first."""
    extents = sorted((piece.left, piece.right) for row in rows for piece in row.pieces)
    gaps, end = [], extents[0][1]
    for left, right in extents:
        if left - end >= _NARROWEST * rows[0].size:
            gaps.append((end, left))
        end = max(end, right)
    return sorted(gaps, key=lambda gap: gap[0] - gap[1])


def _downward(rows: Sequence[LineRow], index: int, gutter: Gutter) -> tuple[int, Gutter]:
    stop = index
    while stop < len(rows):
        row = rows[stop]
        if stop > index and rows[stop - 1].base - row.base > _FARTHEST * row.size:
            break
        narrowed = _narrowed(gutter, row)
        if narrowed is None:
            break
        gutter = narrowed
        stop += 1
    return stop, gutter


def _upward(rows: Sequence[LineRow], done: int, index: int, gutter: Gutter) -> int:
    """Return where the columns begin: lines above that keep to one side, at the usual distance, belong to them."""
    while index > done and rows[index - 1].base - rows[index].base <= 2.5 * rows[index].size:
        row = rows[index - 1]
        if len(row.pieces) > 1 or not (row.right <= gutter[0] or row.left >= gutter[1]):
            break
        index -= 1
    return index


def _narrowed(gutter: Gutter, row: LineRow) -> Gutter | None:
    """Return what a row leaves free of a gutter; None if it crosses it."""
    low, high = gutter
    for piece in row.pieces:
        left, right = piece.left, piece.right
        if right <= low or left >= high:
            continue
        if left < low and right < high:
            low = right
        elif left > low and right > high:
            high = left
        else:
            return None
    return (low, high) if high - low >= _NARROWEST * row.size else None


def _sides(rows: Sequence[LineRow], gutter: Gutter) -> tuple[list[LineRow], list[LineRow]]:
    middle = (gutter[0] + gutter[1]) / 2
    left = [[piece for piece in row.pieces if piece.right <= middle] for row in rows]
    right = [[piece for piece in row.pieces if piece.right > middle] for row in rows]
    return [LineRow(pieces) for pieces in left if pieces], [LineRow(pieces) for pieces in right if pieces]


def _are_columns(rows: Sequence[LineRow], gutter: Gutter, rules: RulingLines) -> bool:
    sides = _sides(rows, gutter)
    if any(len(side) < _FEWEST for side in sides) or _are_ruled(rows, gutter, rules):
        return False
    if any(_is_figures(side) for side in sides):
        return False
    both = sum(row.left < gutter[0] and row.right > gutter[1] for row in rows)
    if both < _LEVEL * min(map(len, sides)):  # rows of a table stand at the same heights
        return True
    if not all(_is_text(side) for side in sides):
        return False
    return _one_after_the_other(*sides) or all(flows(side) for side in sides) or all(_is_wordy(side) for side in sides)


def _are_ruled(rows: Sequence[LineRow], gutter: Gutter, rules: RulingLines) -> bool:
    """Tell whether lines are drawn between rows, over the gutter."""
    over = {
        round(place)
        for place, low, high in rules.across
        if rows[-1].base < place < rows[0].base and low < gutter[0] and gutter[1] < high
    }
    return len(over) >= _FEWEST


def _is_figures(side: Sequence[LineRow]) -> bool:
    whole = "".join(row.text for row in side)
    return sum(map(str.isdigit, whole)) > _FIGURES * len(whole)


def _is_text(side: Sequence[LineRow]) -> bool:
    """Tell whether the lines of a side are long and fill it."""
    left, right = min(row.left for row in side), max(row.right for row in side)
    texts = [row.text for row in side]
    long = _LONG_CJK if is_cjk("".join(texts)) else _LONG_LINE
    widths = [row.right - row.left for row in side]
    return median(map(len, texts)) >= long and median(widths) >= _FILLED * (right - left)


def _is_wordy(side: Sequence[LineRow]) -> bool:
    """Tell whether nearly every line of a long side is as long as a sentence: cells of a table differ in length."""
    lengths = sorted(len(row.text.split()) for row in side)
    return len(side) >= _LONG_SIDE and lengths[len(side) // 10] >= _WORDY


def _one_after_the_other(left: Sequence[LineRow], right: Sequence[LineRow]) -> bool:
    """Tell whether the file has all of one side before the other."""
    one, other = [_order(row.pieces) for row in left], [_order(row.pieces) for row in right]
    return max(one) < min(other) or max(other) < min(one)


def _order(pieces: Sequence[LinePiece]) -> int:
    return min(piece.order for piece in pieces)


def flows(side: Sequence[LineRow]) -> bool:
    """Tell whether lines go on in the next one: small letters begin some, or most end at one edge."""
    starts = [row.text[:1] for row in side[1:]]
    if len(starts) < _FEWEST - 1:
        return False
    cased = [start for start in starts if start.islower() or start.isupper()]
    if len(cased) >= len(starts) / 2:
        return sum(map(str.islower, cased)) >= _GOING_ON * len(starts)
    edges = (max(row.right for row in side), min(row.left for row in side))
    near = side[0].size * 1.2
    return all(sum(abs(edge - end) <= near for edge, end in pairs) >= len(side) / 2 for pairs in _ends(side, edges))


def _ends(side: Sequence[LineRow], edges: Gutter) -> tuple[list[Gutter], list[Gutter]]:
    return [(edges[0], row.right) for row in side], [(edges[1], row.left) for row in side]


def is_cjk(text: str) -> bool:
    """Tell whether most letters of a text are Chinese, Japanese or Korean."""
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and sum("\u2e80" <= character <= "\uffef" for character in letters) > len(letters) / 2
