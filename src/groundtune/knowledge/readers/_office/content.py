"""What can be read below an element, and which of several alternatives is. Knows no styles and writes no text."""

from __future__ import annotations

from groundtune.knowledge.readers._ooxml import Element, name

_TEXT = frozenset(("w:t", "w:delText", "a:t", "m:t", "w:sym"))
_ELSEWHERE = frozenset(("c:chart", "cx:chart", "dgm:relIds"))  # their text stands in another part


def has_text(element: Element) -> bool:
    """Tell whether anything can be read below an element, or in a part that it names."""
    for each in element.iter():
        kind = name(each)
        if kind in _ELSEWHERE or kind == "w:sym" or (kind in _TEXT and (each.text or "").strip()):
            return True
    return False


def chosen(alternatives: Element) -> Element | None:
    """Return the branch of `mc:AlternateContent` to read: the first, or a later one if only that has text."""
    branches = [each for each in alternatives if name(each) in ("mc:Choice", "mc:Fallback")]
    return next((each for each in branches if has_text(each)), branches[0] if branches else None)
