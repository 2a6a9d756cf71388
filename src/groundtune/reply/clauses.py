"""A reply in clauses: small letters, short forms written out, cut where somebody begins to say something else.

Knows no kind of reply. The cuts are those that matter for telling a denial from what stands beside it:

>>> clauses("I don't know why it failed, but you can restart the router.")
['i do not know why it failed', 'you can restart the router']
"""

from __future__ import annotations

import re
import unicodedata

from groundtune.sentences import sentence_spans
from groundtune.text import without_markers

LONGEST_REPLY = 4000  # characters; a longer reply says something, whatever it says
_TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "？": "?", "！": "!"})
_EMPHASIS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)|^[ \t]*(?:#+|>)[ \t]*", re.MULTILINE)
_SPACE = re.compile(r"\s+")
_SHORT_FORMS = tuple(
    (re.compile(rf"\b{short}\b"), full)
    for short, full in (
        (r"ca(?:n'?t|nnot)", "can not"),
        (r"wo(?:n't)", "will not"),
        (r"ain't", "is not"),
        (r"(do|does|did|is|are|was|were|has|have|had|could|would|should|must)n't", r"\1 not"),
        (r"(do|does|did|is|are|was|has|have|could)nt", r"\1 not"),
        (r"i'?m", "i am"),
        (r"(you|we|they)'re", r"\1 are"),
        (r"(it|that|there|this|what|here|which)'s", r"\1 is"),
        (r"(i|you|we|they)'ve", r"\1 have"),
        (r"(i|you|we|they|it|that)'ll", r"\1 will"),
        (r"(i|you|we|they)'d", r"\1 would"),
        (r"dunno", "do not know"),
    )
)
_ENDS = re.compile(r"(?<=[.!?…])[\"')]*\s+|;\s*|:\s+|\s+[–—-]+\s+|—")
_STARTERS = (
    "it|this|that|these|those|they|you|he|she|i|we|the|try|please|maybe|perhaps|probably|just|possibly|"
    "go|call|contact|dial|use|press|open|check|restart|see|ask|visit|yes|no|feel|let"
)
TURNS = re.compile(
    rf"[,.]?\s*\b(?:but|however|nevertheless|nonetheless|that said|although|though|whereas)\b,?\s*"
    rf"|,\s*(?:and\s+|so\s+|then\s+|or\s+)?(?=(?:{_STARTERS})\b)"
    rf"|\s+(?:and|so)\s+(?=(?:i|we|they|you)\b)"
    rf"|,\s*(?=(?:as|since|because)\s+(?:i|we|it|they|the|this|that)\b)"
    rf"|,?\s+and\s+(?=(?:can|could|do|did)\s+not\b)"
)


def plain(text: str) -> str:
    """Return `text` in small letters on one line, without citation markers and emphasis, short forms written out.

    >>> plain("I’m afraid **I can’t** say [1].")
    'i am afraid i can not say.'
    """
    return expanded(_EMPHASIS.sub("", without_markers(text)))


def expanded(text: str) -> str:
    """Return `text` in small letters on one line, short forms written out."""
    text = _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY)).strip().casefold()
    for short, full in _SHORT_FORMS:
        text = short.sub(full, text)
    return text


def sentences(text: str) -> list[str]:
    """Return the sentences and list items of a reply, each as by `plain`."""
    bare = _EMPHASIS.sub("", without_markers(text.translate(_TYPOGRAPHY)))
    pieces = (bare[start:end] for start, end in sentence_spans(bare))
    return [piece for piece in map(expanded, pieces) if piece.strip("\"' ")]


def clauses(text: str) -> list[str]:
    """Return the clauses of a reply in order, without the marks between them; a question keeps its mark."""
    parts = [part for sentence in sentences(text) for end in _ENDS.split(sentence) for part in TURNS.split(end)]
    return [clause for part in parts if (clause := part.strip(" \t\"'.,!()"))]
