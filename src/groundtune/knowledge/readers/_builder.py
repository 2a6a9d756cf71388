"""Puts blocks of text together and remembers where headings stand, pages and moments begin, and tables are.

Knows no file format.

A table is written a row a line, `cell | cell`, or, where lines would be long, a row as `column: value` lines. Its
header, and the label of a long row, become contexts: a piece cut out of the middle is still understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from groundtune.knowledge.readers._left_out import Omissions
from groundtune.values import Context, Heading, Place, PlainText

PARAGRAPH, LINE = "\n\n", "\n"
CELLS = " | "
LONG_ROW = 200  # characters; a table with longer rows is written as `column: value` lines
_LONG_NAME = 80  # characters; a longer cell names no column and no row
_NEVER_CUT = 100  # characters: the smallest chunk that can be set


class TextBuilder:
    """Collects blocks; the gap between two is the wider one that either asked for."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""
        self._headings: list[Heading] = []
        self._segments: list[Place] = []  # each without its end
        self._contexts: list[Context] = []
        self.left_out = Omissions()

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

    def begin(self) -> int:
        """Make sure that the next block begins a paragraph, and return where that will be."""
        self.part()
        return self._length + len(self._gap)

    def heading(self, title: str, level: int) -> int | None:
        """Append a heading as a paragraph of its own and return its offset."""
        self.part()
        title = " ".join(title.split())
        offset = self.add(title)
        if offset is not None:
            self._headings.append(Heading(offset, level, title))
            self.part()
        return offset

    def page(self, offset: int, number: int | None, confidence: float | None = None) -> None:
        """Say that page `number`, or all of a file without pages, begins at `offset`; pages come in order.

        `confidence`, from 0 to 1, is that of what read it, if that was OCR.
        """
        self._segments.append(Place(offset, offset, page=number, confidence=_rounded(confidence)))

    def moment(self, offset: int | None, seconds: float, confidence: float | None = None) -> None:
        """Say that the block at `offset` is said at so many seconds of a recording; moments come in order of offset.

        `confidence`, from 0 to 1, is that of what understood it, if nobody wrote it down.
        """
        if offset is not None:
            self._segments.append(Place(offset, offset, seconds=seconds, confidence=_rounded(confidence)))

    def include(self, plain: PlainText, below: int = 0) -> int | None:
        """Append what was read of a file within this one, with its headings `below` levels deeper; return its offset.

        Its pages are left out: those of this file are others. What it leaves out is for the caller to count.
        """
        self.part()
        offset = self.add(plain.text)
        if offset is not None:
            moved = offset - (len(plain.text) - len(plain.text.lstrip()))
            self._headings += [Heading(each.offset + moved, each.level + below, each.title) for each in plain.headings]
            spans = [
                (max(each.start + moved, offset), min(each.end + moved, self._length), each.text)
                for each in plain.contexts
            ]
            self._contexts += [Context(start, end, text) for start, end, text in spans if start < end]
        self.part()
        return offset

    def mark(self, offset: int | None, title: str, level: int = 1) -> None:
        """Say that the block at `offset` begins a part called `title`."""
        if offset is not None:
            self._headings.append(Heading(offset, level, " ".join(title.split())))

    def within(self, start: int, end: int, text: str) -> None:
        """Say that a piece between `start` and `end` needs `text` to be understood; contexts come in order of place."""
        self._contexts.append(Context(start, end, " ".join(text.split())))

    def table(
        self,
        rows: Sequence[Sequence[str]],
        headers: int = 1,
        caption: str = "",
        certain: bool = True,
        names: Sequence[str] = (),
    ) -> list[int | None]:
        """Append a table whose first `headers` rows name the columns; empty rows are left out.

        `_grid` lays out cells that cover several columns or rows. Where it is not `certain` that these rows name the
        columns, no value is written behind what may not be its name. `names` are those of the columns if no row has
        them, as in a table that goes on. Returns the offset of each row, None for one that is left out or is only in
        the names of values.
        """
        cells = [_without_last_blanks([" ".join(cell.split()) for cell in row]) for row in rows]
        flat = [row for row in cells if row]
        self.part()
        offset = self.add(caption)
        if offset is not None:
            self._gap = LINE
        given, names = bool(names), names or names_of(flat[:headers])
        long = any(len(CELLS.join(row)) > LONG_ROW for row in flat)
        if certain and long and _name_columns(names, flat[headers:]):
            outside = len(self._contexts)
            offsets: list[int | None] = [*[None] * headers, *self._records(flat[headers:], names)]
            if offset is not None and len(caption) <= _LONG_NAME:
                self._contexts.insert(outside, Context(offset, self._length, " ".join(caption.split())))
        else:
            offsets = self._lines(flat, names, caption, given)
        self.part()
        following = iter(offsets)
        return [next(following) if row else None for row in cells]

    def _lines(
        self, rows: Sequence[Sequence[str]], names: Sequence[str], caption: str, given: bool = False
    ) -> list[int | None]:
        start, labels = None, []
        offsets = []
        for row in rows:
            offset = self.add(CELLS.join(row), LINE)
            offsets.append(offset)
            start = offset if start is None else start
            if offset is not None and self._length - offset > _NEVER_CUT and 0 < len(row[0]) <= _LONG_NAME:
                labels.append(Context(offset, self._length, row[0]))
        header = CELLS.join(names)
        if start is not None and header.strip("| ") and _short(header, names):
            named = f"{caption}: {header}" if 0 < len(caption) <= _LONG_NAME else header
            self._contexts.append(Context(start - given, self._length, " ".join(named.split())))
        self._contexts += labels
        return offsets

    def _records(self, rows: Sequence[Sequence[str]], names: Sequence[str]) -> list[int | None]:
        used = {column for row in rows for column, value in enumerate(row) if value}
        if unused := [name for column, name in enumerate(names) if name and column not in used]:
            self.add(CELLS.join(unused))
        return [
            self.record([(names[column] if column < len(names) else "", value) for column, value in enumerate(row)])
            for row in rows
        ]

    def record(self, fields: Sequence[tuple[str, str]]) -> int | None:
        """Append (name, value) pairs as a paragraph of `name: value` lines and return its offset.

        A pair without a value is left out. The first value is the context of the others, and a name that of its value.
        """
        said = [(name, value) for name, value in fields if value]
        lines = [f"{name}: {value}" if name else value for name, value in said]
        offset = self.add("\n".join(lines), PARAGRAPH)
        if offset is None:
            return None
        if self._length - offset > _NEVER_CUT and len(said[0][1]) <= _LONG_NAME:
            self._contexts.append(Context(offset, self._length, said[0][1]))
        start = offset
        for (name, _), line in zip(said, lines, strict=True):
            if len(line) > _NEVER_CUT and 0 < len(name) <= _LONG_NAME:
                self._contexts.append(Context(start, start + len(line), name))
            start += len(line) + 1
        return offset

    def plain(
        self,
        title: str = "",
        otherwise: str = "",
        metadata: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
    ) -> PlainText:
        """Return all of it; the title is `title`, or the first outermost heading, or `otherwise`."""
        outermost = min(self._headings, key=lambda heading: heading.level, default=None)
        named = " ".join(title.split()) or (outermost.title if outermost else "") or otherwise
        text, end = "".join(self._parts), self._length
        ended = tuple(replace(place, end=after.start) for place, after in pairwise([*self._segments, Place(end, end)]))
        return PlainText(
            text,
            named,
            tuple(self._headings),
            ended,
            metadata or {},
            tuple(self._contexts),
            self.left_out.all(),
            tuple(notes),
        )


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 2)


def _without_last_blanks(cells: list[str]) -> list[str]:
    return cells[: max((number for number, cell in enumerate(cells, start=1) if cell), default=0)]


def names_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the name of each column: what its cells in the header rows say, each once."""
    columns = range(max(map(len, rows), default=0))
    return [" ".join(dict.fromkeys(row[i] for row in rows if i < len(row) and row[i])) for i in columns]


def _name_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether these are names of columns, not sentences of a table that lays out a page.

    Names are short, or else the values below them are shorter.
    """
    longest = max(map(len, names), default=0)
    values = max((len(cell) for row in rows for cell in row), default=0)
    return sum(map(bool, names)) > 1 and values > 0 and (longest <= _LONG_NAME or values < longest <= LONG_ROW)


def _short(header: str, names: Sequence[str]) -> bool:
    """Tell whether a header may stand at the end of headings; longer ones only if they are names, not paragraphs."""
    return len(header) <= LONG_ROW or (len(header) <= 2 * LONG_ROW and max(map(len, names)) <= 2 * _LONG_NAME)
