"""Splitting text into sentences with their places, and comparing them by the words they share.

Pure. Made for answers and for documents of companies: prices, abbreviations, tables and lists, and lines that a PDF
broke in the middle of a sentence. English rules; it knows no grammar.

>>> text = "It costs €24.90, incl. VAT. Ask us!"
>>> [text[start:end] for start, end in sentence_spans(text)]
['It costs €24.90, incl. VAT.', 'Ask us!']
"""

from __future__ import annotations

import re
from itertools import pairwise

from groundtune.comparing import tokens
from groundtune.text import FUNCTION_WORDS

UNWRAPPED_LINE = 40  # a line shorter than this, in characters, was not broken because the page was full
_ABBREVIATIONS = frozenset("e.g i.e incl excl approx mr mrs ms dr vs st fig art sec ca tel resp".split())
_END = re.compile(r"[.!?…]+[\"'”’)*]*\s+(?=[^\sa-z])")
_LETTER = re.compile(r"\w")
_LAST_WORD = re.compile(r"[\w.]*$")
_CELLS = re.compile(r"\t|\s\|\s")
_ITEM = re.compile(r"\s*(?:[-*+•>#|]|\d+[.)]\s)")
_ENUMERATOR = re.compile(r"\s*\d+$")
_LEADING = re.compile(r"(?:[-*+•>#|\s]|\d+[.)]\s)*")
_TRAILING = re.compile(r"[|\s]*$")


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


def _blocks(text: str) -> list[tuple[int, int]]:
    """Return spans that no sentence crosses: runs of lines that were only broken because the page was full."""
    spans: list[tuple[int, int]] = []
    offset = 0
    joined = False
    lines = text.split("\n")
    for number, line in enumerate(lines):
        end = offset + len(line)
        spans = [*spans[:-1], (spans[-1][0], end)] if joined else [*spans, (offset, end)]
        joined = number + 1 < len(lines) and _goes_on(line, lines[number + 1])
        offset = end + 1
    return spans


def _goes_on(line: str, following: str) -> bool:
    stripped = line.strip()
    return (
        len(stripped) >= UNWRAPPED_LINE
        and stripped[-1] not in ".!?:;|"
        and not _CELLS.search(line)
        and not _CELLS.search(following)
        and not stripped.startswith("#")
        and bool(following.strip())
        and not _ITEM.match(following)
    )


def _sentence_ends(text: str, start: int, end: int) -> list[int]:
    return [
        match.end()
        for match in _END.finditer(text, start, end)
        if not _is_abbreviation(text[start : match.start()], text[match.start()], text[match.end() :][:1])
    ]


def _is_abbreviation(before: str, mark: str, following: str) -> bool:
    if mark != ".":
        return False
    match = _LAST_WORD.search(before)
    word = match.group().casefold() if match else ""
    return (
        word in _ABBREVIATIONS
        or (word == "no" and following.isdigit())
        or (len(word) == 1 and word.isalpha())
        or _ENUMERATOR.fullmatch(before) is not None
    )


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    leading = _LEADING.match(text, start, end)
    first = leading.end() if leading else start
    trailing = _TRAILING.search(text[first:end])
    return first, first + trailing.start() if trailing else end
