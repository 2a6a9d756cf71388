"""PDF with a text layer, by pdfium. Running heads are left out, paragraphs and tables put together again.

Lines in a font clearly larger than most of the text, and bold lines of their own, are headings. Pages are counted from
1, as a viewer counts them, whatever number is printed on them. Pages that are pictures are read by OCR, where it is
there. What stands where on a page, and what that means, the `_pdf_` modules know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import LINE, PARAGRAPH, TextBuilder, names_of
from groundtune.knowledge.readers._left_out import named_pages
from groundtune.knowledge.readers._pdf_columns import regions
from groundtune.knowledge.readers._pdf_flow import FlowLine, OwnWords, draws_blanks, goes_on, joined, lines_of
from groundtune.knowledge.readers._pdf_lines import LineRow, rows_of
from groundtune.knowledge.readers._pdf_pages import PageWords, RulingLines, read_pages
from groundtune.knowledge.readers._pdf_running import without_running_heads
from groundtune.knowledge.readers._pdf_scans import ScannedPage, read_scans
from groundtune.knowledge.readers._pdf_tables import FoundTable, blocks
from groundtune.knowledge.readers._scans import write_scan
from groundtune.knowledge.recognition import current
from groundtune.knowledge.recognition.ocr import OcrText
from groundtune.values import PlainText

_LARGER = 1.15  # times the size of most of the text makes a heading
_LONGEST_HEADING = 120  # characters
_BOLD = 0.3  # of the characters: where more are bold, bold makes no heading

FlowPart = FlowLine | tuple[FoundTable, int] | ScannedPage


class PdfReader:
    """Reads PDF files."""

    suffixes = (".pdf",)
    recognises = ("ocr",)

    def read(self, path: Path) -> PlainText:
        """Return the text of all pages, and where each page with text begins.

        The title is the one in the file's properties if it is printed on the first page, else the file's name:
        many programs leave something else in there. Raises `UnreadableDocument` if the file asks for a password, is
        broken or has no text that can be read here.
        """
        pages, properties = read_pages(path)
        builder = TextBuilder()
        scans, notes = read_scans(path, pages, builder)
        rows = [
            [rows_of(group, page.rules if not n else RulingLines()) for n, group in enumerate(page.groups)]
            for page in pages
        ]
        if not scans and not any(group for page in rows for group in page):
            raise _without_text(path, builder)
        printed = " ".join(" ".join(row.text for group in rows[0] for row in group).split()).casefold()
        titled = properties.pop("title", "")
        if titled and titled.casefold() in printed:
            properties = {"title": titled, **properties}
        _count(pages, scans, builder)
        parts = _parts(pages, scans, rows, builder)
        _FlowWriter([part for part in parts if isinstance(part, FlowLine)], builder).write(parts)
        return builder.plain(title=properties.get("title") or name_of(path), metadata=properties, notes=notes)


def _without_text(path: Path, builder: TextBuilder) -> UnreadableDocument:
    recognition = current()
    if recognition.ocr is None:
        return recognition.not_seen(path, "this PDF has no text layer (it is a scan or contains only pictures)")
    why = "; ".join(each.reason for each in builder.left_out.all()) or "OCR finds none in its pictures"
    return UnreadableDocument(f"contains no text ({why}).", place=path, remedy="Scan it again, or remove it.")


def _count(pages: Sequence[PageWords], scans: Mapping[int, OcrText], builder: TextBuilder) -> None:
    """Count what is left out of pages."""
    left_out = builder.left_out
    without = [page.number for page in pages if not page.groups and page.drawn and page.number not in scans]
    left_out.add("page without text", len(without), named_pages(without))
    blank = [page.number for page in pages if not page.groups and not page.drawn and not page.damaged]
    left_out.add("page without text", len(blank), f"nothing at all is on {named_pages(blank)}" if blank else "")
    damaged = [page.number for page in pages if page.damaged]
    left_out.add("unreadable part", len(damaged), named_pages(damaged))
    unknown = [page.number for page in pages if page.unknown and page.number not in scans]
    if unknown:
        left_out.add("unreadable part", len(unknown), f"letters without a meaning on {named_pages(unknown)}")
    left_out.add("image", sum(page.pictures for page in pages if page.groups))
    left_out.add("comment", sum(page.comments for page in pages))


def _parts(
    pages: Sequence[PageWords],
    scans: Mapping[int, OcrText],
    rows: Sequence[list[list[LineRow]]],
    builder: TextBuilder,
) -> list[FlowPart]:
    """Return lines and tables in the order in which they are read, without running heads."""
    main = without_running_heads(
        [(page.number, groups[0] if groups else []) for page, groups in zip(pages, rows, strict=True)]
    )
    parts: list[FlowPart] = []
    for page, groups, without in zip(pages, rows, main, strict=True):
        builder.left_out.add("running head", len(groups[0]) - len(without) if groups else 0)
        if page.number in scans:
            parts.append(ScannedPage(page.number, scans[page.number]))
        for number, group in enumerate(groups):
            kept = group if number else without
            rules = RulingLines() if number else page.rules
            for region in regions(kept, rules):
                got = _of_region(region, rules, page.number)
                parts += [replace(part, size=0.0) if number and isinstance(part, FlowLine) else part for part in got]
    return parts


def _of_region(rows: Sequence[LineRow], rules: RulingLines, page: int) -> Iterator[FlowPart]:
    waiting: list[LineRow] = []
    start, end = min(row.left for row in rows), max(row.right for row in rows)
    for block in blocks(rows, rules):
        if isinstance(block, LineRow):
            waiting.append(block)
        else:
            yield from lines_of(waiting, page, start, end)
            yield block, page
            waiting = []
    yield from lines_of(waiting, page, start, end)


# --- writing --------------------------------------------------------------------------------------


class _FlowWriter:
    """Writes lines and tables into a builder, which is told where pages begin."""

    def __init__(self, lines: Sequence[FlowLine], builder: TextBuilder) -> None:
        self._builder = builder
        self._headings = _Headings(lines)
        self._vocabulary = OwnWords(line.text for line in lines)
        self._blanks_drawn = draws_blanks(lines)
        self._page = 0
        self._after_bold = False
        self._named: FoundTable | None = None  # the last table with names of columns

    def write(self, parts: Sequence[FlowPart]) -> None:
        """Write all of a document."""
        index = 0
        while index < len(parts):
            part = parts[index]
            if isinstance(part, FlowLine):
                block = self._paragraph(part, parts, index)
                self._write_lines(block)
                index += len(block)
            elif isinstance(part, ScannedPage):
                self._write_scan(part)
                index += 1
            else:
                tables = _continued(parts, index)
                self._write_table(tables)
                index += len(tables)

    def _paragraph(self, first: FlowLine, parts: Sequence[FlowPart], index: int) -> list[FlowLine]:
        """Return the lines that are one paragraph or heading, from `first` on."""
        block = [first]
        for after in range(index + 1, len(parts)):
            part = parts[after]
            if not isinstance(part, FlowLine) or not self._headings.go_on(block[-1], part):
                break
            block.append(part)
        return block

    def _turn(self, offset: int | None, page: int) -> None:
        if offset is not None and page > self._page:
            self._builder.page(offset, page)
            self._page = page

    def _write_scan(self, scan: ScannedPage) -> None:
        write_scan(scan.text, scan.number, self._builder)
        self._page = scan.number
        self._after_bold = False

    def _write_lines(self, block: Sequence[FlowLine]) -> None:
        pieces, places, length = [block[0].text], [(0, block[0].page)], 0
        for last, line in pairwise(block):
            whole = joined(last.text, last, line.text, self._vocabulary, blanks_drawn=self._blanks_drawn)
            pieces[-1:] = [whole.removesuffix(line.text), line.text]
            length += len(pieces[-2])
            places.append((length, line.page))
        text = "".join(pieces)
        level, bold = self._headings.level(block), self._headings.is_bold(block)
        if bold and (self._after_bold or text.startswith("(")):
            level = None  # of several bold lines, the first is the heading
        self._after_bold = bold
        if level is not None and len(text) <= _LONGEST_HEADING:
            offset = self._builder.heading(text, level)
        elif len(block) > 1:
            self._builder.part()
            offset = self._builder.add(text, PARAGRAPH)
            self._builder.part()
        else:
            if block[0].begins:
                self._builder.part()
            offset = self._builder.add(text, LINE)
        for inside, page in places:
            self._turn(None if offset is None else offset + inside, page)

    def _write_table(self, tables: Sequence[tuple[FoundTable, int]]) -> None:
        """Write a table that may go on over pages; its header is written once."""
        self._after_bold = False
        first, _ = tables[0]
        header = first.rows[: first.headers]
        rows, pages = [], []
        for number, (table, page) in enumerate(tables):
            repeated = table.headers if number and table.rows[: table.headers] == header else 0
            self._builder.left_out.add("running head", repeated)
            rows += table.rows[repeated:]
            pages += [page] * (len(table.rows) - repeated)
        named = self._named if not first.headers and self._named and _alike(self._named, first) else None
        names = names_of(named.rows[: named.headers]) if named else ()
        offsets = self._builder.table(rows, first.headers, names=names)
        if not named:
            self._named = first if first.headers else None
        for offset, page in zip(offsets, pages, strict=True):
            self._turn(offset, page)


def _continued(parts: Sequence[FlowPart], index: int) -> list[tuple[FoundTable, int]]:
    """Return a table and those on the next pages that go on with it."""
    tables: list[tuple[FoundTable, int]] = []
    for after in range(index, len(parts)):
        part = parts[after]
        if not isinstance(part, tuple) or (tables and not _goes_on(tables[-1], part, tables[0][0])):
            break
        tables.append(part)
    return tables


def _goes_on(before: tuple[FoundTable, int], after: tuple[FoundTable, int], first: FoundTable) -> bool:
    """Tell whether a table on the next page has the same columns, and no header or the same one."""
    (one, page), (other, following) = before, after
    if following != page + 1:
        return False
    header = other.rows[: other.headers]
    return _alike(one, other) and (not header or header == first.rows[: first.headers])


def _alike(one: FoundTable, other: FoundTable) -> bool:
    """Tell whether two tables have the same columns."""
    if len(one.columns) != len(other.columns):
        return False
    pairs = zip(one.columns, other.columns, strict=True)
    return all(low < right and left < high for (low, high), (left, right) in pairs)


class _Headings:
    """Knows which lines of a document are headings, and of which level."""

    def __init__(self, lines: Sequence[FlowLine]) -> None:
        weights, bold = Counter[float](), 0
        for line in lines:
            weights[line.size] += len(line.text)
            bold += len(line.text) if line.bold else 0
        self._body = weights.most_common(1)[0][0] if weights else 0.0
        self._bold = bold <= _BOLD * weights.total()
        larger = sorted({line.size for line in lines if self._is_larger(line)}, reverse=True)
        self._levels = {size: min(number, 6) for number, size in enumerate(larger, start=1)}

    def _is_larger(self, line: FlowLine) -> bool:
        return (
            line.size >= self._body * _LARGER
            and len(line.text) <= _LONGEST_HEADING
            and any(map(str.isalpha, line.text))
        )

    def level(self, block: Sequence[FlowLine]) -> int | None:
        """Return the level of a heading, None of other text."""
        lowest = min(len(self._levels) + 1, 6) if self.is_bold(block) else None
        return self._levels.get(block[0].size, lowest)

    def is_bold(self, block: Sequence[FlowLine]) -> bool:
        """Tell whether a block is set apart from the text only by being bold."""
        first, last = block[0], block[-1]
        bold = self._bold and first.size > 0 and first.size not in self._levels and all(line.bold for line in block)
        return bold and any(map(str.isalpha, first.text)) and not last.text.endswith((".", ":", ",", ";"))

    def go_on(self, line: FlowLine, following: FlowLine) -> bool:
        """Tell whether a paragraph or heading goes on in the following line."""
        if self._is_larger(line):
            return following.size == line.size and not following.is_item and not following.begins
        return goes_on(line, following)


def groundtune_reader() -> PdfReader:
    """Hook of `readers`."""
    return PdfReader()
