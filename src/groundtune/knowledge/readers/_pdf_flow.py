"""Puts the lines of a document together again: paragraphs that go on, words broken at the end of a line.

Knows lines with what layout says of them, and nothing of pages and tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from groundtune.knowledge.readers._pdf_columns import flows
from groundtune.knowledge.readers._pdf_lines import LineRow
from groundtune.knowledge.readers._pdf_order import mostly_right_to_left

_NARROWEST = 40  # characters; a line of narrower text goes on only if the next one shows it
_WIDER = 1.4  # times the usual distance of lines: a new paragraph
_LEAST_WIDER = 1.7  # times the size
_SLACK = 1.5  # times the size: text that is not justified leaves so much room at the end of a line
_INDENT = (0.8, 4.0)  # times the size: the first line of a paragraph
_ITEM = re.compile(r"\s*(?:[-*•▪◦–●○■□‣∙·]\s|\(?\d{1,2}[.)]\s|\(?[a-z][.)]\s)")
_NO_BLANKS = re.compile(
    "[\u2e80-\u303f\u3041-\u30ff\u31f0-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\u0e00-\u0eff\u1780-\u17ff\U00020000-\U0003ffff]"
)
_HANGUL = re.compile("[\uac00-\ud7a3]")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PREFIXES = frozenset("self non well all cross ex half high low long short mid multi e anti semi quasi vice".split())
_SUFFIXES = frozenset("based free wide like related term level scale style made led driven friendly specific".split())
_BEGINNINGS = frozenset(
    "with in on over under out up there where any some every can to for an no may mean more how".split()
)
_LEAST_TAIL = 4  # letters
_SUSPENDED = frozenset("and or to und oder bzw et ou".split())


@dataclass(frozen=True, slots=True)
class FlowLine:
    """A line of text: `full` says that no more word fitted into it, `begins` that layout begins something new here."""

    text: str
    size: float
    bold: bool
    page: int
    full: bool = False
    begins: bool = False
    spaced: bool = False
    narrow: bool = False

    @property
    def is_item(self) -> bool:
        """Return whether it begins an item of a list."""
        return bool(_ITEM.match(self.text))


def lines_of(rows: Sequence[LineRow], page: int, start: float, end: float) -> list[FlowLine]:
    """Return the lines of a part of a page that reaches from `start` to `end`, from top to bottom."""
    if not rows:
        return []
    from_right = mostly_right_to_left(row.text for row in rows)
    steps = [one.base - other.base for one, other in pairwise(rows)]
    usual = median(steps) if steps else 0.0
    narrow = max(len(row.text) for row in rows) < _NARROWEST and not flows(rows)
    made = []
    for index, row in enumerate(rows):
        before = rows[index - 1] if index else None
        following = rows[index + 1] if index + 1 < len(rows) else None
        room = row.left - start if from_right else end - row.right
        inwards = end - row.right if from_right else row.left - start
        outwards = 0.0 if before is None else end - before.right if from_right else before.left - start
        far = before is not None and before.base - row.base > max(_WIDER * usual, _LEAST_WIDER * row.size)
        indented = (
            before is not None
            and outwards < _INDENT[0] * row.size
            and _INDENT[0] * row.size <= inwards <= _INDENT[1] * row.size
        )
        made.append(
            FlowLine(
                row.text,
                row.size,
                row.bold,
                page,
                full=room < _first_word(following, row),
                begins=far or indented,
                spaced=row.spaced,
                narrow=narrow,
            )
        )
    return made


def _first_word(following: LineRow | None, row: LineRow) -> float:
    """Return the width that the next line's first word would have needed."""
    if following is None:
        return 4 * row.size
    first = max(following.words, key=lambda word: word.right) if following.from_right else following.words[0]
    return min(first.right - first.left, 12 * row.size) + _SLACK * row.size


class OwnWords:
    """What the document's own words say about a word that is broken at the end of a line."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._compounds: set[str] = set()
        broken = False
        for line in lines:
            got = [match[0] for match in _WORD.finditer(line.casefold())]
            first = 1 if broken else 0
            broken = _is_broken(line)
            for word in got[first : len(got) - 1 if broken else None]:
                (self._compounds if "-" in word else self._words).add(word)

    def joined(self, start: str, rest: str) -> str:
        """Return `start`, which ends in a hyphen, together with `rest`.

        The hyphen goes if the document has the word without it, and stays if it has the word with it. Otherwise it
        stays if both halves are words of their own, as in "long-term", and none of those that words begin with.
        """
        head, tail = _last_word(start[:-1]), _first_word_of(rest)
        if not tail or len(head) < 2 or start[-2:-1].isdigit() or not rest[:1].islower() or start[-3:-1].isupper():
            return start + rest
        if tail in _SUSPENDED and tail not in self._tails(head):
            return f"{start} {rest}"
        if head + tail in self._words or _same_end(head + tail, self._words):
            return start[:-1] + rest
        if f"{head}-{tail}" in self._compounds or "-" in head or head in _PREFIXES or tail in _SUFFIXES:
            return start + rest
        free = head in self._words and tail in self._words and len(tail) >= _LEAST_TAIL and head not in _BEGINNINGS
        return start + rest if free else start[:-1] + rest

    def _tails(self, head: str) -> set[str]:
        """Return the endings with which a word that begins so is known."""
        return {tail for tail in _SUSPENDED if head + tail in self._words}


def _is_broken(line: str) -> bool:
    return line.endswith("-") and line[-2:-1].isalpha()


def _same_end(whole: str, words: set[str]) -> bool:
    """Tell whether another form of a word is known: with or without a plural's s."""
    return f"{whole}s" in words or (whole.endswith("s") and whole[:-1] in words)


def _last_word(text: str) -> str:
    match = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*$", text)
    return match[0].casefold() if match else ""


def _first_word_of(text: str) -> str:
    match = re.match(r"[^\W\d_]+", text)
    return match[0].casefold() if match else ""


def joined(start: str, line: FlowLine, rest: str, vocabulary: OwnWords, *, blanks_drawn: bool) -> str:
    """Return the text of a paragraph, of which `line` was the last one, with `rest` after it."""
    if start.endswith("-") and start[-2:-1].isalnum():
        return vocabulary.joined(start, rest)
    one, other = start[-1:], rest[:1]
    if _NO_BLANKS.match(one) and _NO_BLANKS.match(other):
        return start + rest
    if _HANGUL.match(one) and _HANGUL.match(other) and blanks_drawn and not line.spaced:
        return start + rest
    return f"{start} {rest}"


def draws_blanks(lines: Iterable[FlowLine]) -> bool:
    """Tell whether Korean lines end with a blank where a word ends, so that one without goes on in the next."""
    return any(line.spaced and line.full and _HANGUL.match(line.text[-1:]) for line in lines)


def goes_on(line: FlowLine, following: FlowLine | None) -> bool:
    """Tell whether a paragraph goes on in the following line."""
    if following is None or following.size != line.size or following.is_item or following.begins:
        return False
    if _is_broken(line.text) and following.text[:1].islower():
        return True
    if not line.full:
        return False
    if not line.narrow:
        return True
    shown = following.text[:1].islower() or bool(_NO_BLANKS.match(following.text[:1]))
    return shown and not line.text.endswith((".", "!", "?", ":", ";", "。"))
