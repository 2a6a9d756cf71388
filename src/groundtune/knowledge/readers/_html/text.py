"""From the nodes of a page to its text: what stands in a line is joined as browsers join it, blocks are separated.

Knows what elements mean for the text; `rules` knows what is no content, `tables` which tables hold data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from groundtune.knowledge.readers._builder import LINE, PARAGRAPH, TextBuilder
from groundtune.knowledge.readers._grid import TableCell
from groundtune.knowledge.readers._html import tables
from groundtune.knowledge.readers._html.flow import Flow
from groundtune.knowledge.readers._html.formula import linear
from groundtune.knowledge.readers._html.rules import HEADINGS, Rules, facts
from groundtune.knowledge.readers._html.tree import Node

_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form frameset header hgroup hr html iframe legend li listing main menu nav noframes noscript object ol "
    "optgroup option p plaintext pre search section summary table tbody td template textarea tfoot th thead title tr "
    "ul video audio canvas xmp".split()
)
_CLOSE_BLOCKS = frozenset(("dt", "dd", "option", "legend"))  # whose neighbours are lines, not paragraphs
_WORDS = frozenset("button label input meter output progress foreignobject text slot".split())
_APART = frozenset("sr-only visually-hidden screen-reader-text a-offscreen".split())  # placed away from their line
_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_PLAIN = frozenset(("pre", "textarea", "xmp", "listing", "plaintext"))  # white space is kept
_DISPLAYED = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*(?:block|flex|grid|table|list-item)|position\s*:\s*absolute)", re.I
)
_LONG_TITLE = 300  # characters; a longer heading was never closed
_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_NUMBER = re.compile(r"[-+−]?[0-9]+")
_BUTTONS = frozenset(("submit", "button", "reset"))


@dataclass(slots=True)
class _Table:
    rows: list[tables.HtmlRow] = field(default_factory=list)
    caption: str = ""


class PageText:
    """Walks through the nodes of a page; text gathers until a block begins or ends."""

    def __init__(self, nodes: Sequence[Node], kept: Sequence[str] = ()) -> None:
        self.builder = TextBuilder()
        self._nodes = nodes
        self._facts = facts(nodes)
        self._rules = Rules(nodes, self._facts, kept)
        self._data = tables.data_tables(nodes, self._facts)
        self._lines = tables.line_rows(nodes, self._facts, self._data)
        self._flow = Flow(self.builder)
        self._closing: list[tuple[int, Callable[[], None]]] = []  # by where an element ends: what is then to do
        self._tables: list[_Table] = []
        self._items: list[int | None] = []  # by list around: the number of its next item
        self._ruby = 0
        self._readings: list[str] = []

    def write(self) -> TextBuilder:
        """Read the page and return its text."""
        index = 0
        while index < len(self._nodes):
            while self._closing and self._closing[-1][0] <= index:
                self._closing.pop()[1]()
            node = self._nodes[index]
            if not node.tag:
                self._flow.text(node.text)
                index += 1
            elif kind := self._rules.left_out(index):
                self.builder.left_out.add(kind)
                index = node.end
            else:
                index = self._element(index, node)
        while self._closing:
            self._closing.pop()[1]()
        self._flow.edge()
        return self.builder

    # --- elements ---------------------------------------------------------------------------------

    def _element(self, index: int, node: Node) -> int:
        """Begin to read an element; return the index of what is read next."""
        tag = node.tag
        if tag == "title" and node.parent >= 0 and self._nodes[node.parent].tag == "head":
            return node.end
        if tag == "math":
            self._flow.word(linear(self._nodes, index))
            return node.end
        if tag == "svg":
            return self._drawing(index, node)
        if tag == "table" and index in self._data and not self._tables:
            self._table(node)
        elif self._tables and tag in ("tr", "td", "th", "caption", "thead"):
            self._table_part(node)
        elif index in self._lines or (node.tag in ("td", "th") and node.parent in self._lines):
            self._line(node)
        elif level := _level(node):
            self._title(index, node, level)
        elif tag in _BLOCKS or _DISPLAYED.search(node.attributes.get("style", "")):
            self._block(node)
        else:
            self._inline(index, node)
        return index + 1

    def _when_closed(self, node: Node, *actions: Callable[[], None]) -> None:
        self._closing += [(node.end, action) for action in reversed(actions)]

    def _block(self, node: Node) -> None:
        tag = node.tag
        self._flow.edge(LINE if tag in _CLOSE_BLOCKS else PARAGRAPH)
        if tag in _PLAIN:
            self._flow.plain += 1
            self._when_closed(node, self._flow.edge, self._not_plain)
        elif tag == "li":
            self._item(node)
        elif tag in _LISTS:
            self._list(node)
        elif tag in _CLOSE_BLOCKS:
            self._when_closed(node, lambda: self._flow.edge(LINE))
        else:
            self._flow.part()
            self._when_closed(node, self._flow.edge, self._flow.part)

    def _not_plain(self) -> None:
        self._flow.plain -= 1

    def _list(self, node: Node) -> None:
        self._flow.part()
        self._items.append(_number(node.attributes.get("start", ""), 1) if node.tag == "ol" else None)
        self._flow.lists += 1
        self._when_closed(node, self._flow.edge, self._end_list, self._flow.part)

    def _end_list(self) -> None:
        self._items.pop()
        self._flow.lists -= 1

    def _item(self, node: Node) -> None:
        if not self._flow.depth:
            number = _number(node.attributes.get("value", ""), self._items[-1] if self._items else None)
            if number is not None and self._items and self._items[-1] is not None:
                self._flow.prefix, self._items[-1] = f"{number}. ", number + 1
            else:
                self._flow.prefix = "- "
        self._when_closed(node, lambda: self._flow.edge(LINE), self._no_prefix)

    def _no_prefix(self) -> None:
        self._flow.prefix = ""

    def _title(self, index: int, node: Node, level: int) -> None:
        """Read a heading; in a cell or a list item it is text."""
        self._flow.edge()
        long = self._facts.length[index] > _LONG_TITLE or self._facts.tables[index]
        if self._flow.depth or long:
            self._flow.heading = 0 if self._flow.depth else level
            self._when_closed(node, self._flow.edge)
            return
        self._flow.begin()

        def close() -> None:
            if self.builder.heading(self._flow.end(), level) is not None:
                self._flow.prefix = ""

        self._when_closed(node, close)

    def _drawing(self, index: int, node: Node) -> int:
        """Read the texts of a drawing, which are words of their own."""
        self.builder.left_out.add("image")
        place = index + 1
        while place < node.end:
            part = self._nodes[place]
            if part.tag in ("text", "foreignobject"):
                for inner in self._nodes[place : part.end]:
                    self._flow.word("" if inner.tag else inner.text)
                place = part.end
            else:
                place += 1
        return node.end

    def _inline(self, index: int, node: Node) -> None:
        tag = node.tag
        if tag == "br":
            self._flow.line()
        elif tag in ("img", "area") or (tag == "input" and node.attributes.get("type", "").lower() == "image"):
            self._flow.word(node.attributes.get("alt", ""))
        elif tag == "input" and node.attributes.get("type", "").lower() in _BUTTONS:
            self._flow.word(node.attributes.get("value", ""))
        elif tag == "ruby":
            self._ruby_text(node)
        elif tag in ("rt", "rp"):
            self._reading(node)
        elif tag == "sup":
            self._superscript(node)
        elif tag == "a":
            self._link(node)
        elif tag in _WORDS or not _APART.isdisjoint(node.classes()):
            self._flow.apart()
            self._when_closed(node, self._flow.apart)

    def _ruby_text(self, node: Node) -> None:
        """Put the readings of characters behind all of them, so that the word stays whole."""
        self._ruby += 1

        def close() -> None:
            self._ruby -= 1
            if not self._ruby and self._readings:
                self._flow.word(f"({''.join(self._readings)})")
                self._readings = []

        self._when_closed(node, close)

    def _reading(self, node: Node) -> None:
        self._flow.begin()

        def close() -> None:
            reading = self._flow.end()
            if node.tag == "rt" and self._ruby:
                self._readings.append(reading)
            elif node.tag == "rt" and reading:
                self._flow.word(f"({reading})")

        self._when_closed(node, close)

    def _superscript(self, node: Node) -> None:
        """Keep `10<sup>6</sup>` and a footnote's number behind a price from becoming another number."""
        if not self._flow.ends_in_digit():
            return
        self._flow.begin()

        def close() -> None:
            text = self._flow.end()
            self._flow.text(text.translate(_RAISED) if _NUMBER.fullmatch(text) else text)

        self._when_closed(node, close)

    def _link(self, node: Node) -> None:
        """Read the text of a link, and an e-mail address or a number to call that is not in it."""
        scheme, _, address = node.attributes.get("href", "").strip().partition(":")
        address = unquote(address.split("?")[0]).strip()
        if scheme.lower() not in ("mailto", "tel") or not address or len(address) > 100:
            return
        start = self._flow.place()

        def close() -> None:
            said = self._flow.since(start)
            if _essence(address) not in _essence(said):
                self._flow.word(f"({address})")

        self._when_closed(node, close)

    # --- tables with data -------------------------------------------------------------------------

    def _table(self, node: Node) -> None:
        self._flow.edge()
        self._tables.append(_Table())
        self._flow.begin()

        def close() -> None:
            read, beside = self._tables.pop(), self._flow.end()
            if self._flow.depth:  # within a heading
                self._flow.word(" ".join([beside, *(cell.text for row in read.rows for cell in row.cells)]))
                return
            self.builder.add(beside)
            laid = tables.table(read.rows, read.caption)
            self.builder.table(laid.rows, laid.headers, laid.caption, laid.certain)

        self._when_closed(node, close)

    def _table_part(self, node: Node) -> None:
        table = self._tables[-1]
        if node.tag == "thead" or self._within_cell():
            self._flow.edge()
            self._when_closed(node, self._flow.edge)
        elif node.tag == "tr":
            table.rows.append(tables.HtmlRow(in_head=self._nodes[node.parent].tag == "thead"))
        elif node.tag == "caption":
            self._flow.begin()
            self._when_closed(node, lambda: setattr(table, "caption", f"{table.caption} {self._flow.end()}".strip()))
        else:
            self._cell(node, table)

    def _line(self, node: Node) -> None:
        """Read a row, or a cell of a row, that is a line in a table that lays out the page."""
        if node.tag == "tr":
            self._flow.edge(LINE)
            self._when_closed(node, lambda: self._flow.edge(LINE))
        else:
            self._flow.cell()

    def _within_cell(self) -> bool:
        """Tell whether a cell or a caption of the table is being read, so that this belongs to a table within it."""
        return self._flow.depth > 1

    def _cell(self, node: Node, table: _Table) -> None:
        if not table.rows:
            table.rows.append(tables.HtmlRow())
        row = table.rows[-1]
        self._flow.begin()

        def close() -> None:
            columns, rows = (_number(node.attributes.get(name, ""), 1) for name in ("colspan", "rowspan"))
            row.cells.append(TableCell(self._flow.end(), columns or 1, 1 if rows is None else rows))
            row.headers.append(node.tag == "th")

        self._when_closed(node, close)


def _level(node: Node) -> int:
    if node.attributes.get("role") == "heading":
        return max(_number(node.attributes.get("aria-level", ""), 2) or 2, 1)
    return HEADINGS.get(node.tag, 0)


def _number(text: str, otherwise: int | None) -> int | None:
    match = re.match(r"\s*(-?\d{1,6})", text)
    return int(match[1]) if match else otherwise


def _essence(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum() or character == "@")
