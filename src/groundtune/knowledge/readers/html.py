"""HTML: what the page says, without its navigation, scripts and struck text, which are counted.

A page is parsed as browsers parse it. Blocks are separated by newlines, table rows are `cell | cell`, list items begin
with `- ` or their number. What is hidden until somebody clicks is read. `<title>` and `<meta>` say title, author and
date. Knows where a page names its encoding, not which encodings there are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._decoding import Decoded, decoded
from groundtune.knowledge.readers._html.text import PageText
from groundtune.knowledge.readers._html.tree import Node, parse
from groundtune.values import PlainText

# Names of `<meta>`: HTML's own, Dublin Core's and Open Graph's, in lower case.
_AUTHOR = ("author", "dc.creator", "dcterms.creator", "article:author")
_DATE = ("date", "dc.date", "dcterms.date", "dcterms.created", "article:published_time")
# If a page has no other text, it is what is left out of other pages.
_KEPT: tuple[tuple[str, ...], ...] = ((), ("navigation",), ("navigation", "noscript", "template"))

_BEGINNING = 65_536  # bytes in which a page says its encoding; browsers look at 1,024 first
_UNSEEN = re.compile(rb"<!--.*?-->|<(script|style|title)\b.*?</\1", re.DOTALL | re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"'>]+)", re.IGNORECASE)
_META = re.compile(rb"<meta\b[^>]*?\bcharset\s*=\s*[\"']?\s*([^\s\"'/;>]+)", re.IGNORECASE)


class HtmlReader:
    """Reads web pages."""

    suffixes = (".html", ".htm", ".xhtml")

    def read(self, path: Path) -> PlainText:
        """Return what the page says; the title is its first heading of the highest level, else `<title>`."""
        with path.open("rb") as file:
            source = decoded(path, declared=declared_encoding(file.read(_BEGINNING)))
        return page_text(source, name_of(path))


def page_text(source: Decoded, otherwise: str) -> PlainText:
    """Return what a page says; its title is `otherwise` if it has none."""
    nodes = parse(source.text)
    metadata = _metadata(nodes)
    for kept in _KEPT:
        builder = PageText(nodes, kept).write()
        builder.left_out.include(source.left_out)
        plain = builder.plain(otherwise=metadata.get("title") or otherwise, metadata=metadata, notes=source.notes)
        if plain.text:
            break
    return plain


def declared_encoding(beginning: bytes) -> str:
    """Return the encoding that a page names, "" if it names none, or one that it cannot have.

    A page in UTF-16 could not be read far enough to find that it says so: browsers take it for UTF-8.
    https://html.spec.whatwg.org/#prescan-a-byte-stream-to-determine-its-encoding
    """
    match = _XML.match(beginning.removeprefix(b"\xef\xbb\xbf")) or _META.search(_UNSEEN.sub(b"", beginning))
    label = match[1].decode("ascii", "replace").strip().lower() if match else ""
    if re.match(r"utf-?16|utf-?32|ucs-?[24]|iso-10646-ucs-|(?:cs)?unicode", label):
        return "utf-8"
    return "windows-1252" if label == "x-user-defined" else label


def _metadata(nodes: Sequence[Node]) -> dict[str, str]:
    said: dict[str, str] = {}
    title = ""
    for index, node in enumerate(nodes):
        if node.tag == "meta":
            name = (node.attributes.get("name") or node.attributes.get("property") or "").strip().lower()
            said.setdefault(name, node.attributes.get("content", ""))
        elif node.tag == "title" and not title and nodes[node.parent].tag != "svg":
            title = "".join(each.text for each in nodes[index : node.end])
    first = {
        key: next((said[name] for name in names if said.get(name, "").strip()), "")
        for key, names in (("author", _AUTHOR), ("date", _DATE))
    }
    return described(title=title, **first)


def groundtune_reader() -> HtmlReader:
    """Hook of `readers`."""
    return HtmlReader()
