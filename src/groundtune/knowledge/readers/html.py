"""HTML: what the page says, without navigation, footers, asides and scripts.

Blocks are separated by newlines, table rows are `cell | cell`, list items begin with `- `. Bytes that are not UTF-8
are taken in the encoding that the page declares, never in a guessed one. `<title>` and `<meta>` say title, author
and date.
"""

from __future__ import annotations

from pathlib import Path

from bs4 import BeautifulSoup
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString, PreformattedString, Tag

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.readers import described, name_of
from groundtune.knowledge.readers._builder import LINE, PARAGRAPH, TextBuilder
from groundtune.values import PlainText

_LEFT_OUT = "nav footer aside script style noscript template form button select svg iframe".split()
_BLOCKS = frozenset(
    "address article blockquote body caption dd details div dl dt fieldset figcaption figure header hr html li main ol "
    "p pre section summary table tbody td tfoot th thead tr ul".split()
)
# Names of `<meta>`: HTML's own, Dublin Core's and Open Graph's, in lower case.
_AUTHOR = ("author", "dc.creator", "dcterms.creator", "article:author")
_DATE = ("date", "dc.date", "dcterms.date", "dcterms.created", "article:published_time")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class HtmlReader:
    """Reads web pages."""

    suffixes = (".html", ".htm", ".xhtml")

    def read(self, path: Path) -> PlainText:
        """Return the page's main part; the title is its first heading of the highest level, else `<title>`."""
        page = BeautifulSoup(_decoded(path), "lxml")
        metadata = _metadata(page)
        for unwanted in page.find_all([*_LEFT_OUT, "head"]):
            unwanted.decompose()
        for hidden in page.select("[hidden], [aria-hidden=true]"):
            hidden.decompose()
        root = _main_part(page)
        writer = _Writer()
        writer.element(root)
        writer.flush()
        return writer.builder.plain(otherwise=metadata.get("title") or name_of(path), metadata=metadata)


def _metadata(page: BeautifulSoup) -> dict[str, str]:
    said: dict[str, str] = {}
    for meta in page.find_all("meta"):
        name = str(meta.get("name") or meta.get("property") or "").strip().lower()
        said.setdefault(name, str(meta.get("content") or ""))
    first = {
        key: next((said[name] for name in names if said.get(name, "").strip()), "")
        for key, names in (("author", _AUTHOR), ("date", _DATE))
    }
    return described(title=page.title.get_text() if page.title else "", **first)


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = EncodingDetector.find_declared_encoding(data, is_html=True, search_entire_document=False)
    try:
        return data.decode(declared or "utf-8")
    except (UnicodeDecodeError, LookupError) as error:
        what = (
            f"declares the encoding {declared} but does not use it"
            if declared
            else "is not UTF-8 and declares no encoding"
        )
        raise UnreadableDocument(f"{what} ({error}).", place=path, remedy="Save it as UTF-8.") from None


def _main_part(page: BeautifulSoup) -> Tag:
    articles = page.find_all("article")
    root = page.find("main") or page.select_one("[role=main]") or (articles[0] if len(articles) == 1 else None)
    if isinstance(root, Tag):
        return root
    body = page.body or page
    for header in body.find_all("header", recursive=False):
        if not header.find("h1"):
            header.decompose()
    return body


class _Writer:
    """Walks through elements; text gathers until a block begins or ends."""

    def __init__(self) -> None:
        self.builder = TextBuilder()
        self._gathered: list[str] = []
        self._prefix = ""

    def flush(self, gap: str = PARAGRAPH) -> None:
        """Write what has gathered as a block; its lines are those that `<br>` makes."""
        lines = (" ".join(line.split()) for line in "".join(self._gathered).split("\0"))
        self._gathered = []
        block = "\n".join(line for line in lines if line)
        if block:
            self.builder.add(self._prefix + block, LINE if self._prefix else gap)
            self._prefix = ""

    def element(self, tag: Tag) -> None:
        """Write `tag` and what is in it."""
        for child in tag.children:
            if isinstance(child, NavigableString):
                if not isinstance(child, PreformattedString):  # comments and declarations
                    self._gathered.append(str(child))
            elif isinstance(child, Tag):
                self._child(child)

    def _child(self, tag: Tag) -> None:
        if tag.name == "br":
            self._gathered.append("\0")
        elif tag.name not in _BLOCKS and tag.name not in _HEADINGS:
            self.element(tag)
        else:
            self.flush()
            self._block(tag)

    def _block(self, tag: Tag) -> None:
        if tag.name in _HEADINGS:
            self.builder.heading(tag.get_text(), _HEADINGS[tag.name])
        elif tag.name == "pre":
            self.builder.add(tag.get_text().strip("\n"))
        elif tag.name == "table":
            self._table(tag)
        elif tag.name == "li":
            self._prefix = "- "
            self.element(tag)
            self.flush(LINE)
            self._prefix = ""
        else:
            self._container(tag)

    def _container(self, tag: Tag) -> None:
        """A list, a paragraph, a section; lists within lists stay close."""
        if tag.find_parent("li") is None:
            self.builder.part()
        self.element(tag)
        self.flush(LINE if tag.name in ("dt", "dd") else PARAGRAPH)
        if tag.name not in ("dt", "dd") and tag.find_parent("li") is None:
            self.builder.part()

    def _table(self, table: Tag) -> None:
        self.builder.part()
        if table.find("table"):  # a table that lays out the page
            self.element(table)
            self.flush()
        else:
            if table.caption:
                self.builder.add(table.caption.get_text(" "))
            for row in table.find_all("tr"):
                self.builder.row([cell.get_text(" ") for cell in row.find_all(["td", "th"])])
        self.builder.part()


def groundtune_reader() -> HtmlReader:
    """Hook of `readers`."""
    return HtmlReader()
