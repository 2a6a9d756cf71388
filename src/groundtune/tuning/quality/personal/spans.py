"""Places of personal data in a text, and the text with placeholders in those places.

A finder is a function from a text to spans. Knows no training data and no settings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Literal

PersonalKind = Literal["card", "iban", "email", "phone", "ip", "id", "name"]
SAID = {
    "card": "payment card number",
    "iban": "bank account number (IBAN)",
    "email": "e-mail address",
    "ip": "IP address",
    "id": "national identity number",
    "phone": "phone number",
    "name": "name of a person",
}
_RANK = {kind: rank for rank, kind in enumerate(SAID)}  # the more certain first
_ENOUGH_DIGITS = re.compile(r"\d(?:\D{0,3}\d){4}|\d{2}[A-Z]\d{2}[A-Z]\d{3}", re.IGNORECASE)  # most lines have fewer
PLACEHOLDER = re.compile(r"\[(?:CARD|IBAN|EMAIL|PHONE|IP|ID|NAME)\]")


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """Characters `start` to `end` of a text."""

    start: int
    end: int
    kind: PersonalKind

    @property
    def placeholder(self) -> str:
        """What stands in its place in a redacted text."""
        return f"[{self.kind.upper()}]"


Finder = Callable[[str], Iterable[PersonalSpan]]


def patterns(text: str) -> list[PersonalSpan]:
    """Return what rules find in `text`: everything but names, in order and without overlap."""
    from groundtune.tuning.quality.personal.addresses import addresses
    from groundtune.tuning.quality.personal.national import national_ids
    from groundtune.tuning.quality.personal.numbers import cards, ibans
    from groundtune.tuning.quality.personal.phones import phones

    spans = list(addresses(text))
    if _ENOUGH_DIGITS.search(text):
        spans += [*cards(text), *ibans(text), *national_ids(text), *phones(text)]
    return apart(spans)


def all_of(*finders: Finder) -> Finder:
    """Return a finder of what any of `finders` finds."""
    return lambda text: apart(chain.from_iterable(finder(text) for finder in finders))


def redacted(text: str, find: Finder = patterns) -> tuple[str, tuple[PersonalSpan, ...]]:
    """Return `text` with a placeholder for each span that `find` finds, and those spans, as they were in `text`.

    What is redacted once stays as it is when it is redacted again.

    >>> redacted("Mail bo@shop.org or pay with 4111 1111 1111 1111.")[0]
    'Mail [EMAIL] or pay with [CARD].'
    """
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    spans = tuple(
        span for span in apart(find(text)) if not any(span.start < end and start < span.end for start, end in taken)
    )
    pieces, place = [], 0
    for span in spans:
        pieces += [text[place : span.start], span.placeholder]
        place = span.end
    return "".join([*pieces, text[place:]]), spans


def apart(spans: Iterable[PersonalSpan]) -> list[PersonalSpan]:
    """Return spans in order, of those that overlap the more certain kind: a card is no phone number as well."""
    kept: list[PersonalSpan] = []
    for span in sorted(spans, key=lambda span: (_RANK[span.kind], span.start - span.end)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def nearest_before(text: str, place: int, *words: re.Pattern[str], reach: int = 48) -> int | None:
    """Return which of the patterns matches nearest before `place` in the same line, None where none does."""
    start = max(text.rfind("\n", 0, place) + 1, place - reach)
    last = {
        number: match.end() for number, pattern in enumerate(words) for match in pattern.finditer(text, start, place)
    }
    return max(last, key=lambda number: last[number]) if last else None
