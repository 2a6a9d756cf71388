from pathlib import Path

import docx
import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.values import Heading, PlainText


def read(path: Path, content: str | bytes) -> PlainText:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    plain = readers.read(path)
    for heading in plain.headings:  # offsets are exact: the title begins there, behind Markdown's marks at most
        line = plain.text[heading.offset :].split("\n", 1)[0]
        assert heading.offset == 0 or plain.text[heading.offset - 1] == "\n"
        if path.suffix in (".html", ".docx", ".pdf", ".json"):
            assert line == heading.title
    return plain


# --- text and Markdown ----------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_text(tmp_path):
    assert read(tmp_path / "a.txt", "\ufeffHello").text == "Hello"


def test_the_name_gives_a_title(tmp_path):
    assert read(tmp_path / "roaming-in_Europe.txt", "x").title == "roaming in Europe"


def test_markdown_keeps_its_source_and_finds_headings(tmp_path):
    text = "# Plans *and* [prices](x.html)\n\nIntro\n\n```\n# not a heading\n```\n\n"
    text += "Hazel\n-----\n\n> # quoted\n\n### Deep #\n"
    plain = read(tmp_path / "a.md", text)
    assert plain.text == text
    assert plain.title == "Plans and prices"
    assert plain.headings == (
        Heading(0, 1, "Plans and prices"),
        Heading(text.index("Hazel"), 2, "Hazel"),
        Heading(text.index("### Deep"), 3, "Deep"),
    )


def test_markdown_offsets_with_windows_line_ends(tmp_path):
    plain = read(tmp_path / "a.md", b"# One\r\n\r\ntext\r\n\r\n## Two\r\n")
    assert [plain.text[heading.offset :][:4] for heading in plain.headings] == ["# On", "## T"]


def test_front_matter_gives_the_title(tmp_path):
    plain = read(tmp_path / "a.md", '---\nlang: en\ntitle: "Hazel: the plan"\n---\n# Other\n\ntext')
    assert plain.title == "Hazel: the plan"
    assert plain.text == "# Other\n\ntext"


def test_a_rule_at_the_top_is_no_front_matter(tmp_path):
    assert read(tmp_path / "a.md", "---\nIntro without an end").text.startswith("---\nIntro")


# --- Word -----------------------------------------------------------------------------------------


