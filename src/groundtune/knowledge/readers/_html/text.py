"""From the nodes of a page to its text: what stands in a line is joined as browsers join it, blocks are separated.

Knows what elements mean for the text; `rules` knows what is no content, `tables` which tables hold data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from groundtune.knowledge.readers._builder import CELLS, LINE, PARAGRAPH, TextBuilder
from groundtune.knowledge.readers._grid import TableCell
from groundtune.knowledge.readers._html import tables
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
_BREAK, _KEPT_SPACE, _KEPT_TAB, _KEPT_LINE = "\0", "\1", "\2", "\3"
_OURS = str.maketrans(dict.fromkeys(map(chr, (*range(9), *range(14, 32))), ""))
_KEPT = str.maketrans({" ": _KEPT_SPACE, "\xa0": _KEPT_SPACE, "\t": _KEPT_TAB, "\n": _KEPT_LINE, "\r": None})
_SHOWN = str.maketrans({_KEPT_SPACE: " ", _KEPT_TAB: "\t", _KEPT_LINE: "\n"})
_UNSEEN = str.maketrans(dict.fromkeys("\xad\u200b\u2060\ufeff"))
_SPACES = re.compile(r"\s+")
_PARAGRAPHS = re.compile(rf"{_BREAK} *{_BREAK}[{_BREAK} ]*")
_LONG_TITLE = 300  # characters; a longer heading was never closed
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_BUTTONS = frozenset(("submit", "button", "reset"))


@dataclass(slots=True)
class _Table:
    rows: list[tables.Row] = field(default_factory=list)
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
        self._gathered: list[str] = []
        self._outer: list[list[str]] = []  # what had gathered outside of each cell or heading that is being read
        self._closing: list[tuple[int, Callable[[], None]]] = []  # by where an element ends: what is then to do
        self._tables: list[_Table] = []
        self._items: list[int | None] = []  # by list around: the number of its next item
        self._prefix = ""
        self._heading = 0  # the level of a heading that was never closed: the next block is its title
        self._plain = self._ruby = 0
        self._readings: list[str] = []

    def write(self) -> TextBuilder:
        """Read the page and return its text."""
        index = 0
        while index < len(self._nodes):
            while self._closing and self._closing[-1][0] <= index:
                self._closing.pop()[1]()
            node = self._nodes[index]
            if not node.tag:
                self._text(node)
                index += 1
            elif kind := self._rules.left_out(index):
                self.builder.left_out.add(kind)
                index = node.end
            else:
                index = self._element(index, node)
        while self._closing:
            self._closing.pop()[1]()
        self._flush()
        return self.builder

    # --- text that gathers ------------------------------------------------------------------------

    def _text(self, node: Node) -> None:
        text = node.text.translate(_UNSEEN)
        if (cleaned := text.translate(_OURS)) != text:
            self.builder.left_out.add("control character", len(text) - len(cleaned))
        self._gathered.append(cleaned.translate(_KEPT) if self._plain else _SPACES.sub(" ", cleaned))

    def _word(self, text: str) -> None:
        """Add what is not text of its line, apart from it."""
        if text.strip():
            self._gathered.append(f" {_SPACES.sub(' ', text.translate(_OURS).translate(_UNSEEN))} ")

    def _apart(self) -> None:
        self._gathered.append(" ")

    def _edge(self, gap: str = PARAGRAPH) -> None:
        """Begin or end a block."""
        if self._outer:
            self._gathered.append(_BREAK)
        else:
            self._flush(gap)

    def _flush(self, gap: str = PARAGRAPH) -> None:
        """Write what has gathered; its lines are those that `<br>` makes, two of them begin a paragraph."""
        gathered, self._gathered = "".join(self._gathered), []
        for paragraph in _PARAGRAPHS.split(gathered):
            lines = (_squeezed(line) for line in paragraph.split(_BREAK))
            block = "\n".join(line for line in lines if line.strip())
            if not block.strip():
                continue
            offset = self.builder.add(self._prefix + block, LINE if self._prefix or self._items else gap)
            self._prefix = ""
            if self._heading and offset is not None:
                title = block.split("\n", 1)[0].strip()
                if len(title) <= _LONG_TITLE:
                    self.builder.mark(offset, title, self._heading)
                self._heading = 0

    def _begin(self) -> None:
        """Gather what follows by itself."""
        self._outer.append(self._gathered)
        self._gathered = []

    def _end(self) -> str:
        """Return in one line what has gathered since `_begin`."""
        lines = "".join(self._gathered).replace(_BREAK, " ").translate(_SHOWN)
        self._gathered = self._outer.pop()
        return " ".join(lines.split())

    # --- elements ---------------------------------------------------------------------------------

    def _element(self, index: int, node: Node) -> int:
        """Begin to read an element; return the index of what is read next."""
        tag = node.tag
        if tag == "title" and node.parent >= 0 and self._nodes[node.parent].tag == "head":
            return node.end
        if tag == "math":
            self._gathered.append(f" {linear(self._nodes, index)} ")
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
        self._edge(LINE if tag in _CLOSE_BLOCKS else PARAGRAPH)
        if tag in _PLAIN:
            self._plain += 1
            self._when_closed(node, self._edge, self._not_plain)
        elif tag == "li":
            self._item(node)
        elif tag in _LISTS:
            self._list(node)
        elif tag in _CLOSE_BLOCKS:
            self._when_closed(node, lambda: self._edge(LINE))
        else:
            self._part()
            self._when_closed(node, self._edge, self._part)

    def _part(self) -> None:
        if not self._items and not self._outer:
            self.builder.part()

    def _not_plain(self) -> None:
        self._plain -= 1

    def _list(self, node: Node) -> None:
        self._part()
        self._items.append(_number(node.attributes.get("start", ""), 1) if node.tag == "ol" else None)
        self._when_closed(node, self._edge, lambda: (self._items.pop(), None)[1], self._part)

    def _item(self, node: Node) -> None:
        if not self._outer:
            number = _number(node.attributes.get("value", ""), self._items[-1] if self._items else None)
            if number is not None and self._items and self._items[-1] is not None:
                self._prefix, self._items[-1] = f"{number}. ", number + 1
            else:
                self._prefix = "- "
        self._when_closed(node, lambda: self._edge(LINE), self._no_prefix)

    def _no_prefix(self) -> None:
        self._prefix = ""

    def _title(self, index: int, node: Node, level: int) -> None:
        """Read a heading; in a cell or a list item it is text."""
        self._edge()
        long = self._facts.length[index] > _LONG_TITLE or self._facts.tables[index]
        if self._outer or long:
            self._heading = 0 if self._outer else level
            self._when_closed(node, self._edge)
            return
        self._begin()

        def close() -> None:
            title = self._end()
            if title:
                offset = self.builder.heading(self._prefix + title if self._items else title, level)
                self._prefix = self._prefix if offset is None else ""

        self._when_closed(node, close)

    def _drawing(self, index: int, node: Node) -> int:
        """Read the texts of a drawing, which are words of their own."""
        self.builder.left_out.add("image")
        place = index + 1
        while place < node.end:
            part = self._nodes[place]
            if part.tag in ("text", "foreignobject"):
                for inner in self._nodes[place : part.end]:
                    self._word("" if inner.tag else inner.text)
                place = part.end
            else:
                place += 1
        return node.end

    def _inline(self, index: int, node: Node) -> None:
        tag = node.tag
        if tag == "br":
            self._gathered.append(_KEPT_LINE if self._plain else _BREAK)
        elif tag in ("img", "area") or (tag == "input" and node.attributes.get("type", "").lower() == "image"):
            self._word(node.attributes.get("alt", ""))
        elif tag == "input" and node.attributes.get("type", "").lower() in _BUTTONS:
            self._word(node.attributes.get("value", ""))
        elif tag == "ruby":
            self._ruby_text(node)
        elif tag in ("rt", "rp"):
            self._reading(node)
        elif tag == "sup":
            self._superscript(node)
        elif tag == "a":
            self._link(node)
        elif tag in _WORDS or not _APART.isdisjoint(node.classes()):
            self._apart()
            self._when_closed(node, self._apart)

    def _ruby_text(self, node: Node) -> None:
        """Put the readings of characters behind all of them, so that the word stays whole."""
        self._ruby += 1

        def close() -> None:
            self._ruby -= 1
            if not self._ruby and self._readings:
                self._gathered.append(f" ({''.join(self._readings)})")
                self._readings = []

        self._when_closed(node, close)

    def _reading(self, node: Node) -> None:
        self._begin()

        def close() -> None:
            reading = self._end()
            if node.tag == "rt" and self._ruby:
                self._readings.append(reading)
            elif node.tag == "rt" and reading:
                self._word(f"({reading})")

        self._when_closed(node, close)

    def _superscript(self, node: Node) -> None:
        """Keep `10<sup>6</sup>` and a footnote's number behind a price from becoming another number."""
        before = next((text for text in reversed(self._gathered) if text), "")
        if not before[-1:].isdigit():
            return
        self._begin()

        def close() -> None:
            text = self._end()
            self._gathered.append(text.translate(_SUPERSCRIPT) if text.isdecimal() and text.isascii() else text)

        self._when_closed(node, close)

    def _link(self, node: Node) -> None:
        """Read the text of a link, and an e-mail address or a number to call that is not in it."""
        scheme, _, address = node.attributes.get("href", "").strip().partition(":")
        address = unquote(address.split("?")[0]).strip()
        if scheme.lower() not in ("mailto", "tel") or not address or len(address) > 100:
            return
        start = len(self._gathered)

        def close() -> None:
            said = "".join(self._gathered[start:])
            if _essence(address) not in _essence(said):
                self._gathered.append(f" ({address})")

        self._when_closed(node, close)

    # --- tables with data -------------------------------------------------------------------------

    def _table(self, node: Node) -> None:
        self._edge()
        self._tables.append(_Table())
        self._begin()

        def close() -> None:
            read, beside = self._tables.pop(), self._end()
            if self._outer:  # within a heading
                self._word(" ".join([beside, *(cell.text for row in read.rows for cell in row.cells)]))
                return
            self.builder.add(beside)
            found = tables.table(read.rows, read.caption)
            self.builder.table(found.rows, found.headers, found.caption, found.certain)

        self._when_closed(node, close)

    def _table_part(self, node: Node) -> None:
        table = self._tables[-1]
        if node.tag == "thead" or self._within_cell():
            self._edge()
            self._when_closed(node, self._edge)
        elif node.tag == "tr":
            table.rows.append(tables.Row(in_head=self._nodes[node.parent].tag == "thead"))
        elif node.tag == "caption":
            self._begin()
            self._when_closed(node, lambda: setattr(table, "caption", f"{table.caption} {self._end()}".strip()))
        else:
            self._cell(node, table)

    def _line(self, node: Node) -> None:
        """Read a row, or a cell of a row, that is a line in a table that lays out the page."""
        if node.tag == "tr":
            self._edge(LINE)
            self._when_closed(node, lambda: self._edge(LINE))
        elif "".join(self._gathered).strip():
            self._gathered = ["".join(self._gathered).rstrip(), CELLS]

    def _within_cell(self) -> bool:
        """Tell whether a cell or a caption of the table is being read, so that this belongs to a table within it."""
        return len(self._outer) > 1

    def _cell(self, node: Node, table: _Table) -> None:
        if not table.rows:
            table.rows.append(tables.Row())
        row = table.rows[-1]
        self._begin()

        def close() -> None:
            columns, rows = (_number(node.attributes.get(name, ""), 1) for name in ("colspan", "rowspan"))
            row.cells.append(TableCell(self._end(), columns or 1, 1 if rows is None else rows))
            row.headers.append(node.tag == "th")

        self._when_closed(node, close)


def _squeezed(line: str) -> str:
    return re.sub(" +", " ", line).strip(" ").translate(_SHOWN).rstrip()


def _level(node: Node) -> int:
    if node.attributes.get("role") == "heading":
        return max(_number(node.attributes.get("aria-level", ""), 2) or 2, 1)
    return HEADINGS.get(node.tag, 0)


def _number(text: str, otherwise: int | None) -> int | None:
    match = re.match(r"\s*(-?\d{1,6})", text)
    return int(match[1]) if match else otherwise


def _essence(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum() or character == "@")
