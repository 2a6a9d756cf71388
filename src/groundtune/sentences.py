"""Splitting text into sentences with their places, and comparing them by the words they share.

Pure. Made for answers and for documents of companies: prices, abbreviations, tables and lists, and lines that a PDF
broke in the middle of a sentence. English rules, and the full stops of other scripts; it knows no grammar. Takes time
in proportion to the text, whatever stands in it.

>>> text = "It costs €24.90, incl. VAT. Ask us!"
>>> [text[start:end] for start, end in sentence_spans(text)]
['It costs €24.90, incl. VAT.', 'Ask us!']
>>> text = "请拨打我们的电话。谢谢！"
>>> [text[start:end] for start, end in sentence_spans(text)]
['请拨打我们的电话。', '谢谢！']
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from groundtune.comparing import tokens
from groundtune.text import FUNCTION_WORDS

# Marks that end a sentence where a blank follows: European, Arabic, Urdu, Indian, Tibetan, Ethiopic, Armenian.
SPACED_ENDS = ".!?…؟۔।॥།።፧։"
# Marks that end one without a blank: Chinese, Japanese, Burmese, Khmer. A full-width point may stand in a number.
UNSPACED_ENDS = "。！？｡．။។៕"
CLOSING = "\"'”’)」』）】》〉〕"  # what may stand behind such a mark and belongs to its sentence
UNWRAPPED_LINE = 40  # a line narrower than this, in columns, was not broken because the page was full
_ABBREVIATIONS = frozenset("e.g i.e incl excl approx mr mrs ms dr vs st fig art sec ca tel resp".split())
_LONGEST_ABBREVIATION = max(map(len, _ABBREVIATIONS))
_END = re.compile(
    rf"(?<![{SPACED_ENDS}])[{SPACED_ENDS}]++[{CLOSING}*]*+\s++(?=[^\sa-z])"
    rf"|[{UNSPACED_ENDS}](?!\d|[{SPACED_ENDS}{UNSPACED_ENDS}])[{CLOSING}]*+\s*+(?=\S)"
)
_LETTER = re.compile(r"\w")
_LAST_WORD = re.compile(r"[\w.]*$")
_CELLS = re.compile(r"\t|\s\|\s")
_ITEM = re.compile(r"\s*(?:[-*+•>#|]|\d+[.)]\s)")
_ENUMERATOR = re.compile(r"\s*\d+")
_LEADING = re.compile(r"(?:[-*+•>#|\s]|\d+[.)]\s)*+")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence, list item, heading and table row, in order.

    White space, list markers and the outer bars of a table row are left out, and so is a rule of dashes.
    """
    spans = []
    for start, end in _blocks(text):
        cuts = [start, *_sentence_ends(text, start, end), end]
        spans += [_trimmed(text, first, last) for first, last in pairwise(cuts)]
    return [(start, end) for start, end in spans if _LETTER.search(text, start, end)]


def without_repetition(text: str) -> str:
    """Return `text` up to where it begins to say again, word for word, what it has said.

    For replies of models that went round in circles. Sentences of one word ("Yes.") may stand twice.

    >>> without_repetition("It takes 90 days. It takes 90 days. It takes")
    'It takes 90 days.'
    """
    seen: set[str] = set()
    for start, end in sentence_spans(text):
        sentence = " ".join(text[start:end].casefold().split())
        if sentence in seen:
            return text[:start].rstrip(" \t\n-*+•>#|")
        if " " in sentence:
            seen.add(sentence)
    return text


def comparable(text: str) -> set[str]:
    """Return the content words of `text`, singular and plural alike; `comparing.common` tells which two texts share.

    >>> sorted(comparable("The plans cost €1,000.50 each"))
    ['1000.5', 'cost', 'each', 'eur', 'plan']
    """
    return {_base(word) for word in tokens(text) if word not in FUNCTION_WORDS}


def _base(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.isalpha() and word.endswith("s") and not word.endswith("ss") else word


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield spans that no sentence crosses: runs of lines that were only broken because the page was full."""
    start = offset = 0
    lines = text.split("\n")
    for line, following in pairwise([*lines, ""]):
        end = offset + len(line)
        offset = end + 1
        if not _goes_on(line, following):
            yield start, end
            start = offset


def _goes_on(line: str, following: str) -> bool:
    stripped = line.strip()
    return (
        _width(stripped) >= UNWRAPPED_LINE
        and stripped[-1] not in ".!?:;|"
        and not _CELLS.search(line)
        and not _CELLS.search(following)
        and not stripped.startswith("#")
        and bool(following.strip())
        and not _ITEM.match(following)
    )


def _width(line: str) -> int:
    """Return how many columns a line takes: a Chinese, Japanese or Korean character takes two."""
    return len(line) if line.isascii() else len(line) + sum(unicodedata.east_asian_width(each) in "WF" for each in line)


def _sentence_ends(text: str, start: int, end: int) -> list[int]:
    number = _ENUMERATOR.match(text, start, end)
    enumerated = number.end() if number else -1
    return [
        match.end()
        for match in _END.finditer(text, start, end)
        if match.start() != enumerated or text[match.start()] != "."
        if not _is_abbreviation(text, start, match)
    ]


def _is_abbreviation(text: str, start: int, end: re.Match[str]) -> bool:
    if text[end.start()] != ".":
        return False
    # One character more than the longest abbreviation tells a longer word from all of them.
    match = _LAST_WORD.search(text[max(start, end.start() - _LONGEST_ABBREVIATION - 1) : end.start()])
    word = match.group().casefold() if match else ""
    return (
        word in _ABBREVIATIONS
        or (word == "no" and text[end.end() : end.end() + 1].isdigit())
        or (len(word) == 1 and word.isalpha())
    )


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    leading = _LEADING.match(text, start, end)
    first = leading.end() if leading else start
    while end > first and (text[end - 1] == "|" or text[end - 1].isspace()):
        end -= 1
    return first, end
