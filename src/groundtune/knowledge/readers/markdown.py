"""Markdown: the source is kept as it is, so that quotes and offsets are those of the file; headings by CommonMark.

A front matter is left out; its `title:` becomes the title (`title: ""` says that there is none, and the file's name is
not taken for one), and its scalars become metadata. Pictures within the source are left out, too. Caption and header
of a table belong to all of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from groundtune.knowledge.readers import name_of
from groundtune.knowledge.readers._builder import CELLS, row_contexts, shortened
from groundtune.knowledge.readers._caption import caption_start
from groundtune.knowledge.readers._data_uris import without_data_uris
from groundtune.knowledge.readers._decoding import decoded
from groundtune.knowledge.readers._front_matter import front_matter
from groundtune.values import Context, Heading, PlainText

_LONG_HEADER = 500  # characters


@dataclass(frozen=True, slots=True)
class _SourceTable:
    """From where to where a table reaches, and where each row begins and what its cells say, the header first."""

    start: int
    end: int
    rows: list[tuple[int, list[str]]]


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
            contexts=tuple(_contexts(text, tokens, parts)),
            left_out=source.left_out.all(),
            notes=source.notes,
            readable_by=front.readable_by,
        )


def headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown source; `offset` is where the heading's line begins."""
    return _headings(text, _parsed(text))


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _parsed(text: str) -> Sequence[Token]:
    return _parser().parse(text)


def _line_starts(text: str) -> list[int]:
    return [0, *accumulate(len(line) + 1 for line in text.split("\n"))]


def _headings(text: str, tokens: Sequence[Token]) -> tuple[Heading, ...]:
    line_starts = _line_starts(text)
    return tuple(
        Heading(line_starts[token.map[0]], int(token.tag[1]), title)
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.map and token.level == 0 and (title := _plain(inline))
    )


def _contexts(text: str, tokens: Sequence[Token], parts: Sequence[Heading]) -> Iterator[Context]:
    """Yield of each table caption and header for all of it, and what its rows say of one another."""
    floor, coming, parser = 0, list(reversed(parts)), _parser()
    for table in _tables(text, tokens):
        while coming and coming[-1].offset < table.start:
            floor = max(floor, text.find("\n", coming.pop().offset) + 1)
        above = caption_start(text, floor, table.start)
        if above is not None:
            said = shortened(_plain(parser.parseInline(text[above : table.start].strip())[0]))
            yield from [Context(above, table.end, said)] if said else []
        header = CELLS.join(table.rows[0][1])
        if header.strip("| ") and len(header) <= _LONG_HEADER:
            yield Context(table.start, table.end, header)
        yield from row_contexts(table.rows[1:], table.end)
        floor = table.end


def _tables(text: str, tokens: Sequence[Token]) -> Iterator[_SourceTable]:
    line_starts = _line_starts(text)
    table = _SourceTable(0, 0, [])
    for token in tokens:
        if token.type == "table_open" and token.map:
            first, last = token.map
            table = _SourceTable(line_starts[first], min(line_starts[last] - 1, len(text)), [])
        elif token.type == "tr_open" and token.map:
            table.rows.append((line_starts[token.map[0]], []))
        elif token.type == "inline" and token.level and table.rows:
            table.rows[-1][1].append(_plain(token))
        elif token.type == "table_close":
            yield table
            table = _SourceTable(0, 0, [])


def _plain(inline: Token) -> str:
    """Return what a reader sees of a heading or a cell: no emphasis marks, no link targets."""
    parts = (" " if part.type in ("softbreak", "hardbreak") else part.content for part in inline.children or ())
    return " ".join("".join(parts).split())


def groundtune_reader() -> MarkdownReader:
    """Hook of `readers`."""
    return MarkdownReader()
