"""One form for the ways in which Unicode writes the same text, with the place in the original of every character.

Composed and decomposed letters, ligatures, full-width forms, kinds of dash, quotation mark and blank become one; what
is invisible goes, and so do ™, ® and ©. Superscripts and fractions are not flattened: 10² becomes 10^2, never 102.
Letters keep their case. Knows no words and no numbers.

Source: Unicode Standard Annex 15 (NFKC) and, for the marks that NFKC leaves apart, Unicode's general punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

REMEMBERED = 128  # texts with the places of their characters: the documents that quotes are looked up in
_INVISIBLE = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
_MARKS = "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0670\u093c\u1160-\u11ff\u20d0-\u20ff\u3099\u309a"
_BROKEN = r"\u00ad[ \t]*\r?\n[ \t]*"  # a word that was broken at the end of a line
_HIDDEN = re.compile(rf"{_BROKEN}|[{_INVISIBLE}]")
_RAISED = "[⁺⁻]?[⁰¹²³⁴-⁹]+"
_FRACTIONS = "[¼-¾⅐-⅞↉]"
_NOT_FLATTENED = re.compile(rf"{_RAISED}|{_FRACTIONS}")
_CLUSTER = re.compile(
    rf"[\x00-\x7f]+(?![{_MARKS}{_INVISIBLE}])|{_BROKEN}|{_RAISED}|{_FRACTIONS}|(?s:.)(?:{_BROKEN}|[{_MARKS}{_INVISIBLE}])*"
)
_ONE_FORM = str.maketrans(
    dict.fromkeys("‘’‚‛ʼ´`", "'")
    | dict.fromkeys("“”„‟«»‹›", '"')
    | dict.fromkeys("‐‑‒–—―−﹘﹣", "-")
    | dict.fromkeys("™℠®©", "")
    | dict.fromkeys("⁄∕", "/")
    | {"×": "x"}
)


def fold(text: str) -> str:
    """Return `text` in the one form.

    >>> fold("Pre\u00adpaid o\ufb03ce – 10² m, 1½ “years”")
    'Prepaid office - 10^2 m, 1 1/2 "years"'
    """
    if text.isascii():
        return text.translate(_ONE_FORM) if "`" in text else text
    seen = _NOT_FLATTENED.sub(_not_flattened, _HIDDEN.sub("", text))
    return unicodedata.normalize("NFKC", seen.translate(_ONE_FORM))


@lru_cache(maxsize=REMEMBERED)
def fold_with_places(text: str) -> tuple[str, list[int], list[int]]:
    """Return the one form of `text`, and where in `text` what each of its characters was made of begins and ends."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CLUSTER.finditer(text):
        start, end = match.span()
        piece = match[0].translate(_ONE_FORM)
        if not match[0].isascii():
            before = text[start - 1 : start]
            piece = _not_flattened(match, before) if _NOT_FLATTENED.fullmatch(match[0]) else fold(match[0])
            starts += [start] * len(piece)
            ends += [end] * len(piece)
        else:
            starts += range(start, end)
            ends += range(start + 1, end + 1)
        pieces.append(piece)
    return "".join(pieces), starts, ends


def _not_flattened(match: re.Match[str], before: str | None = None) -> str:
    plain = unicodedata.normalize("NFKC", match[0]).replace("−", "-")
    if "⁄" not in plain:
        return f"^{plain}"
    before = match.string[match.start() - 1 : match.start()] if before is None else before
    return (" " if before.isdigit() else "") + plain.replace("⁄", "/")
