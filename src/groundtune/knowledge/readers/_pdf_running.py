"""Finds running heads: lines at the edge of most pages that say the same, page numbers aside.

A page number counts up with the pages; any other number that differs makes a line different. A head that stands only on
some pages in a row, as that of a chapter, stays on the first of them. Knows nothing of pdfium.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
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
_LETTER = re.compile(r"[^\W\d_]")
_CALLED = re.compile(r"\b(?:page|p|seite|s|página|pagina|pág|str|стр|σελ)\.?\W*$")
_SAME = 1.05  # times the size of the text
_APART = 1.8  # times the size: a head stands so far from the text
_SMALLER = 0.93  # of the size of the text
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}

PageRows = tuple[int, Sequence[LineRow]]  # number, rows from top to bottom


def without_running_heads(pages: Sequence[PageRows]) -> list[list[LineRow]]:
    """Return the rows of each page without its running heads."""
    body = _usual_size(pages)
    heads = _repeated([(number, rows[:_DEEPEST]) for number, rows in pages], body)
    feet = _repeated([(number, rows[: -_DEEPEST - 1 : -1]) for number, rows in pages], body)
    made: list[list[LineRow]] = []
    alone = sum(len(rows) == 1 for _, rows in pages) > sum(len(rows) > 1 for _, rows in pages)
    for _, rows in pages:
        if alone and len(rows) == 1:  # most pages have one line: it is what the file says
            made.append(list(rows))
            continue
        first = _peeled(rows[:_DEEPEST], heads)
        last = _peeled(rows[first:][: -_DEEPEST - 1 : -1], feet)
        made.append(list(rows[first : len(rows) - last]))
    return made


def _usual_size(pages: Sequence[PageRows]) -> float:
    weights = Counter[float]()
    for _, rows in pages:
        for row in rows:
            weights[row.size] += len(row.text)
    return weights.most_common(1)[0][0] if weights else 0.0


def _repeated(pages: Sequence[PageRows], body: float) -> set[int]:
    """Return the (identities of) lines that stand on most pages, or on most left or right ones."""
    seen: dict[str, list[tuple[int, LineRow]]] = defaultdict(list)
    for number, lines in pages:
        for row in lines:
            for key in _shapes(row, number, body):
                seen[key].append((number, row))
    got: set[int] = set()
    total = len(pages)
    by_side = [sum(number % 2 == side for number, _ in pages) for side in (0, 1)]
    for alike in seen.values():
        numbers = {number for number, _ in alike}
        sides = [sum(number % 2 == side for number in numbers) for side in (0, 1)]
        most = len(numbers) >= total / 2 or any(
            count > whole / 2 for count, whole in zip(sides, by_side, strict=True) if whole >= _FEWEST
        )
        if len(numbers) >= _FEWEST and most:
            got |= {id(row) for _, row in alike}
        else:
            got |= _repeated_in_a_row(alike)
    return got


def _repeated_in_a_row(alike: Sequence[tuple[int, LineRow]]) -> set[int]:
    """Return the lines that repeat what some pages in a row say, as the head of a chapter does, without the first."""
    runs: list[list[tuple[int, LineRow]]] = []
    for number, row in alike:
        if runs and number <= runs[-1][-1][0] + 1:
            runs[-1].append((number, row))
        else:
            runs.append([(number, row)])
    long = [run for run in runs if run[-1][0] - run[0][0] + 1 >= _FEWEST]
    return {id(row) for run in long for number, row in run if number > run[0][0]}


def _shapes(row: LineRow, page: int, body: float) -> set[str]:
    """Return what a line says: as it is, and with what may be the number of the page as its distance from the page.

    That number is said to be one, or stands first or last in a line that is not larger than the text. Beside other
    words it is no larger than the page's own, as counting begins at 1: "Step 7" on page 2 is a title.
    """
    folded = " ".join(row.text.casefold().split())
    shapes = {folded}
    for match in _NUMBER.finditer(folded):
        value = _value(match[0])
        before, after = folded[: match.start()], folded[match.end() :]
        at_an_end = not _LETTER.search(before) or not _LETTER.search(after)
        bare = not _LETTER.search(before) and not _LETTER.search(after)
        if value is None or not (
            bare or _CALLED.search(before) or (at_an_end and row.size <= body * _SAME and value <= page)
        ):
            continue
        number = f"\0{value - page}\0"
        shapes.add(before + number + after)
        shapes.add(re.sub(rf"(?<!\w){match[0]}(?!\w)", number, folded))
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
