"""From the source of a page to a flat list of its elements and texts, built as browsers build it (WHATWG's rules).

Lexbor parses: unclosed, misplaced and deeply nested tags end up where a browser has them, and text behind `</html>` is
not lost. Knows nothing of what elements mean, but for those whose content is a document of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

COMMENT = "!--"
_TEXT, _COMMENT = "-text", "-comment"
# `<title/>` is complete in XML; a browser that takes the page for HTML reads on to `</title>`, and shows nothing.
_NEVER_EMPTY = "title|script|style|textarea|iframe|noscript|noframes|select|template|nav|footer|del|s|strike|svg|math"
_ATTRIBUTES = r"(?:\s+[^\s=<>\"'/]+(?:\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'<>=]+(?<!/)))?)*"
_CLOSED_HTML = re.compile(rf"<({_NEVER_EMPTY})({_ATTRIBUTES})\s*/>", re.IGNORECASE)
_CLOSED_XML = re.compile(
    rf"<(?!(?:br|hr|img|input|meta|link|area|base|col|embed|wbr)\b)([a-z][\w:.-]*)({_ATTRIBUTES})\s*/>"
)
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_XML = re.compile(r"\s*<\?xml\s|\s*<!DOCTYPE\s[^>]*XHTML", re.IGNORECASE)


@dataclass(slots=True)
class Node:
    """An element, a comment (`COMMENT`) or, without a tag, a text. `parent` is the index of what it is in, -1 at the
    top; `end` is the index behind all that is in it."""

    tag: str
    parent: int
    attributes: dict[str, str]
    text: str = ""
    end: int = 0

    def classes(self) -> list[str]:
        """Return the names of its classes, in lower case."""
        return self.attributes.get("class", "").lower().split()


def parse(source: str) -> list[Node]:
    """Return all that is on a page, in order. Takes time linear in its length."""
    nodes: list[Node] = []
    # What is still to come, the next one last: elements with the index of their parent, or the index of one to end.
    coming: list[tuple[LexborNode, int] | int] = [(child, -1) for child in _children(_document(source))]
    while coming:
        following = coming.pop()
        if isinstance(following, int):
            nodes[following].end = len(nodes)
            continue
        element, parent = following
        index = len(nodes)
        if element.tag == _TEXT:
            nodes.append(Node("", parent, {}, element.text_content or "", index + 1))
        elif element.tag == _COMMENT:
            nodes.append(Node(COMMENT, parent, {}, end=index + 1))
        else:
            attributes = {name: value or "" for name, value in element.attributes.items()}
            nodes.append(Node((element.tag or "").lower(), parent, attributes))
            coming.append(index)
            coming += [(child, index) for child in _content(element)]
    return nodes


def _document(source: str) -> LexborNode:
    closed = _CLOSED_XML if _XML.match(source) else _CLOSED_HTML
    root = LexborHTMLParser(closed.sub(r"<\1\2></\1>", _without_cdata(source))).root
    assert root is not None  # a document always has one
    return root


def _without_cdata(source: str) -> str:
    """Return the source with what stands in `<![CDATA[ ]]>` as other text does: browsers take it for a comment."""
    parts = source.split(_CDATA)
    for number, part in enumerate(parts[1:], start=1):
        text, mark, rest = part.partition(_CDATA_END)
        parts[number] = text.replace("&", "&amp;").replace("<", "&lt;") + rest if mark else _CDATA + part
    return "".join(parts)


def _content(element: LexborNode) -> list[LexborNode]:
    """Return what is in an element, the last first; what is a document of its own is read, too."""
    attributes = element.attributes
    if element.tag == "iframe" and attributes.get("srcdoc"):
        return _children(_document(str(attributes["srcdoc"])))
    children = _children(element)
    if element.tag in ("iframe", "noframes", "noembed") and children:
        return _children(_document("".join(child.text_content or "" for child in children)))
    if element.tag == "template" and (fragments := element.template_fragments()):
        return _children(fragments[0])
    return children


def _children(element: LexborNode) -> list[LexborNode]:
    children, child = [], element.child
    while child is not None:
        children.append(child)
        child = child.next
    return children[::-1]
