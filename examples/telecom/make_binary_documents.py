"""Make the PDF and DOCX documents of the telecom example from the Markdown in `sources/`.

`sources/plans/contract-terms.pdf.md` becomes `documents/plans/contract-terms.pdf`, and `.docx.md` becomes `.docx`.
Only a small part of Markdown is read: headings, paragraphs, bullets, numbered lists, simple tables and **bold**.
The same sources always give the same bytes. Needs `fpdf2` and `python-docx`.

    python make_binary_documents.py
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import docx
from docx.document import Document as WordDocument
from fpdf import FPDF
from fpdf.enums import Align

HERE = Path(__file__).parent
CREATED = datetime(2025, 3, 1, tzinfo=UTC)
HEADING_POINTS = {1: 18, 2: 14, 3: 12}

Block = tuple[str, list[str]]  # kind ("h1" to "h3", "p", "bullet", "number" or "row") and its texts


def blocks(markdown: str) -> Iterator[Block]:
    """Read the lines of a source; every paragraph, list item and table row stands on one line."""
    for line in markdown.splitlines():
        text = line.strip().replace("**", "")
        if not text or re.fullmatch(r"\|[-| ]+\|", text):
            continue
        if heading := re.match(r"(#{1,3}) (.+)", text):
            yield f"h{len(heading[1])}", [heading[2]]
        elif text.startswith("- "):
            yield "bullet", [text[2:]]
        elif numbered := re.match(r"(\d+)\. (.+)", text):
            yield "number", [numbered[1], numbered[2]]
        elif text.startswith("|"):
            yield "row", [cell.strip() for cell in text.strip("|").split("|")]
        else:
            yield "p", [text]


def tables_joined(source: Iterator[Block]) -> Iterator[tuple[str, list[str] | list[list[str]]]]:
    """Gather neighbouring table rows into one block of kind "table"."""
    rows: list[list[str]] = []
    for kind, texts in source:
        if kind == "row":
            rows.append(texts)
            continue
        if rows:
            yield "table", rows
            rows = []
        yield kind, texts
    if rows:
        yield "table", rows


def write_pdf(markdown: str, target: Path) -> None:
    """Write plain A4 pages: left-aligned, no hyphenation, no headers or footers."""
    pdf = FPDF(format="A4")
    pdf.set_creation_date(CREATED)
    pdf.set_margin(22)
    pdf.set_auto_page_break(True, margin=20)
    pdf.add_page()

    def write(text: str, *, size: int = 11, style: str = "", before: float = 0.0, after: float = 2.0) -> None:
        pdf.set_font("Helvetica", style, size)
        pdf.ln(before)
        pdf.multi_cell(0, size * 0.48, text, align=Align.L, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(after)

    for kind, content in tables_joined(blocks(markdown)):
        if kind == "table":
            pdf.set_font("Helvetica", "", 10)
            with pdf.table(text_align="LEFT", first_row_as_headings=True, line_height=6) as table:
                for cells in content:
                    table.row(cells)
            pdf.ln(3)
        elif kind.startswith("h"):
            if kind == "h1":
                pdf.set_title(content[0])
            write(content[0], size=HEADING_POINTS[int(kind[1])], style="B", before=2)
        elif kind == "bullet":
            write(f"- {content[0]}", after=1)
        elif kind == "number":
            write(f"{content[0]}. {content[1]}", after=1)
        else:
            write(content[0])
    pdf.output(str(target))


def write_docx(markdown: str, target: Path) -> None:
    """Write headings, lists and tables in Word's own styles."""
    word: WordDocument = docx.Document()
    properties = word.core_properties
    properties.author, properties.comments = "Tirvane", ""
    properties.created = properties.modified = CREATED.replace(tzinfo=None)
    for kind, content in tables_joined(blocks(markdown)):
        if kind == "table":
            table = word.add_table(rows=0, cols=len(content[0]), style="Table Grid")
            for cells in content:
                for cell, text in zip(table.add_row().cells, cells, strict=True):
                    cell.text = text
        elif kind.startswith("h"):
            if kind == "h1":
                properties.title = content[0]
            word.add_heading(content[0], level=int(kind[1]))
        elif kind == "bullet":
            word.add_paragraph(content[0], style="List Bullet")
        elif kind == "number":
            word.add_paragraph(content[1], style="List Number")
        else:
            word.add_paragraph(content[0])
    word.save(str(target))
    set_zip_dates(target)


def set_zip_dates(path: Path) -> None:
    """Give every member of a zip file the same date, so that equal content means equal bytes."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, CREATED.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def main() -> None:
    """Rebuild every document that has a source."""
    for source in sorted((HERE / "sources").rglob("*.md")):
        target = HERE / "documents" / source.relative_to(HERE / "sources").with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        write = {".pdf": write_pdf, ".docx": write_docx}[target.suffix]
        write(source.read_text(encoding="utf-8"), target)
        print(target.relative_to(HERE))


if __name__ == "__main__":
    main()
