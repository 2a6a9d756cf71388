"""Finds the rows of tables next to a place in a text: what a sentence that leads to a table, or a piece of one, lacks.

    Our revenue by market:                  a passage that ends here is given all that follows

    | 2023 | 2022
    Gaming | $ 2,856 | $ 1,574

Knows text alone, of whatever format: rows are lines with bars.
"""

from __future__ import annotations

from groundtune.knowledge.splitting import TABLE_ROW, Span

_BETWEEN = 150  # characters of other lines, such as a caption, from one row to the next or to the passage, at most


def with_rows(text: str, span: Span, most: int) -> Span:
    """Return `span` with the rows right behind it and before it, as many as fit into `most` characters.

    Lines such as a caption may stand between. No row is cut.
    """
    start, end = span
    end = _behind(text, end, start + most)
    return _before(text, start, end - most), end


def _behind(text: str, end: int, ceiling: int) -> int:
    place, between, last = end, 0, min(ceiling, len(text))
    while place < last and between <= _BETWEEN:
        newline = text.find("\n", place, last + 1)
        stop = len(text) if newline < 0 else newline
        if stop > last:
            break
        if TABLE_ROW.match(text, place, stop):
            end, between = stop, 0
        else:
            between += len(text[place:stop].strip())
        place = stop + 1
    return end


def _before(text: str, start: int, floor: int) -> int:
    place, between, first = start, 0, max(floor, 0)
    while place > first and between <= _BETWEEN:
        begin = text.rfind("\n", max(first - 1, 0), place - 1) + 1
        if begin < first:
            break
        if TABLE_ROW.match(text, begin, place):
            start, between = begin, 0
        else:
            between += len(text[begin:place].strip())
        place = begin
    return start
