"""Text and HTML that programs put into a Word file as a file of its own. Knows simple pages only: no scripts run."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator

from lxml import etree

from groundtune.knowledge.readers._builder import CELLS

_PAGES, _ARCHIVES, _TEXTS = (".htm", ".html", ".xhtml"), (".mht", ".mhtml"), (".txt",)
_BLOCKS = frozenset("p div li tr h1 h2 h3 h4 h5 h6 br pre blockquote table ul ol dt dd".split())
_CELLS = frozenset(("td", "th"))
_UNSEEN = frozenset("script style head template del s".split())


def lines(target: str, data: bytes) -> list[str] | None:
    """Return the text of an imported file, a paragraph or a table row a line; None if its format is not known."""
    suffix = f".{target.lower().rpartition('.')[2]}"
    if suffix in _TEXTS:
        return _nonblank(_decoded(data))
    if suffix in _ARCHIVES or data[:200].lstrip().lower().startswith(b"mime-version"):
        return _nonblank("\n".join(_page(page) for page in _archived(data)))
    return _nonblank(_page(_decoded(data))) if suffix in _PAGES else None


def _nonblank(text: str) -> list[str]:
    squeezed = (" ".join(line.split()).strip("| ") for line in text.split("\n"))
    return [line for line in squeezed if line]


def _archived(data: bytes) -> Iterator[str]:
    """Yield the pages of a web archive, which is a mail with attachments."""
    for each in email.message_from_bytes(data, policy=email.policy.default).walk():
        if each.get_content_type() == "text/html":
            payload = each.get_payload(decode=True)
            yield _decoded(payload) if isinstance(payload, bytes) else ""


def _decoded(data: bytes) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("windows-1252", "replace")


def _page(page: str) -> str:
    """Return the text of a page: a block a line, cells of a row in one."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True)
    root = etree.fromstring(page.encode(), parser) if page.strip() else None
    if root is None:
        return ""
    etree.strip_elements(root, *_UNSEEN, with_tail=False)
    text: list[str] = []
    cells = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        cells += (event == "start") - (event == "end") if tag in _CELLS else 0
        if tag in _CELLS:
            text.append(CELLS if event == "end" else "")
        elif tag in _BLOCKS:
            text.append(" " if cells else "\n")
        said = element.text if event == "start" else element.tail
        text.append((said or "").replace("\n", " ") if tag or event == "end" else "")
    return "".join(text)
