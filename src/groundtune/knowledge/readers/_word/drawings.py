"""Charts and diagrams as text: a chart's values as a table, a diagram's words in their order. Knows no pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from groundtune.knowledge.readers._ooxml import Element, child, children, name, value
from groundtune.knowledge.readers._word.styles import number

_NAMES, _VALUES = ("c:cat", "c:xVal"), ("c:val", "c:yVal", "c:bubbleSize")
_DAY, _FIRST_DAY, _LAST_DAY = re.compile(r"yy|d+[./ -]m|m[./ -]d", re.IGNORECASE), date(1899, 12, 30), 2_958_466
_LONGEST_NUMBER = 12  # characters
_MOST_POINTS = 20_000


def paragraphs(root: Element) -> list[str]:
    """Return the paragraphs of DrawingML below an element."""
    texts = (_text(each) for each in root.iter() if name(each) == "a:p")
    return [text for text in texts if text.strip()]


def _text(paragraph: Element) -> str:
    signs = {"a:br": "\n", "a:tab": "\t"}
    return "".join((each.text or "") if name(each) == "a:t" else signs.get(name(each), "") for each in paragraph.iter())


def chart(root: Element) -> tuple[str, list[list[str]], list[str]]:
    """Return a chart's title, its values as rows below a header, and whatever else is written in it."""
    title = child(root, "c:chart", "c:title")
    heading = " ".join(paragraphs(title)) if title is not None else ""
    within = set() if title is None else set(title.iter())
    others = [_text(each) for each in root.iter() if name(each) == "a:p" and each not in within]
    names: dict[int, str] = {}
    columns: list[tuple[str, dict[int, str]]] = []
    for series in (each for each in root.iter() if name(each) == "c:ser"):
        for part in _NAMES:
            names = {**dict(_points(child(series, part))), **names}
        said = " ".join(text for _, text in _points(child(series, "c:tx")))
        columns += [(said, dict(_points(values))) for part in _VALUES if (values := child(series, part)) is not None]
    places = sorted({*names, *(place for _, points in columns for place in points)})[:_MOST_POINTS]
    rows = [[names.get(place, ""), *(points.get(place, "") for _, points in columns)] for place in places]
    header = ["", *(said for said, _ in columns)]
    return heading, [header, *rows] if any(header) or rows else [], [text for text in others if text.strip()]


def _points(element: Element | None) -> Iterator[tuple[int, str]]:
    """Yield the values that a chart remembers of its sheet, by their place; of several levels of names all words."""
    if element is None:
        return
    form = next((each.text or "" for each in element.iter() if name(each) == "c:formatCode"), "")
    points: dict[int, str] = {}
    for level in [each for each in element.iter() if name(each) == "c:lvl"] or [element]:
        for point in (each for each in level.iter() if name(each) == "c:pt"):
            at = number(value(point, "idx"))
            text = " ".join(_shown(each.text or "", form) for each in children(point, "c:v")).strip()
            points[at] = f"{text} {points[at]}" if at in points else text
    if not points:
        alone = " ".join(each.text or "" for each in element.iter() if name(each) == "c:v").strip()
        points = {0: alone} if alone else {}
    yield from points.items()


def _shown(said: str, form: str) -> str:
    """Return a number about as the chart shows it: "45%" and "2024-05-31", without the noise of binary fractions."""
    try:
        amount = float(said)
    except ValueError:
        return said
    if "%" in form:
        return f"{amount * 100:.10g}%"
    if _DAY.search(form) and 1 <= amount < _LAST_DAY:
        return (_FIRST_DAY + timedelta(days=int(amount))).isoformat()
    return f"{amount:.12g}" if len(said) > _LONGEST_NUMBER else said
