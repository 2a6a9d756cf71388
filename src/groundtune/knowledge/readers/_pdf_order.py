"""The order of letters in lines that run from right to left, wholly or in part.

A page has characters at places; what is wanted is the order in which they are read and typed. This is the Unicode
bidirectional algorithm (UAX #9) backwards, for the levels that occur in lines: letters of one direction, within them
words of the other one and numbers. Knows nothing of pages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

Glyph = tuple[float, float, str]  # left, right, character

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
_FORMS = re.compile("[\ufb1d-\ufdff\ufe70-\ufefc]")  # letters as they are drawn, not as they are typed
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_OTHER = "A-Za-z\u00c0-\u024f\u0370-\u052f"
_ALPHABETS = "\u05d0-\u05f2\u0620-\u064a\u066e-\u06d3"
_MET = re.compile(f"(?<=[{_OTHER}])(?=[{_ALPHABETS}])|(?<=[{_ALPHABETS}])(?=[{_OTHER}])")  # words, blank or not
_GAP = 0.15  # of the size: a wider gap is a blank
_LAM, _ALEFS = "\u0644", "\u0622\u0623\u0625\u0627\u0671"
# Files have brackets as they look or as they are typed. One that opens stands before a word, one that closes after it.
_MISTURNED = re.compile(r"(?<!\S)[)\]}](?=\S)|(?<=\S)[(\[{](?=[\s.,;:!?\u060c\u061b\u061f]|$)")
_MIRRORED = str.maketrans("()[]{}", ")(][}{")


def runs_right_to_left(text: str) -> bool:
    """Tell whether any letter of `text` does."""
    return bool(_RIGHT_TO_LEFT.search(text))


def mostly_right_to_left(texts: Iterable[str]) -> bool:
    """Tell whether more words run from right to left than from left to right."""
    balance = 0
    whole = list(texts)
    if not any(map(runs_right_to_left, whole)):
        return False
    for text in whole:
        for word in text.split():
            kinds = {unicodedata.bidirectional(character) for character in word}
            balance += bool(kinds & {"R", "AL"}) - ("L" in kinds and not kinds & {"R", "AL"})
    return balance > 0


def logical(glyphs: Sequence[Glyph], size: float) -> str:
    """Return the characters of a line in the order in which they are read."""
    items = _spaced(_clusters(glyphs), size)
    sides = [kind for kind in map(_kind, items) if kind in ("L", "R", "AL")]
    enclosed = "L" not in (sides[0], sides[-1]) if sides else False
    levels = _levels(items, from_right=enclosed or mostly_right_to_left(["".join(items)]))
    ordered = list(items)
    for lowest in (2, 1):
        _turn_runs(ordered, levels, lowest)
    text = " ".join(_MET.sub(" ", _MARKS.sub("", "".join(ordered))).split())
    return _MISTURNED.sub(lambda match: match[0].translate(_MIRRORED), text)


def _turn_runs(items: list[str], levels: list[int], lowest: int) -> None:
    """Turn round each run of items of at least a level, and their levels (rule L2)."""
    start = 0
    while start < len(items):
        stop = start
        while stop < len(items) and levels[stop] >= lowest:
            stop += 1
        items[start:stop] = items[start:stop][::-1]
        levels[start:stop] = levels[start:stop][::-1]
        start = max(stop, start + 1)


def _levels(items: Sequence[str], *, from_right: bool) -> list[int]:
    """Return the level of each item: 1 for letters from right to left, 2 for what runs against them, else 0."""
    kinds = [_kind(item) for item in items]
    _join_numbers(kinds)
    strong = ""
    base = 1 if from_right else 0
    levels: list[int | None] = []
    sides = ["L" if kind == "L" else "R" if kind in ("R", "AL") else "" for kind in kinds]
    to_the_right = _next_sides(sides)
    for index, kind in enumerate(kinds):
        strong = sides[index] or strong
        if kind in ("EN", "AN"):
            with_latin = strong == "L"  # as in "Python 3": it is part of it
            within = strong == "R" and to_the_right[index] == "R"
            levels.append(2 if from_right or within else 0)
            sides[index] = "L" if with_latin else "R" if from_right or within else ""
        else:
            levels.append({"L": 2 if from_right else 0, "R": 1}.get(sides[index]))
    return _neutral(levels, sides, base)


def _next_sides(sides: Sequence[str]) -> list[str]:
    """Return of each place which way the next letters to the right of it run."""
    made, following = [], ""
    for side in reversed(sides):
        made.append(following)
        following = side or following
    return made[::-1]


def _join_numbers(kinds: list[str]) -> None:
    """Make separators within a number, and signs at one, part of it (rules W4 and W5)."""
    following = _next_sides([kind if kind in ("L", "R", "AL") else "" for kind in kinds])
    for index, kind in enumerate(kinds):
        arabic = following[index] == "AL"  # after Arabic letters, signs are not part of a number
        before, after = kinds[index - 1] if index else "", kinds[index + 1] if index + 1 < len(kinds) else ""
        between = {before, after} <= {"EN", "AN"}
        if (between and (kind == "CS" or (kind == "ES" and not arabic))) or (
            kind == "ET" and not arabic and "EN" in (before, after)
        ):
            kinds[index] = "EN"


def _neutral(levels: Sequence[int | None], sides: Sequence[str], base: int) -> list[int]:
    """Give blanks and punctuation the level of letters that run the same way on both sides, or else the line's."""
    made: list[int] = []
    edge = "R" if base else "L"
    before, after = edge, _next_sides([*sides, edge])
    for index, level in enumerate(levels):
        if level is None:
            same = before if before == after[index] else edge
            level = 1 if same == "R" else 2 if base else 0
        made.append(level)
        before = sides[index] or before
    return made


def _kind(item: str) -> str:
    return next((kind for kind in map(unicodedata.bidirectional, item) if kind != "NSM"), "NSM")


def _clusters(glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Return what is drawn at one place as one item, from left to right; marks join the letter that they stand on."""
    bases = [glyph for glyph in glyphs if not unicodedata.combining(glyph[2][0])]
    marks = [glyph for glyph in glyphs if unicodedata.combining(glyph[2][0])]
    items: list[tuple[float, float, str]] = []
    for left, right, text in bases:
        if items and abs(items[-1][0] - left) < 0.01 and abs(items[-1][1] - right) < 0.01:
            items[-1] = (left, right, _ligature(items[-1][2], text))
        else:
            items.append((left, right, text))
    items.sort(key=lambda item: item[0] + item[1])
    for left, right, text in marks:
        middle = (left + right) / 2
        at = min(range(len(items)), key=lambda i: max(items[i][0] - middle, middle - items[i][1], 0.0), default=None)
        if at is None:
            items.append((left, right, text))
        else:
            items[at] = (*items[at][:2], items[at][2] + text)
    return [(left, right, _typed(text)) for left, right, text in items]


def _ligature(first: str, second: str) -> str:
    """Return the letters of a ligature in order: pdfium gives those from right to left backwards."""
    if second == _LAM and first[-1:] in _ALEFS:
        return second + first
    if (first[-1:] == _LAM and second in _ALEFS) or not runs_right_to_left(first + second):
        return first + second
    return second + first


def _typed(text: str) -> str:
    return unicodedata.normalize("NFKC", text) if _FORMS.search(text) else text


def _spaced(items: Sequence[Glyph], size: float) -> list[str]:
    made: list[str] = []
    end = None
    for left, right, text in items:
        if end is not None and left - end > size * _GAP:
            made.append(" ")
        made.append(text)
        end = right if end is None else max(end, right)
    return made
