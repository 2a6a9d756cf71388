"""Where an excerpt that a service cut stands in the text that it was cut from.

Services put blanks in order and write an ellipsis for what they leave out. Knows no service.
"""

from __future__ import annotations

import re

from groundtune.text import locate

WIDEST_GAP = 1000
"""Characters that an ellipsis inside an excerpt may stand for; a wider gap would make another passage of it."""
_LONGEST_FOLDED = 200_000  # characters: a fold keeps two numbers for each
_BLANKS = r"[\s\x00-\x1f\x7f-\x9f]+"  # control characters are sent as blanks
_MARK = r"(?:\.{3}|…)"  # of what is left out: a full stop beside it is the text's own
_EDGES = re.compile(rf"^{_MARK}\s*|\s*{_MARK}$")
_INSIDE = re.compile(rf"\s*{_MARK}(?!\.)\s*")


def span_of(excerpt: str, text: str) -> tuple[int, int] | None:
    r"""Return (start, end) of the first place of `excerpt` in `text`, from its first word to its last, or None.

    Looked for as it is; then with blanks of any kind and amount; then in Unicode's one form (`text.locate`); then piece
    by piece between its ellipses.

    >>> span_of("... costs 9 euros ... VAT included...", "Hazel costs 9\n euros a month, VAT included.")
    (6, 42)
    """
    whole = excerpt.strip()
    inner = _EDGES.sub("", whole)
    if not re.search(r"\w", inner):
        return None
    span = _found(whole, text, 0) or (None if inner == whole else _found(inner, text, 0))
    pieces = [piece for piece in _INSIDE.split(inner) if piece]
    if span is not None or len(pieces) < 2:
        return span
    spans = [_found(pieces[0], text, 0)]
    for piece in pieces[1:]:
        before = spans[-1]
        if before is None:
            return None
        spans.append(_found(piece, text[: before[1] + WIDEST_GAP + 2 * len(piece)], before[1]))
    first, last = spans[0], spans[-1]
    return None if first is None or last is None else (first[0], last[1])


def _found(piece: str, text: str, start: int) -> tuple[int, int] | None:
    exact = text.find(piece, start)
    if exact >= 0:
        return exact, exact + len(piece)
    match = re.compile(_BLANKS.join(map(re.escape, piece.split()))).search(text, start)
    if match:
        return match.span()
    if len(text) > _LONGEST_FOLDED and not text.isascii():
        return None
    folded = locate(piece, text[start:])
    return None if folded is None else (start + folded[0], start + folded[1])
