"""Finds running heads: lines at the edge of most pages that say the same, page numbers aside.

A page number counts up with the pages; any other number that differs makes a line different. Knows nothing of pdfium.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from groundtune.knowledge.readers._pdf_lines import LineRow

_DEEPEST = 4  # lines of a head
_FEWEST = 3  # pages
_NUMBER = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE = re.compile(
    r"\W*(?:(?:page|pages|p|pp|pg|seite|s|página|pagina|pág|str|стр|σελ)\.?\W*)?(?:\d{1,5}|[ivxlc]+)"
    r"(?:\W{1,3}(?:(?:of|von|de|di|sur|из|z)\W)?\d{1,5})?\W*",
    re.IGNORECASE,
)
_APART = 1.8  # times the size: a head stands so far from the text
_SMALLER = 0.93  # of the size of the text
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

PageRows = tuple[int, Sequence[LineRow]]  # number, rows from top to bottom


def running(pages: Sequence[PageRows]) -> list[tuple[int, int]]:
    """Return for each page how many of its first and of its last lines are running heads."""
    heads = _repeated([(number, rows[:_DEEPEST]) for number, rows in pages])
    feet = _repeated([(number, rows[: -_DEEPEST - 1 : -1]) for number, rows in pages])
    made = []
    alone = sum(len(rows) == 1 for _, rows in pages) > sum(len(rows) > 1 for _, rows in pages)
    for number, rows in pages:
        if alone and len(rows) == 1:  # most pages have one line: it is what the file says
            made.append((0, 0))
            continue
        first = _peeled(rows[:_DEEPEST], heads[number])
        last = _peeled(rows[first:][: -_DEEPEST - 1 : -1], feet[number])
        made.append((first, last))
    return made


def _repeated(pages: Sequence[tuple[int, Sequence[LineRow]]]) -> dict[int, set[int]]:
    """Return, by page number, the (identities of) lines that stand on most pages, or on most left or right ones."""
    seen: dict[str, list[tuple[int, LineRow]]] = defaultdict(list)
    for number, lines in pages:
        for row in lines:
            for key in _shapes(row.text, number):
                seen[key].append((number, row))
    got: dict[int, set[int]] = {number: set() for number, _ in pages}
    total = len(pages)
    by_side = [sum(number % 2 == side for number, _ in pages) for side in (0, 1)]
    for alike in seen.values():
        numbers = {number for number, _ in alike}
        sides = [sum(number % 2 == side for number in numbers) for side in (0, 1)]
        most = len(numbers) >= total / 2 or any(
            count > whole / 2 for count, whole in zip(sides, by_side, strict=True) if whole >= _FEWEST
        )
        if len(numbers) >= _FEWEST and most:
            for number, row in alike:
                got[number].add(id(row))
    return got


def _shapes(text: str, page: int) -> set[str]:
    """Return what a line says: as it is, and with each number in turn as its distance from the page."""
    folded = " ".join(text.casefold().split())
    shapes = {folded}
    for match in _NUMBER.finditer(folded):
        value = _value(match[0])
        if value is not None:
            number = f"\\0{value - page}\\0"
            shapes.add(folded[: match.start()] + number + folded[match.end() :])
            shapes.add(re.sub(rf"(?<!\\w){match[0]}(?!\\w)", number, folded))
    return shapes


def _value(said: str) -> int | None:
    if said.isdigit():
        return int(said) if len(said) <= 5 else None
    values = [_ROMAN[letter] for letter in said.lower()]
    return sum(-value if value < following else value for value, following in pairwise([*values, 0]))


def _peeled(rows: Sequence[LineRow], repeated: set[int]) -> int:
    """Return how many lines from the edge inwards are repeated and set apart from the text.

    They are farther from it than its lines are from each other, or in another size, or only a page number. A row of a
    table that goes on is none.
    """
    count = 0
    while count < len(rows) and id(rows[count]) in repeated:
        count += 1
    if count == len(rows) == 1:
        return 1
    count = min(count, len(rows) - 1)
    while count > 0:
        row, following = rows[count - 1], rows[count]
        apart = abs(row.base - following.base) >= _APART * max(row.size, following.size)
        smaller = row.size <= _SMALLER * following.size
        if (apart or smaller or _PAGE.fullmatch(row.text)) and not _is_table_row(row, following):
            break
        count -= 1
    return max(0, count)


def _is_table_row(row: LineRow, following: LineRow) -> bool:
    """Tell whether a line has cells, and the next one inwards has cells below them."""
    if len(row.pieces) < 2 or len(following.pieces) != len(row.pieces):
        return False
    close = abs(row.base - following.base) <= 2.5 * max(row.size, following.size)
    return close and all(
        one.left < other.right and other.left < one.right
        for one, other in zip(row.pieces, following.pieces, strict=True)
    )
