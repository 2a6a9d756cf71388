"""The text of a shape: its paragraphs as lines, items of lists with their marks, numbers and levels.

Whether a paragraph is an item is said by itself, or else by a style that it inherits for its level. Knows no place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groundtune.knowledge.readers._builder import LINE, PARAGRAPH
from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.content import chosen
from groundtune.knowledge.readers._office.numerals import in_letters, roman
from groundtune.knowledge.readers._office.paragraphs import text_of
from groundtune.knowledge.readers._ooxml import Element, child, children, name, number, value

BULLET = "-"
_INDENT = "  "
_LONG_LINE = 200  # characters; a longer one is a paragraph
_DEEPEST = 8  # a:lvl9pPr
_LARGEST_START = 32_767  # ST_TextBulletStartAtNum
_MARKS = frozenset("a:buNone a:buChar a:buAutoNum a:buBlip".split())
_SCHEME = re.compile(r"(alphaLc|alphaUc|romanLc|romanUc)?.*?(ParenBoth|ParenR|Plain)?")
_DIGITS: dict[str | None, Callable[[int], str]] = {
    "alphaLc": in_letters,
    "alphaUc": lambda count: in_letters(count).upper(),
    "romanLc": roman,
    "romanUc": lambda count: roman(count).upper(),
}
_FORMS = {"ParenBoth": "({})", "ParenR": "{})", "Plain": "{}"}


@dataclass(frozen=True, slots=True)
class ListLine:
    """A paragraph: its level, 0 for the outermost, its mark ("-", "2.", or nothing) and what it says."""

    level: int
    mark: str
    text: str
    after_blank: bool = False


def lines_of(body: Element, inherited: Sequence[Element], left_out: Omissions) -> list[ListLine]:
    """Return the paragraphs below `body` that say something; `inherited` are list styles, the nearest first."""
    styles = [*children(body, "a:lstStyle"), *inherited]
    numbers = _Numbers()
    lines: list[ListLine] = []
    blank = False
    for paragraph in _paragraphs(body):
        text = text_of(paragraph, left_out).strip()
        if text:
            level, mark = numbers.mark(paragraph, styles)
            lines.append(ListLine(level, mark, text, blank))
        blank = not text
    return lines


def block(lines: Sequence[ListLine]) -> str:
    """Return lines as one text: items below one another, deeper ones indented, paragraphs apart."""
    outermost = min((line.level for line in lines), default=0)
    pieces: list[str] = []
    before = 0
    for line in lines:
        if pieces:
            apart = line.after_blank or max(before, len(line.text)) > _LONG_LINE
            pieces.append(PARAGRAPH if apart else LINE)
        pieces.append(_INDENT * (line.level - outermost) + f"{line.mark} {line.text}".strip())
        before = len(line.text)
    return "".join(pieces)


def _paragraphs(body: Element) -> Iterator[Element]:
    stack = list(body)[::-1]
    while stack:
        element = stack.pop()
        kind = name(element)
        if kind == "a:p":
            yield element
        elif kind == "mc:AlternateContent":
            branch = chosen(element)
            stack += [] if branch is None else [branch]
        else:
            stack += list(element)[::-1]


class _Numbers:
    """Counts the items of a shape. An item of the same scheme goes on counting unless one further out, or one of its
    own level without a number, stood between them.
    """

    def __init__(self) -> None:
        self._counts: dict[int, tuple[str, int, int]] = {}  # by level: scheme, first number, last number

    def mark(self, paragraph: Element, styles: Sequence[Element]) -> tuple[int, str]:
        """Return the level and the mark of the next paragraph."""
        properties = child(paragraph, "a:pPr")
        level = min(number(value(properties, "lvl")), _DEEPEST)
        said = _said([properties, *(child(style, f"a:lvl{level + 1}pPr") for style in styles)])
        for deeper in [each for each in self._counts if each > level]:
            del self._counts[deeper]
        if said is None or name(said) != "a:buAutoNum":
            self._counts.pop(level, None)
            return level, "" if said is None or name(said) == "a:buNone" else BULLET
        scheme = value(said, "type") or ""
        first = min(number(value(said, "startAt") or "1"), _LARGEST_START)
        last = self._counts.get(level)
        count = last[2] + 1 if last is not None and last[:2] == (scheme, first) else first
        self._counts[level] = scheme, first, count
        return level, _numbered(scheme, count)


def _said(levels: Sequence[Element | None]) -> Element | None:
    for properties in levels:
        for each in () if properties is None else properties:
            if name(each) in _MARKS:
                return each
    return None


def _numbered(scheme: str, count: int) -> str:
    match = _SCHEME.fullmatch(scheme)
    digits, form = match.groups() if match else (None, None)
    return _FORMS.get(form or "", "{}.").format(_DIGITS.get(digits, str)(count))
