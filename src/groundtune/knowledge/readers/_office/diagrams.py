"""SmartArt as text: what the points of a diagram say, in the order and on the levels of its tree.

The points and their connections are those of ECMA-376-1, 21.4. Knows no layout and no drawing of it.
"""

from __future__ import annotations

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.knowledge.readers._office.paragraphs import paragraphs
from groundtune.knowledge.readers._ooxml import Element, name, number, value

_TREE = ("", "parOf")  # kinds of connections; the others say how the diagram is drawn


def diagram(root: Element, left_out: Omissions) -> list[tuple[int, str]]:
    """Return the texts of a diagram's data with their levels, 0 for the outermost.

    What stands beside the tree, as words on arrows, follows in the order of the file.
    """
    given = [each for each in root.iter() if name(each) == "dgm:pt"]
    points = {value(each, "modelId") or f"point {at}": each for at, each in enumerate(given)}
    below: dict[str, list[tuple[int, str]]] = {}
    for each in root.iter():
        if name(each) == "dgm:cxn" and (value(each, "type") or "") in _TREE:
            place = number(value(each, "srcOrd")), value(each, "destId") or ""
            below.setdefault(value(each, "srcId") or "", []).append(place)
    roots = [key for key, point in points.items() if value(point, "type") == "doc"]
    texts: list[tuple[int, str]] = []
    seen: set[str] = set()
    stack = [(-1, key) for key in [*roots, *points][::-1]]
    while stack:
        level, key = stack.pop()
        if key in seen or key not in points:
            continue
        seen.add(key)
        texts += [(max(level, 0), text) for text in paragraphs(points[key], left_out)]
        stack += [(level + 1, other) for _, other in sorted(below.get(key, []), key=lambda place: place[0])[::-1]]
    return texts or [(0, text) for text in paragraphs(root, left_out)]
