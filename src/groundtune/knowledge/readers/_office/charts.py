"""Charts as text: their values as a table, and what else is written in them. Knows no pictures.

Both kinds of charts are read: those of ECMA-376-1, 21.2, and the newer ones of Microsoft (waterfall, funnel, map and so
on: chartex, [MS-ODRAWXML]).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.paragraphs import paragraphs, text_of
from groundtune.knowledge.readers._ooxml import Element, child, children, name, number, value

_NAMES, _VALUES = ("c:cat", "c:xVal"), ("c:val", "c:yVal", "c:bubbleSize")
_TITLES = frozenset(("c:title", "cx:title"))
_NAME_AXES = frozenset(("c:catAx", "c:dateAx", "c:serAx"))
_LABELS = ":dlblRangeCache"  # texts of cells that stand at the points
_DAY, _FIRST_DAY, _LAST_DAY = re.compile(r"yy|d+[./ -]m|m[./ -]d", re.IGNORECASE), date(1899, 12, 30), 2_958_466
_LONGEST_NUMBER = 12  # characters
_MOST_POINTS = 20_000

_Column = tuple[str, dict[int, str]]  # what it is called, and its values by place


@dataclass(slots=True)
class DrawnChart:
    """A chart: `rows` are its values below a header, `others` whatever else is written in it."""

    title: str = ""
    rows: list[list[str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def chart(root: Element, left_out: Omissions) -> DrawnChart:
    """Return what a chart says. The first column is called as its axis; titles of other axes are among the others."""
    title = next((each for each in root.iter() if name(each) in _TITLES), None)
    title = title if title is not None and name(title.getparent()) in ("c:chart", "cx:chart") else None
    names, columns = _newer(root) if any(name(each) == "cx:chartData" for each in root.iter()) else _older(root)
    axis = next((said for each in root.iter() if name(each) in _NAME_AXES and (said := _title(each, left_out))), "")
    places = sorted({*names, *(place for _, points in columns for place in points)})
    if len(places) > _MOST_POINTS:
        left_out.add("unreadable part", detail=f"a chart has more than {_MOST_POINTS:,} points")
    rows = [
        [names.get(place, ""), *(points.get(place, "") for _, points in columns)] for place in places[:_MOST_POINTS]
    ]
    header = [axis if rows else "", *(said for said, _ in columns)]
    heading = _said(title, left_out)
    others = [text for text in _others(root, title, left_out) if text != axis or not rows]
    return DrawnChart(heading, [header, *rows] if any(header) or rows else [], others)


def _title(axis: Element, left_out: Omissions) -> str:
    return _said(child(axis, "c:title"), left_out)


def _said(title: Element | None, left_out: Omissions) -> str:
    """Return what a title says, in itself or as the cell that it names."""
    if title is None:
        return ""
    linked = [text for _, text in _points(child(title, "c:tx"))] or _values(title)
    return " ".join(paragraphs(title, left_out) or linked)


def _values(element: Element | None) -> list[str]:
    return [] if element is None else [(each.text or "").strip() for each in element.iter() if name(each) == "cx:v"]


def _others(root: Element, title: Element | None, left_out: Omissions) -> Iterator[str]:
    """Yield paragraphs outside of the title, and titles of axes that are the texts of cells."""
    within = set() if title is None else set(title.iter())
    for each in root.iter():
        if each in within:
            continue
        if name(each) == "a:p":
            text = text_of(each, left_out)
        elif name(each) in _TITLES and not any(name(below) == "a:p" for below in each.iter()):
            text = _said(each, left_out)
        else:
            continue
        if text.strip():
            yield text


def _older(root: Element) -> tuple[dict[int, str], list[_Column]]:
    names: dict[int, str] = {}
    columns: list[_Column] = []
    for series in (each for each in root.iter() if name(each) == "c:ser"):
        said = " ".join(text for _, text in _points(child(series, "c:tx")))
        own = dict(point for part in _NAMES for point in _points(child(series, part)))
        if any(names.get(place, text) != text for place, text in own.items()):
            columns.append((f"{said} (x)", own))  # of points that are not those of the first series
        names = {**own, **names}
        columns += [(said, dict(_points(values))) for part in _VALUES if (values := child(series, part)) is not None]
        columns += [(said, dict(_points(labels))) for labels in series.iter() if name(labels) == _LABELS]
    return names, columns


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


def _newer(root: Element) -> tuple[dict[int, str], list[_Column]]:
    """Return names and values of a chart of the newer kind, whose series name their data by its id."""
    data = {value(each, "id") or "": each for each in root.iter() if name(each) == "cx:data"}
    names: dict[int, str] = {}
    columns: list[_Column] = []
    for series in (each for each in root.iter() if name(each) == "cx:series"):
        said = " ".join(_values(child(series, "cx:tx")))
        given = data.get(value(child(series, "cx:dataId")) or "")
        for dimension in [] if given is None else given:
            points = _levels(dimension)
            if name(dimension) == "cx:strDim" and value(dimension, "type") == "cat":
                names = {**points, **names}
            elif points:
                columns.append((said, points))
    return names, columns


def _levels(dimension: Element) -> dict[int, str]:
    points: dict[int, str] = {}
    for level in children(dimension, "cx:lvl"):
        form = value(level, "formatCode") or ""
        for point in children(level, "cx:pt"):
            at = number(value(point, "idx"))
            text = _shown((point.text or "").strip(), form)
            points[at] = f"{text} {points[at]}" if at in points else text
    return points


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
