"""PDF with a text layer, by pypdf. Lines of a paragraph are joined, running heads and page numbers left out.

Lines in a font clearly larger than most of the text are headings. Pages are counted from 1, as a viewer counts
them, whatever number is printed on them. Scans need OCR first and are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pypdf import PdfReader as PypdfReader
from pypdf.errors import DependencyError, PyPdfError

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described, encodable, name_of
from groundtune.knowledge.readers._builder import LINE, PARAGRAPH, TextBuilder
from groundtune.values import PlainText

_LARGER = 1.15  # times the size of most of the text makes a heading
_LONGEST_HEADING = 120  # characters
_WRAPPED = 0.75  # of the width of the text: a line so long goes on in the next one
_NARROWEST = 40  # characters; narrower text is a table or a form
_ITEM = re.compile(r"\s*(?:[-*•▪◦–]\s|\(?\d{1,2}[.)]\s|\(?[a-z][.)]\s)")


@dataclass(frozen=True, slots=True)
class _TextLine:
    text: str
    size: float
    page: int = 0


@dataclass(frozen=True, slots=True)
class _Block:
    """A heading, a paragraph put together again, or a single line. `pages` are (offset in it, page) of its lines."""

    text: str
    size: float
    joined: bool
    pages: tuple[tuple[int, int], ...]


class PdfReader:
    """Reads PDF files that contain text."""

    suffixes = (".pdf",)

    def read(self, path: Path) -> PlainText:
        """Return the text of all pages, and where each page with text begins.

        The title is the one in the file's properties if it is printed on the first page, else the file's name:
        many programs leave something else in there. Raises `UnreadableDocument` if the file is encrypted, broken
        or has no text layer.
        """
        pages, properties = _pages(path)
        if not any(page for page in pages):
            raise UnreadableDocument(
                "this PDF has no text layer (it is a scan or contains only pictures).",
                place=path,
                remedy="Run OCR on it first.",
            )
        printed = " ".join(" ".join(line.text for line in pages[0]).split()).casefold()
        titled = properties.pop("title", "")
        if titled and titled.casefold() in printed:
            properties = {"title": titled, **properties}
        title = properties.get("title") or name_of(path)
        return _built(_without_running_heads(pages)).plain(title=title, metadata=properties)


def _pages(path: Path) -> tuple[list[list[_TextLine]], dict[str, str]]:
    """Return the lines of each page, and what the file's properties say."""
    try:
        pdf = PypdfReader(path)
        if pdf.is_encrypted and not pdf.decrypt(""):
            raise UnreadableDocument(
                "this PDF is encrypted.", place=path, remedy="Save a copy without a password and ingest that."
            )
        pages = [
            [replace(line, page=number) for line in _lines(page)] for number, page in enumerate(pdf.pages, start=1)
        ]
        return pages, _properties(pdf)
    except UnreadableDocument:
        raise
    except DependencyError as error:
        raise UnreadableDocument(
            f"this PDF is encrypted ({error}).", place=path, remedy="Save a copy without encryption and ingest that."
        ) from None
    except (PyPdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        # pypdf meets broken structures with errors of all these kinds.
        raise UnreadableDocument(
            f"broken PDF ({type(error).__name__}: {error}).", place=path, remedy="Export it again."
        ) from None


def _properties(pdf: PypdfReader) -> dict[str, str]:
    properties = pdf.metadata
    if properties is None:
        return {}
    try:
        created: datetime | None = properties.creation_date
    except ValueError:  # many programs write dates of their own kinds
        created = None
    return described(title=properties.title, author=properties.author, date=created, subject=properties.subject)


def _lines(page: Any) -> list[_TextLine]:  # noqa: ANN401 -- pypdf's page
    """Return the page's lines with the font size, in points, of most of each."""
    pieces: list[tuple[str, float]] = []

    def visit(text: str, cm: list[float], tm: list[float], font: object, size: float) -> None:
        scale = abs(tm[3] * cm[3]) or abs(tm[1] * cm[1]) or 1.0
        pieces.append((encodable(text), round(size * scale, 1)))

    page.extract_text(visitor_text=visit)
    lines: list[_TextLine] = []
    text, sizes = "", Counter[float]()
    for piece, size in [*pieces, ("\n", 0.0)]:
        for number, part in enumerate(piece.split("\n")):
            if number:
                if text.strip():
                    lines.append(_TextLine(" ".join(text.replace("\u00ad", "").split()), sizes.most_common(1)[0][0]))
                text, sizes = "", Counter[float]()
            text += part
            sizes[size] += len(part.strip())
    return lines


def _without_running_heads(pages: list[list[_TextLine]]) -> list[_TextLine]:
    """Return the lines of all pages but those that stand first or last on most pages, numbers aside."""

    def shape(line: _TextLine) -> str:
        return re.sub(r"\d+", "#", line.text)

    edges = Counter(
        shape(line) for page in pages for line in {id(line): line for line in page[:1] + page[-1:]}.values()
    )
    running = {text for text, count in edges.items() if count >= max(3, len(pages) / 2)}
    kept: list[_TextLine] = []
    for page in pages:
        first = 1 if page and shape(page[0]) in running else 0
        last = len(page) - 1 if len(page) > first and shape(page[-1]) in running else len(page)
        kept.extend(page[first:last])
    return kept


def _built(lines: list[_TextLine]) -> TextBuilder:
    weights = Counter[float]()
    for line in lines:
        weights[line.size] += len(line.text)
    body = weights.most_common(1)[0][0] if weights else 0.0
    larger = sorted({line.size for line in lines if _is_heading(line, body)}, reverse=True)
    level = {size: min(number, 6) for number, size in enumerate(larger, start=1)}
    builder = TextBuilder()
    page = 0
    for block in _blocks(lines, body):
        offset = _write(block, level, builder)
        for inside, number in block.pages:
            if offset is not None and number > page:
                builder.page(offset + inside, number)
                page = number
    return builder


def _write(block: _Block, level: dict[float, int], builder: TextBuilder) -> int | None:
    if block.size in level and len(block.text) <= _LONGEST_HEADING:
        return builder.heading(block.text, level[block.size])
    if not block.joined:
        return builder.add(block.text, LINE)
    builder.part()
    offset = builder.add(block.text, PARAGRAPH)
    builder.part()
    return offset


def _is_heading(line: _TextLine, body: float) -> bool:
    return line.size >= body * _LARGER and len(line.text) <= _LONGEST_HEADING and any(map(str.isalpha, line.text))


def _blocks(lines: list[_TextLine], body: float) -> Iterator[_Block]:
    """Yield headings, paragraphs put together again, and single lines."""
    lengths = sorted(len(line.text) for line in lines if line.size == body)
    width = lengths[int(len(lengths) * 0.9)] if lengths else 0
    known = {word for line in lines for word in line.text.split()}
    block: str = ""
    pages: list[tuple[int, int]] = []
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        block = _joined(block, line.text, known) if block else line.text
        pages.append((len(block) - len(line.text), line.page))
        goes_on = (
            following is not None
            and following.size == line.size
            and not _ITEM.match(following.text)
            and (_is_heading(line, body) or len(line.text) >= max(_NARROWEST, width * _WRAPPED))
        )
        if not goes_on:
            yield _Block(block, line.size, len(pages) > 1, tuple(pages))
            block, pages = "", []


def _joined(start: str, rest: str, known: set[str]) -> str:
    """Put a broken line together; a hyphen at the end goes if the word stands elsewhere without it."""
    if not (start.endswith("-") and start[-2:-1].isalpha() and rest[:1].islower()):
        return f"{start} {rest}"
    whole = start.rsplit(None, 1)[-1][:-1] + rest.split(None, 1)[0]
    return (start[:-1] if whole in known else start) + rest


def groundtune_reader() -> PdfReader:
    """Hook of `readers`."""
    return PdfReader()
