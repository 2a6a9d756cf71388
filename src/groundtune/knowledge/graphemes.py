"""Cutting between characters as people see them, not within: a letter and its accents, an emoji of several parts.

The main rules of Unicode Standard Annex 29, which fit on a page; knows no words and no sizes.
"""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_LONGEST = 32  # code points looked at in one character: what goes on is not text
_SKIN = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)  # a flag is two of them
_TAGS = range(0xE0020, 0xE0080)
_JAMO = range(0x1160, 0x1200)  # vowels and last consonants of a Korean syllable written in parts


def cut_before(text: str, start: int, end: int) -> int:
    """Return the last place after `start` and up to `end` where no character is cut in two; `end` if there is none.

    A character begins at `start`.
    """
    if end >= len(text):
        return end
    lowest = max(start, end - _LONGEST)
    return next((place for place in range(end, lowest, -1) if not _joined(text, start, place)), end)


def _joined(text: str, start: int, place: int) -> bool:
    """Tell whether the code point at `place` belongs to the character before it."""
    before, here = text[place - 1], text[place]
    if before.isspace():
        return False
    if here == _JOINER or before == _JOINER:
        return True
    code = ord(here)
    if code in _FLAGS:
        return _flags_before(text, start, place) % 2 == 1
    return unicodedata.category(here)[0] == "M" or code in _SKIN or code in _TAGS or code in _JAMO


def _flags_before(text: str, start: int, place: int) -> int:
    first = place
    while first > start and ord(text[first - 1]) in _FLAGS:
        first -= 1
    return place - first