def test_docx_in_the_order_of_the_document(tmp_path):
    document = docx.Document()
    document.add_heading("Fees", 0)
    document.add_paragraph("All fees include VAT.")
    document.add_heading("SIM", 2)
    table = document.add_table(rows=2, cols=3)
    for number, text in enumerate(["Service", "Fee", "Unit", "New SIM", "8.00\neuros", ""]):
        table.rows[number // 3].cells[number % 3].text = text
    table.rows[1].cells[1].merge(table.rows[1].cells[2])
    document.add_paragraph("")
    document.add_paragraph("Online", style="List Bullet")
    document.add_paragraph("In a shop", style="List Number")
    document.add_paragraph("The end.")
    document.save(str(tmp_path / "a.docx"))
    plain = readers.read(tmp_path / "a.docx")
    assert plain.text == (
        "Fees\n\nAll fees include VAT.\n\nSIM\n\nService | Fee | Unit\nNew SIM | 8.00 euros\n\n"
        "- Online\n1. In a shop\n\nThe end."
    )
    assert plain.headings == (Heading(0, 1, "Fees"), Heading(plain.text.index("SIM"), 2, "SIM"))
    assert plain.title == "Fees"


def test_a_zip_that_is_no_docx(tmp_path):
    with pytest.raises(UnreadableDocument, match="password"):
        read(tmp_path / "a.docx", b"PK\x05\x06" + bytes(18))


# --- PDF ------------------------------------------------------------------------------------------

LONG = (
    "A call from Ostrevia to a foreign number is not roaming, because the line is at home. It is charged by the "
    "minute, and every minute that has begun counts in full. Calls within the EU cost the same everywhere."
)


def pdf_with(pages: list[list[tuple[int, str]]], path: Path, title: str = "", footer: str = "") -> None:
    pdf = FPDF()
    pdf.set_auto_page_break(auto=False)
    if title:
        pdf.set_title(title)
    for number, blocks in enumerate(pages, start=1):
        pdf.add_page()
        for size, text in blocks:
            pdf.set_font("helvetica", size=size)
            pdf.multi_cell(0, text=text, new_x="LMARGIN", new_y="NEXT", align="L")
        if footer:
            pdf.set_y(280)
            pdf.set_font("helvetica", size=8)
            pdf.cell(text=footer.format(number))
    pdf.output(str(path))


def test_pdf_paragraphs_are_put_together_and_headings_found(tmp_path):
    page = [
        (18, "Calling abroad"),
        (11, LONG),
        (14, "Prices"),
        (11, "Zone 1 0.19 euros\nZone 2 0.38 euros"),
        (11, LONG),
    ]
    pdf_with([page], tmp_path / "calls.pdf", title="Calling abroad")
    plain = readers.read(tmp_path / "calls.pdf")
    assert plain.text == (f"Calling abroad\n\n{LONG}\n\nPrices\n\nZone 1 0.19 euros\nZone 2 0.38 euros\n\n{LONG}")
    assert [(heading.level, heading.title) for heading in plain.headings] == [(1, "Calling abroad"), (2, "Prices")]
    assert plain.title == "Calling abroad"


def test_pdf_title_that_is_not_printed_is_not_used(tmp_path):
    pdf_with([[(11, LONG)]], tmp_path / "2022 Q3 report.pdf", title="0000320193-22-000070")
    assert readers.read(tmp_path / "2022 Q3 report.pdf").title == "2022 Q3 report"


def test_pdf_page_numbers_are_left_out(tmp_path):
    pdf_with([[(11, f"{LONG} Page {page}.")] for page in "abcd"], tmp_path / "a.pdf", footer="Tirvane | page {} of 4")
    text = readers.read(tmp_path / "a.pdf").text
    assert "of 4" not in text
    assert all(f"Page {page}." in text for page in "abcd")


def test_pdf_without_text(tmp_path):
    pdf = FPDF()
    pdf.add_page()
    pdf.rect(10, 10, 50, 50)
    pdf.output(str(tmp_path / "a.pdf"))
    with pytest.raises(UnreadableDocument, match=r"no text layer.*`\[knowledge\] ocr`"):
        readers.read(tmp_path / "a.pdf")


def test_pdf_with_a_password(tmp_path):
    pdf_with([[(11, LONG)]], tmp_path / "open.pdf")
    writer = PdfWriter(clone_from=PdfReader(tmp_path / "open.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(tmp_path / "closed.pdf")
    with pytest.raises(UnreadableDocument, match=r"encrypted.*without a password"):
        readers.read(tmp_path / "closed.pdf")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4\n%%EOF", b"not a pdf"])
def test_a_broken_pdf(tmp_path, content):
    with pytest.raises(UnreadableDocument, match="broken PDF"):
        read(tmp_path / "a.pdf", content)


# --- tables and questions -------------------------------------------------------------------------


def test_csv_rows_are_parts(tmp_path):
    plain = read(
        tmp_path / "fibre_tickets.csv", 'id,product,question\nF-1,Hearth 500,"No, no light\nat all"\n\nF-2,,Slow\n'
    )
    assert plain.text == "id: F-1\nproduct: Hearth 500\nquestion: No, no light at all\n\nid: F-2\nquestion: Slow"
    assert plain.headings == (Heading(0, 1, "F-1, Hearth 500"), Heading(plain.text.index("id: F-2"), 1, "F-2, Slow"))
    assert plain.title == "fibre tickets"


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")])
def test_csv_with_other_separators(tmp_path, name, separator):
    assert read(tmp_path / name, f"code{separator}text\nFB-1{separator}a, b\n").text == "code: FB-1\ntext: a, b"


@pytest.mark.parametrize("frame", ["[%s]", '{"faq": [%s]}'])
def test_questions_are_headings(tmp_path, frame):
    entries = '{"question": "How? ", "answer": "So."}, {"question": "Why?", "answer": "Because.", "id": 7}'
    plain = read(tmp_path / "faq.json", frame % entries)
    assert plain.text == "How?\nSo.\n\nWhy?\nBecause.\nid: 7"
    assert plain.headings == (Heading(0, 1, "How?"), Heading(10, 1, "Why?"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[\n{"question": "x",}\n]', r"a\.json:2: broken JSON"),
        ('{"a": 1}', "not a list of questions"),
        ('[{"question": "x"}, {"question": "x", "answer": " "}]', "entry 1 has no question or no answer"),
        ('[{"question": "x", "answer": ["y"]}]', "entry 1"),
        ("3", "not a list"),
    ],
)
def test_json_that_is_no_faq(tmp_path, content, message):
    with pytest.raises(UnreadableDocument, match=message):
        read(tmp_path / "a.json", content)
