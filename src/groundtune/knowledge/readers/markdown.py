"""Markdown: the source is kept as it is, so that quotes and offsets are those of the file; headings by CommonMark.

A front matter between `---` lines is left out; its `title:` becomes the title (`title: ""` says that there is none,
and the file's name is not taken for one), and all of its `key: value` lines
become metadata. Lists and nested values are not read.
"""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._decoding import decoded
from groundtune.values import Heading, PlainText

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(?P<quote>[\"']?)(?P<title>.+?)(?P=quote)[ \t]*$", re.MULTILINE)
_SCALAR = re.compile(r"^(?P<key>[^\W\d][\w-]*):[ \t]+(?P<quote>[\"']?)(?P<value>.+?)(?P=quote)[ \t]*$", re.MULTILINE)
_NO_SCALAR = tuple("[{|>&*!#")  # what begins another kind of value, or a comment, in YAML


class MarkdownReader:
    """Reads Markdown with tables (GitHub's and CommonMark's headings, both kinds)."""

    suffixes = (".md", ".markdown")

    def read(self, path: Path) -> PlainText:
        """Return the source without its front matter; the title is the front matter's or the first heading's."""
        text, front = decoded(path).text, ""
        if match := _FRONT_MATTER.match(text):
            text, front = text[match.end() :], match.group(1) or ""
        parts = headings(text)
        named = _TITLE.search(front)
        untitled = named is not None and named["title"] in ('""', "''")
        if untitled:
            named = None
        title = named["title"] if named else parts[0].title if parts else "" if untitled else name_of(path)
        return PlainText(text, title, parts, metadata=_metadata(front, title if named else None))


def _metadata(front: str, title: str | None) -> dict[str, str]:
    """Return the `key: value` lines of a front matter, keys in lower case; of equal keys the first."""
    scalars: dict[str, str | None] = {"title": title} if title else {}
    for match in _SCALAR.finditer(front):
        value = match["value"] if match["quote"] else re.split(r"\s#", match["value"])[0]
        if match["quote"] or not value.startswith(_NO_SCALAR):
            scalars.setdefault(match["key"].lower(), value)
    return described(**scalars)


def headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown source; `offset` is where the heading's line begins."""
    line_starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return tuple(
        Heading(line_starts[token.map[0]], int(token.tag[1]), title)
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.map and token.level == 0 and (title := _plain(inline))
    )


def _plain(inline: Token) -> str:
    """Return what a reader sees of a heading: no emphasis marks, no link targets."""
    parts = (" " if part.type in ("softbreak", "hardbreak") else part.content for part in inline.children or ())
    return " ".join("".join(parts).split())


def groundtune_reader() -> MarkdownReader:
    """Hook of `readers`."""
    return MarkdownReader()
