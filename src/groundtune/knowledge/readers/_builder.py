"""Puts blocks of text together and remembers where headings stand, pages and moments begin, and tables are.

Knows no file format.

A table is written a row a line, `cell | cell`, or, where lines would be long, a row as `column: value` lines. Its
caption, its header, a row that names the period of those below it, and the label of a long row become contexts: a piece
cut out of the middle is still understood.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import pairwise

from groundtune.knowledge.readers._caption import LONGEST_CAPTION, caption_start, is_period, names_a_period
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
        self._caption = ""  # of the last table that did not go on with another
        self._floor = 0  # where the last context or file within this one ends: no caption begins above it
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
            self._floor = self._length
        self.part()
        return offset

    def mark(self, offset: int | None, title: str, level: int = 1) -> None:
        """Say that the block at `offset` begins a part called `title`."""
        if offset is not None:
            self._headings.append(Heading(offset, level, " ".join(title.split())))

    def within(self, start: int, end: int, text: str) -> None:
        """Say that a piece between `start` and `end` needs `text` to be understood; contexts come in order of place."""
        self._contexts.append(Context(start, end, " ".join(text.split())))
        self._floor = max(self._floor, end)

    @contextmanager
    def around(self, start: int, text: str) -> Iterator[None]:
        """Say that all that is appended within this block needs `text`, if that is not empty, to be understood."""
        place = len(self._contexts)
        yield
        if text and start < self._length:
            self._contexts.insert(place, Context(start, self._length, text))

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
        start, said = self._captioned(caption)
        goes_on, names = bool(names), names or names_of(flat[:headers])
        long = any(len(CELLS.join(row)) > LONG_ROW for row in flat)
        as_records = certain and long and _name_columns(names, flat[headers:])
        header = "" if as_records else _header(names)
        if goes_on:  # what it began with does not stand above it
            around = [(start - 1, self._caption), (start - 1, header), (start, said)]
        else:
            around = [(start, said), (self._length + len(self._gap), header)]
            self._caption = said
        with ExitStack() as contexts:
            for place, text in around:
                contexts.enter_context(self.around(place, text))
            offsets = [*[None] * headers, *self._records(flat[headers:], names)] if as_records else self._lines(flat)
        self._floor = self._length
        self.part()
        following = iter(offsets)
        return [next(following) if row else None for row in cells]

    def _captioned(self, caption: str) -> tuple[int, str]:
        """Append a caption, and return where a table with all that stands above it and belongs to it begins, and what
        that says; nothing if the heading says it.
        """
        offset = self.add(caption)
        if offset is not None:
            self._gap = LINE
        tail, before = self._tail(2 * LONGEST_CAPTION + len(caption))
        heading = next((each for each in reversed(self._headings) if not is_period(each.title)), None)
        floor = max(self._floor - before, 0)
        if heading and heading.offset >= before:
            line_end = tail.find("\n", heading.offset - before)
            floor = max(floor, len(tail) if line_end < 0 else line_end)
        above = caption_start(tail, floor, len(tail) if offset is None else offset - before)
        start = offset if above is None else before + above
        if start is None:
            return self._length + len(self._gap), ""
        lines = tail[start - before :].splitlines()
        known = heading is not None and all(line in heading.title for line in lines)
        return start, "" if known else shortened(" ".join(lines))

    def _tail(self, length: int) -> tuple[str, int]:
        """Return the last parts, of `length` characters at least if there are so many, and where they begin."""
        first, got = len(self._parts), 0
        while first and got < length:
            first -= 1
            got += len(self._parts[first])
        return "".join(self._parts[first:]), self._length - got

    def _lines(self, rows: Sequence[Sequence[str]]) -> list[int | None]:
        offsets = [self.add(CELLS.join(row), LINE) for row in rows]
        written = [(offset, row) for offset, row in zip(offsets, rows, strict=True) if offset is not None]
        self._contexts += row_contexts(written, self._length)
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
        self._floor = self._length
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


def row_contexts(rows: Sequence[tuple[int, Sequence[str]]], end: int) -> list[Context]:
    """Return the contexts within a table, whose rows begin at these offsets and which ends at `end`.

    A row that says nothing but a period has those below it, up to the next one. The label of a long row has that row.
    """
    made, until = [], end
    for (offset, row), (following, _) in zip(reversed(rows), [(end + 1, ()), *reversed(rows)], strict=False):
        if not 0 < len(row[0]) <= _LONG_NAME:
            continue
        if not any(row[1:]) and names_a_period(row[0]):
            made.append(Context(offset, until, row[0]))
            until = offset
        elif following - offset > _NEVER_CUT + 1:
            made.append(Context(offset, following - 1, row[0]))
    return made[::-1]


def shortened(caption: str) -> str:
    """Return a caption in one line that is short enough to stand in headings."""
    said = " ".join(caption.split())
    return said if len(said) <= LONGEST_CAPTION else f"{said[:LONGEST_CAPTION].rsplit(' ', 1)[0]} …"


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


def _header(names: Sequence[str]) -> str:
    """Return the names of columns as they stand at the end of headings: not if they say nothing or are paragraphs."""
    header = " ".join(CELLS.join(names).split())
    longest = max(map(len, names), default=0)
    fits = len(header) <= LONG_ROW or (len(header) <= 2 * LONG_ROW and longest <= 2 * _LONG_NAME)
    return header if fits and header.strip("| ") else ""
