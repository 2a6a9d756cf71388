"""Markdown: the source is kept as it is, so that quotes and offsets are those of the file; headings by CommonMark.

A front matter is left out; its `title:` becomes the title (`title: ""` says that there is none, and the file's name is
not taken for one), and its scalars become metadata. Pictures within the source are left out, too. The header of a
table belongs to all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import CELLS
from groundtune.knowledge.readers._data_uris import without_data_uris
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._front_matter import front_matter
from groundtune.values import Context, Heading, PlainText

_LONG_HEADER, _LONG_LABEL, _LONG_ROW = 500, 80, 100  # characters


class MarkdownReader:
    """Reads Markdown with tables (GitHub's and CommonMark's headings, both kinds)."""

    suffixes = (".md", ".markdown")

    def read(self, path: Path) -> PlainText:
        """Return the source without its front matter; the title is the front matter's or the first heading's."""
        source = decoded(path)
        front = front_matter(source.text)
        if source.text[: front.end].strip("-+. \t\n"):
            source.left_out.add("front matter")
        text = without_data_uris(source.text[front.end :], source.left_out)
        tokens = _parsed(text)
        parts = _headings(text, tokens)
        untitled = front.title == ""
        title = front.title or (parts[0].title if parts else "" if untitled else name_of(path))
        return PlainText(
            text,
            title,
            parts,
            metadata=front.metadata,
            contexts=tuple(_contexts(text, tokens)),
            left_out=source.left_out.all(),
            notes=source.notes,
            readable_by=front.readable_by,
        )


def headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown source; `offset` is where the heading's line begins."""
    return _headings(text, _parsed(text))


def _parsed(text: str) -> Sequence[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def _line_starts(text: str) -> list[int]:
    return [0, *accumulate(len(line) + 1 for line in text.split("\n"))]


def _headings(text: str, tokens: Sequence[Token]) -> tuple[Heading, ...]:
    line_starts = _line_starts(text)
    return tuple(
        Heading(line_starts[token.map[0]], int(token.tag[1]), title)
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.map and token.level == 0 and (title := _plain(inline))
    )


def _contexts(text: str, tokens: Sequence[Token]) -> Iterator[Context]:
    """Yield the header of each table for all of it, and the label of each long row for that row."""
    line_starts = _line_starts(text)
    cells: list[str] = []
    first = last = row = 0
    header = True
    for token in tokens:
        if token.type == "table_open" and token.map:
            first, last = token.map
            cells, header = [], True
        elif token.type == "tr_open" and token.map:
            cells, row = [], token.map[0]
        elif token.type == "inline" and token.level:
            cells.append(_plain(token))
        elif token.type == "tr_close":
            end = line_starts[row + 1] - 1
            names = CELLS.join(cells)
            if header and names.strip("| ") and len(names) <= _LONG_HEADER:
                yield Context(line_starts[first], min(line_starts[last] - 1, len(text)), names)
            elif not header and end - line_starts[row] > _LONG_ROW and 0 < len(cells[0]) <= _LONG_LABEL:
                yield Context(line_starts[row], end, cells[0])
            header = False


def _plain(inline: Token) -> str:
    """Return what a reader sees of a heading or a cell: no emphasis marks, no link targets."""
    parts = (" " if part.type in ("softbreak", "hardbreak") else part.content for part in inline.children or ())
    return " ".join("".join(parts).split())


def groundtune_reader() -> MarkdownReader:
    """Hook of `readers`."""
    return MarkdownReader()
