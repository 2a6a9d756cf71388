"""How long reading takes for each chunk, from a document of one page to one of 2,000: it should stay the same.

    python benchmarks/reading_time.py [--formats sentences docx pdf] [--pages 1 10 100 500 2000] [--limit 120]

A page has 20 sentences of about 100 characters; every fourth page has a heading, every second a small table (in formats
that have them). Each document is written anew and read by the reader of its format and cut into chunks, as ingestion
does; `store` ingests text with sentences through a fake embedder into LanceDB, so that it times reading, splitting,
hashing and writing, and no model. `unbroken` is text without sentences, `one line` text without sentences and line
ends, `Chinese` text without blanks.

Printed are chunks, milliseconds of processor time for a chunk (the least of up to three runs), and in brackets how many
times that of the smallest document whose time can be measured (`MEASURABLE` seconds). Other work on the machine
disturbs processor time least. Sizes that would take longer than `--limit` seconds, by the time of the size before, are
left out.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from groundtune.knowledge.ingest import chunked, ingest
from groundtune.knowledge.stores import open_store
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder

PAGES = (1, 10, 100, 500, 2000)
MEASURABLE = 0.02  # seconds
ROUNDS = 3
SENTENCE = "Customers of plan {number} pay {price} euros each month and may leave at the end of any of them."
CHINESE = "套餐{number}的客户每月支付{price}欧元，可以在任何一个月的月底取消合同。"
Write = Callable[[int, Path], None]
Part = tuple[str, str | list[list[str]]]  # "heading", "paragraph" or "table", and what it says


def parts(pages: int) -> Iterator[Part]:
    """Yield the parts of a document of so many pages."""
    for page in range(pages):
        if not page % 4:
            yield "heading", f"Part {page // 4 + 1}"
        for paragraph in range(4):
            numbers = [page * 20 + paragraph * 5 + sentence for sentence in range(5)]
            said = (SENTENCE.format(number=number, price=f"{number % 90}.50") for number in numbers)
            yield "paragraph", " ".join(said)
        if page % 2:
            rows = [[f"Plan {page * 20 + row}", f"{row}.50", f"{row + 3} GB"] for row in range(5)]
            yield "table", [["Name", "Price", "Volume"], *rows]


def text_of(part: Part) -> str:
    """Return a part as lines of text."""
    said = part[1]
    return said if isinstance(said, str) else "\n".join(" | ".join(row) for row in said)


def sentences(pages: int, path: Path) -> None:
    """Write text with sentences."""
    path.write_text("\n\n".join(map(text_of, parts(pages))), encoding="utf-8")


def unbroken(pages: int, path: Path) -> None:
    """Write text whose lines end, and whose sentences do not."""
    text = "\n".join(text_of(part).lower().replace(".", "") for part in parts(pages))
    path.write_text(text, encoding="utf-8")


def one_line(pages: int, path: Path) -> None:
    """Write words without an end."""
    words = " ".join(text_of(part).lower().replace(".", "") for part in parts(pages))
    path.write_text(" ".join(words.split()), encoding="utf-8")


def chinese(pages: int, path: Path) -> None:
    """Write text without blanks."""
    path.write_text("".join(CHINESE.format(number=number, price=number % 90) for number in range(60 * pages)), "utf-8")


def markdown(pages: int, path: Path) -> None:
    """Write Markdown."""
    blocks = []
    for kind, said in parts(pages):
        if isinstance(said, str):
            blocks.append(f"## {said}" if kind == "heading" else said)
        else:
            head, *rows = [f"| {' | '.join(row)} |" for row in said]
            blocks.append("\n".join([head, "|---" * 3 + "|", *rows]))
    path.write_text("\n\n".join(["# Plans", *blocks]), encoding="utf-8")


def html(pages: int, path: Path) -> None:
    """Write a page of HTML."""
    blocks = []
    for kind, said in parts(pages):
        if isinstance(said, str):
            blocks.append(f"<h2>{said}</h2>" if kind == "heading" else f"<p>{said}</p>")
        else:
            head, *rows = said
            names = "".join(f"<th>{name}</th>" for name in head)
            body = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
            blocks.append(f"<table><tr>{names}</tr>{''.join(body)}</table>")
    body = "\n".join(blocks)
    path.write_text(f"<!doctype html><title>Plans</title><h1>Plans</h1>{body}", encoding="utf-8")


def docx(pages: int, path: Path) -> None:
    """Write a document of Word: its body is put together as XML, which python-docx is slow at."""
    from docx import Document
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = Document()
    body = document.element.body
    for kind, said in parts(pages):
        if isinstance(said, str):
            style = '<w:pPr><w:pStyle w:val="Heading2"/></w:pPr>' if kind == "heading" else ""
            xml = f"<w:p {nsdecls('w')}>{style}<w:r><w:t>{said}</w:t></w:r></w:p>"
        else:
            cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>".format
            rows = "".join(f"<w:tr>{''.join(map(cell, row))}</w:tr>" for row in said)
            xml = f"<w:tbl {nsdecls('w')}>{rows}</w:tbl>"
        body.insert(len(body) - 1, parse_xml(xml))
    document.save(str(path))


def pdf(pages: int, path: Path) -> None:
    """Write a PDF."""
    from fpdf import FPDF

    document = FPDF()
    document.set_font("helvetica", size=9)
    document.add_page()
    for kind, said in parts(pages):
        document.set_font("helvetica", "B" if kind == "heading" else "", 13 if kind == "heading" else 9)
        if isinstance(said, str):
            document.multi_cell(0, None, said, new_x="LMARGIN", new_y="NEXT")
        else:
            for row in said:
                for cell in row:
                    document.cell(40, None, cell)
                document.ln()
        document.ln()
    document.output(str(path))


FORMATS: dict[str, tuple[str, Write]] = {
    "sentences": (".txt", sentences),
    "unbroken": (".txt", unbroken),
    "one line": (".txt", one_line),
    "Chinese": (".txt", chinese),
    "markdown": (".md", markdown),
    "html": (".html", html),
    "docx": (".docx", docx),
    "pdf": (".pdf", pdf),
    "store": (".txt", sentences),
}


def read(path: Path) -> int:
    """Read a file and return how many chunks it gives."""
    return len(chunked(path.name, path, KnowledgeSettings())[2])


def stored(path: Path) -> int:
    """Ingest a file into a new store and return how many chunks it gives."""
    with tempfile.TemporaryDirectory() as folder:
        embedder = HashingEmbedder()
        store = open_store("lancedb:store", Path(folder), embedder)
        return ingest(path.parent, store, embedder, KnowledgeSettings()).chunks


def measure(name: str, pages: int) -> tuple[int, float]:
    """Return how many chunks a document gives, and the least time of reading it, in seconds."""
    suffix, write = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"plans{suffix}"
        write(pages, path)
        times: list[float] = []
        chunks = 0
        while len(times) < ROUNDS and sum(times) < 10:
            began = time.process_time()
            chunks = stored(path) if name == "store" else read(path)
            times.append(time.process_time() - began)
    return chunks, min(times)


def row_of(name: str, sizes: list[int], limit: float) -> Iterator[str]:
    """Yield what the table says of each size of a format."""
    least = before = None
    for pages in sizes:
        if before is not None and before[1] * pages / before[0] > limit:
            yield "-"
            continue
        chunks, seconds = measure(name, pages)
        before = pages, seconds
        each = 1000 * seconds / chunks
        least = least or (each if seconds >= MEASURABLE else None)
        yield f"{chunks}: {each:.3f}" + (f" ({each / least:.2f})" if least else "")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    parser.add_argument("--pages", nargs="+", type=int, default=list(PAGES))
    parser.add_argument("--limit", type=float, default=120.0)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    sizes = sorted(given.pages)
    print("| chunks: ms each (times) | " + " | ".join(f"{pages:,} pages" for pages in sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for name in given.formats:
        print(f"| {name} ({FORMATS[name][0]})", end="", flush=True)
        for cell in row_of(name, sizes, given.limit):
            print(f" | {cell}", end="", flush=True)
        print(" |")


if __name__ == "__main__":
    main()
