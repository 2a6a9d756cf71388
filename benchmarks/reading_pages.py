"""How much of web pages different tools read, and how much of their navigation.

    python benchmarks/reading_pages.py [--missing]

Ten pages of ten shapes stand in tests/fixtures/pages, written for this; tests/fixtures/_web_pages.py lists the
sentences of each that a person wants to find again and the words that are no content. Printed are the shares of both
that stand in what each tool returns, for the tools that are installed: our reader, Beautiful Soup's text (without
scripts), lxml's text, trafilatura as it is called by default and with its setting for more text, markitdown.
`--missing` names what our reader gets wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fixtures"))
from _web_pages import PAGES, WebPage, standing

Tool = Callable[[Path], str]


def ours(path: Path) -> str:
    return readers.read(path).text


def beautiful_soup(path: Path) -> str:
    from bs4 import BeautifulSoup

    page = BeautifulSoup(path.read_bytes(), "lxml")
    for script in page.find_all(["script", "style", "noscript", "template", "nav", "footer", "head"]):
        script.decompose()
    return page.get_text(" ")


def lxml_text(path: Path) -> str:
    from lxml import etree, html

    page = html.document_fromstring(path.read_bytes())
    etree.strip_elements(page, "script", "style", "head", "nav", "footer", "noscript", "template", with_tail=False)
    return str(page.text_content())


def trafilatura(path: Path) -> str:
    from trafilatura import extract

    return extract(path.read_bytes()) or ""


def trafilatura_for_recall(path: Path) -> str:
    from trafilatura import extract

    return extract(path.read_bytes(), favor_recall=True, include_images=True) or ""


def markitdown(path: Path) -> str:
    from markitdown import MarkItDown

    return str(MarkItDown().convert(str(path)).text_content)


TOOLS: dict[str, tuple[str, Tool]] = {
    "groundtune": ("groundtune", ours),
    "Beautiful Soup": ("bs4", beautiful_soup),
    "lxml": ("lxml", lxml_text),
    "trafilatura": ("trafilatura", trafilatura),
    "trafilatura, more text": ("trafilatura", trafilatura_for_recall),
    "markitdown": ("markitdown", markitdown),
}


def shares(page: WebPage, read: Tool) -> tuple[int, int]:
    """Return how many wanted phrases stand in the text, and how many unwanted ones; a page that is refused has none."""
    try:
        text = read(page.path)
    except UnreadableDocument:
        return 0, 0
    return len(standing(page.wanted, text)), len(standing(page.unwanted, text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missing", action="store_true", help="name what our reader gets wrong")
    options = parser.parse_args()
    tools = {name: read for name, (package, read) in TOOLS.items() if find_spec(package)}
    print(f"{'page':20}" + "".join(f"{name:>24}" for name in tools))
    sums = dict.fromkeys(tools, (0, 0))
    for page in PAGES:
        row = f"{page.name:20}"
        for name, read in tools.items():
            kept, beside = shares(page, read)
            sums[name] = (sums[name][0] + kept, sums[name][1] + beside)
            row += f"{f'{kept}/{len(page.wanted)}  {beside}/{len(page.unwanted)}':>24}"
        print(row)
    wanted, unwanted = (sum(len(getattr(page, part)) for page in PAGES) for part in ("wanted", "unwanted"))
    for label, place, of in (("kept", 0, wanted), ("navigation in it", 1, unwanted)):
        print(f"{label:20}" + "".join(f"{f'{both[place] / of:.3f}':>24}" for both in sums.values()))
    if options.missing:
        for page in PAGES:
            text = ours(page.path)
            lost = [phrase for phrase in page.wanted if not standing([phrase], text)]
            print(page.name, "lost:", lost, "got in:", standing(page.unwanted, text))


if __name__ == "__main__":
    main()
