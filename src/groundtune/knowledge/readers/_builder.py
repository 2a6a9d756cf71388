"""Puts blocks of text together and remembers where headings stand and pages begin. Knows no file format."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from groundtune.values import Heading, Place, PlainText

PARAGRAPH, LINE = "\n\n", "\n"
CELLS = " | "


class TextBuilder:
    """Collects blocks; the gap between two is the wider one that either asked for."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""
        self._headings: list[Heading] = []
        self._pages: list[tuple[int, int]] = []

    def add(self, block: str, gap: str = PARAGRAPH) -> int | None:
        """Append `block` without outer white space and return its offset; None if nothing is left of it."""
        block = block.strip()
        if not block:
            return None
        between = max(self._gap, gap if self._parts else "", key=len) if self._parts else ""
        offset = self._length + len(between)
        self._parts += [between, block]
        self._length = offset + len(block)
        self._gap = ""
        return offset

    def part(self) -> None:
        """Make sure that the next block begins a paragraph."""
        self._gap = PARAGRAPH if self._parts else ""

    def heading(self, title: str, level: int) -> int | None:
        """Append a heading as a paragraph of its own and return its offset."""
        self.part()
        title = " ".join(title.split())
        offset = self.add(title)
        if offset is not None:
            self._headings.append(Heading(offset, level, title))
            self.part()
        return offset

    def page(self, offset: int, number: int) -> None:
        """Say that page `number` begins at `offset`; pages come in order."""
        self._pages.append((offset, number))

    def mark(self, offset: int | None, title: str, level: int = 1) -> None:
        """Say that the block at `offset` begins a part called `title`."""
        if offset is not None:
            self._headings.append(Heading(offset, level, " ".join(title.split())))

    def row(self, cells: list[str]) -> None:
        """Append a table row as one line, `cell | cell`; a row of empty cells is left out."""
        flat = [" ".join(cell.split()) for cell in cells]
        if any(flat):
            self.add(CELLS.join(flat), LINE)

    def plain(self, title: str = "", otherwise: str = "", metadata: Mapping[str, str] | None = None) -> PlainText:
        """Return all of it; the title is `title`, or the first outermost heading, or `otherwise`."""
        outermost = min(self._headings, key=lambda heading: heading.level, default=None)
        named = " ".join(title.split()) or (outermost.title if outermost else "") or otherwise
        text, end = "".join(self._parts), self._length
        pages = tuple(Place(start, stop, page) for (start, page), (stop, _) in pairwise([*self._pages, (end, 0)]))
        return PlainText(text, named, tuple(self._headings), pages, metadata or {})
