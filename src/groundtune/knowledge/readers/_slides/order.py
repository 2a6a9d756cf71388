"""The order in which boxes on a slide are read: from top to bottom, within a row from left to right.

Rows and columns are found by cutting the slide where no box is, again and again (recursive XY-cut, Nagy & Seth 1984).
Knows no shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

SLACK = 91_440  # EMU, a tenth of an inch: boxes are drawn by hand and overlap a little
_TIGHT = 3.5 * SLACK  # between boxes made smaller by the slack: a heading and the text below it belong together
_MOST = 300  # boxes; more are sorted by their corners


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in EMU (English Metric Units, 914,400 to an inch) from the upper left corner."""

    left: int
    top: int
    right: int
    bottom: int

    def mirrored(self) -> Box:
        """Return the box on a slide that is read from right to left."""
        return Box(-self.right, self.top, -self.left, self.bottom)


def in_order(boxes: Sequence[Box | None]) -> list[int]:
    """Return the indices of boxes in the order of reading; those of an unknown place stay behind the one before."""
    placed = [at for at, box in enumerate(boxes) if box is not None]
    followers: dict[int, list[int]] = {}
    leader = -1
    for at, box in enumerate(boxes):
        if box is None:
            followers.setdefault(leader, []).append(at)
        else:
            leader = at
    order = followers.get(-1, [])
    for at in _ordered({at: _smaller(box) for at, box in enumerate(boxes) if box is not None}, placed):
        order += [at, *followers.get(at, [])]
    return order


def _smaller(box: Box) -> Box:
    across = min(SLACK, (box.right - box.left) // 4)
    down = min(SLACK, (box.bottom - box.top) // 4)
    return Box(box.left + across, box.top + down, box.right - across, box.bottom - down)


def _ordered(boxes: dict[int, Box], all_of_them: list[int]) -> Iterator[int]:
    stack = [all_of_them]
    while stack:
        region = stack.pop()
        parts = _cut(boxes, region) if 1 < len(region) <= _MOST else []
        if parts:
            stack += parts[::-1]
        else:
            yield from _by_corners(boxes, region)


def _cut(boxes: dict[int, Box], region: list[int]) -> list[list[int]]:
    """Return the parts of a region in order; none if no line parts it.

    Columns come before rows only where boxes stand close below one another and wide apart side by side, as headings
    with their texts.
    """
    rows, between_rows = _apart(region, {at: (boxes[at].top, boxes[at].bottom) for at in region})
    columns, between_columns = _apart(region, {at: (boxes[at].left, boxes[at].right) for at in region})
    if len(rows) > 1 and len(columns) > 1:
        return columns if between_rows <= _TIGHT and between_columns > between_rows else rows
    return rows if len(rows) > 1 else columns if len(columns) > 1 else []


def _apart(region: list[int], spans: dict[int, tuple[int, int]]) -> tuple[list[list[int]], int]:
    """Return the parts of a region between its widest gaps, and how wide these are."""
    ordered = sorted(region, key=lambda at: spans[at])
    gaps: list[tuple[int, int]] = []  # how wide, before which one
    end = spans[ordered[0]][1]
    for place, at in enumerate(ordered[1:], start=1):
        start, stop = spans[at]
        if start >= end:
            gaps.append((start - end, place))
        end = max(end, stop)
    widest = max((wide for wide, _ in gaps), default=0)
    cuts = [0, *(place for wide, place in gaps if wide >= widest - SLACK), len(ordered)]
    return [ordered[start:stop] for start, stop in pairwise(cuts)], widest


def _by_corners(boxes: dict[int, Box], region: list[int]) -> list[int]:
    """Return overlapping boxes by their upper left corners; tops that nearly agree are one row."""
    rows: list[list[int]] = []
    for at in sorted(region, key=lambda at: boxes[at].top):
        if rows and boxes[at].top - boxes[rows[-1][0]].top <= SLACK:
            rows[-1].append(at)
        else:
            rows.append([at])
    return [at for row in rows for at in sorted(row, key=lambda at: boxes[at].left)]
