"""MathML as a line of text: `x^2`, `(a + b)/c`, `√(x)`. Knows no pages."""

from __future__ import annotations

from collections.abc import Sequence

from groundtune.knowledge.readers._html.tree import Node

_BETWEEN = {"mfrac": "/", "msup": "^", "msub": "_", "mover": "^", "munder": "_"}
_UNSAID = frozenset(("annotation", "annotation-xml", "mphantom"))


def linear(nodes: Sequence[Node], index: int) -> str:
    """Return the formula at `index`, each part of it once."""
    parts: dict[int, list[str]] = {}  # by element: what its parts say
    for place in range(nodes[index].end - 1, index - 1, -1):
        node = nodes[place]
        if node.tag in _UNSAID:
            parts.pop(place, None)
            continue
        said = _said(node.tag, parts.pop(place, [])[::-1]) if node.tag else " ".join(node.text.split())
        if said and place != index:
            parts.setdefault(node.parent, []).append(said)
        elif place == index:
            return said
    return ""


def _said(tag: str, parts: list[str]) -> str:
    if tag in _BETWEEN and len(parts) > 1:
        return _BETWEEN[tag].join(map(_grouped, parts))
    if tag in ("msubsup", "munderover") and len(parts) == 3:
        return f"{_grouped(parts[0])}_{_grouped(parts[1])}^{_grouped(parts[2])}"
    if tag == "msqrt":
        return f"√{_grouped(''.join(parts))}"
    if tag == "mroot" and len(parts) == 2:
        return f"{_grouped(parts[0])}^(1/{parts[1]})"
    if tag == "mo" and len(parts) == 1 and parts[0] in ("=", "+", "−", "-", "<", ">", "≤", "≥", "≈", "±", "→"):
        return f" {parts[0]} "
    return " ".join(parts) if tag == "mtr" else "; ".join(parts) if tag == "mtable" else "".join(parts)


def _grouped(part: str) -> str:
    part = part.strip()
    return part if part.isalnum() or len(part) == 1 else f"({part})"
