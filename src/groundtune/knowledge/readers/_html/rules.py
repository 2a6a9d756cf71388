"""What of a page is no content, and why: menus, scripts, struck text, controls. Knows no text and no tables.

What is merely hidden stays: panels of tabs and answers that open with a click are hidden until then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from groundtune.knowledge.readers._html.tree import COMMENT, Node
from groundtune.values import LeftOutKind

HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SCRIPTS = frozenset("script style noscript template link".split())
_STRUCK = frozenset(("del", "s", "strike"))
_STRUCK_STYLE = re.compile(r"text-decoration[\w-]*\s*:[^;]*line-through", re.IGNORECASE)
_MENUS = frozenset(("navigation", "menu", "menubar", "doc-toc", "directory"))
_WITH_FOOTERS = frozenset(
    "article aside section main blockquote details dialog fieldset figure td th li".split()
)  # whose footer is about them, not about the site
_CLICKED = frozenset(("a", "button", "option"))
_CONTENT = frozenset(("main", "article", "h1"))
_BLOCKS = frozenset("p div ul ol dl h1 h2 h3 h4 h5 h6 hr form pre blockquote section table".split())
_PROSE = 300  # characters besides links that no menu has
_SKIP = re.compile(
    r"(?:skip|jump) (?:to|over)\b|(?:direkt )?zum (?:haupt)?inhalt|aller au contenu|(?:ir|saltar) al\b", re.I
)
_ANCHORS = frozenset(("", "#", "¶", "§", "🔗", "⚓", "[edit]", "edit"))
_EDIT_LINKS = "mw-editsection"
_CRUMBS = ("breadcrumb", "breadcrumbs")
_CRUMB_LENGTH = 300
_TYPED = frozenset("text search email tel url number date hidden password time month week color range".split())
_ICON_FONTS = ("material-icons", "material-symbols")


@dataclass(frozen=True, slots=True)
class Facts:
    """What each node of a page has in it, by its index: characters of text, those in links and buttons, tables,
    headings, blocks, and elements that only content has."""

    length: list[int]
    clicked: list[int]
    tables: list[int]
    headings: list[int]
    blocks: list[int]
    content: list[int]


def facts(nodes: Sequence[Node]) -> Facts:
    """Count what is in each node, from the last one to the first."""
    counted = Facts(*([0] * len(nodes) for _ in range(6)))
    for index in range(len(nodes) - 1, -1, -1):
        node = nodes[index]
        if node.tag:
            counted.tables[index] += node.tag == "table"
            counted.headings[index] += node.tag in HEADINGS
            counted.blocks[index] += node.tag in _BLOCKS
            counted.content[index] += node.tag in _CONTENT
            if node.tag in _CLICKED:
                counted.clicked[index] = counted.length[index]
            elif node.tag in _SCRIPTS:
                counted.length[index] = counted.clicked[index] = 0
        else:
            counted.length[index] = len(" ".join(node.text.split()))
        if node.parent >= 0:
            for of in (
                counted.length,
                counted.clicked,
                counted.tables,
                counted.headings,
                counted.blocks,
                counted.content,
            ):
                of[node.parent] += of[index]
    return counted


class Rules:
    """Says of each node whether it is left out, and as what; `kept` are kinds or tags that are not."""

    def __init__(self, nodes: Sequence[Node], counted: Facts, kept: Sequence[str] = ()) -> None:
        self._nodes, self._facts, self._kept = nodes, counted, frozenset(kept)
        self._about: list[bool] = []  # whether what is in a node is about a part of the page, not about the site
        for node in nodes:
            parent = nodes[node.parent].tag if node.parent >= 0 else ""
            self._about.append(parent in _WITH_FOOTERS or (node.parent >= 0 and self._about[node.parent]))

    def left_out(self, index: int) -> LeftOutKind | None:
        """Return the kind as which the node is left out, None if it is content."""
        node = self._nodes[index]
        kind = self._kind(index, node)
        return None if kind in self._kept or node.tag in self._kept else kind

    def _kind(self, index: int, node: Node) -> LeftOutKind | None:
        if node.tag in _SCRIPTS:
            return None if "shadowrootmode" in node.attributes and node.tag == "template" else "script"
        if node.tag == COMMENT:
            return "comment"
        if node.tag in _STRUCK or _STRUCK_STYLE.search(node.attributes.get("style", "")):
            return "deleted text"
        if node.tag in ("select", "datalist") or _typed_in(node):
            return "form control"
        if node.tag == "ix:header":
            return "hidden text"
        if self._is_image(node):
            return "image"
        if self._says_twice(node):
            return "markup"
        return "navigation" if self._is_navigation(index, node) else None

    def _is_image(self, node: Node) -> bool:
        if node.tag == "img":
            hidden = node.attributes.get("aria-hidden") == "true"
            return hidden or "alt" not in node.attributes
        return any(name.startswith(_ICON_FONTS) for name in node.classes())

    def _says_twice(self, node: Node) -> bool:
        """Tell whether it is another form of what stands beside it: data of Office, a formula as it is drawn."""
        if node.tag in ("xml", "annotation", "annotation-xml"):
            return True
        return "katex-html" in node.classes() and "katex-mathml" in self._nodes[node.parent + 1].classes()

    def _is_navigation(self, index: int, node: Node) -> bool:
        role = node.attributes.get("role", "")
        if node.tag == "nav" or role == "contentinfo" or (node.tag == "footer" and not self._about[index]):
            return self._facts.length[index] > 0 and not self._is_content(index)
        if role in _MENUS:
            clicked = self._facts.clicked[index]
            return clicked > 0 and self._facts.length[index] - clicked < clicked / 2
        if node.tag == "a":
            return self._is_helper(index, node)
        classes = node.classes()
        if _EDIT_LINKS in classes:
            return True
        return (
            node.tag in ("ol", "ul", "div", "p", "span")
            and any(name in _CRUMBS for name in (*classes, node.attributes.get("id", "").lower()))
            and 0 < self._facts.length[index] <= _CRUMB_LENGTH
            and not self._facts.headings[index]
        )

    def _is_content(self, index: int) -> bool:
        """Tell whether it says more than a menu does: a tag that was never closed has the whole page in it."""
        counted = self._facts
        prose = counted.length[index] - counted.clicked[index]
        return counted.content[index] > 0 or prose > max(_PROSE, counted.clicked[index])

    def _is_helper(self, index: int, node: Node) -> bool:
        """Tell whether it is a link within the page that is no text: to its content, or to a heading itself."""
        in_text = node.parent >= 0 and self._nodes[node.parent].tag in ("p", "td", "dd")
        if not node.attributes.get("href", "").startswith("#") or self._facts.length[index] > 60:
            return False
        text = " ".join("".join(each.text for each in self._nodes[index : node.end]).split())
        return (not in_text and bool(_SKIP.match(text))) or (text.lower() in _ANCHORS and bool(text))


def _typed_in(node: Node) -> bool:
    kind = node.attributes.get("type", "text").lower()
    return node.tag == "input" and kind in _TYPED and bool(node.attributes.get("value", "").strip())
