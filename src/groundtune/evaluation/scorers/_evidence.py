"""When a retrieved passage or a citation counts as hitting a case's evidence.

It must come from the evidence's document and contain the quote, white space aside. Chunks may cut a quote in two,
so it also counts if one contiguous run of the quote's words covers at least half of them: of two halves at least
one is a hit, and a passage that only shares scattered words is none. A quote cut into three like parts has no hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from groundtune.comparing import words
from groundtune.text import locate
from groundtune.values import Answer, Citation, Evidence, Passage

ENOUGH = 0.5


def passage_hits(passage: Passage, evidence: Evidence) -> bool:
    """Return whether the passage gives the evidence. A passage without text stands for its whole document."""
    if passage.document != evidence.document:
        return False
    if evidence.quote is None or not passage.text or locate(evidence.quote, passage.text):
        return True
    return _covered(words(evidence.quote), words(passage.text))


def citation_hits(citation: Citation, evidence: Evidence) -> bool:
    """Return whether the citation falls on the evidence: quoting it, quoted by it, or sharing half of the shorter."""
    if citation.document != evidence.document:
        return False
    if evidence.quote is None or locate(evidence.quote, citation.quote) or locate(citation.quote, evidence.quote):
        return True
    shorter, longer = sorted((words(evidence.quote), words(citation.quote)), key=len)
    return _covered(shorter, longer)


def closed_book(answer: Answer) -> bool:
    """Return whether nothing was searched for; a search that found nothing is another matter."""
    return not answer.passages and answer.support is None


def _covered(quote: Sequence[str], text: Sequence[str]) -> bool:
    if not quote:
        return False
    run = SequenceMatcher(None, quote, text, autojunk=False).find_longest_match()
    return run.size >= ENOUGH * len(quote)
