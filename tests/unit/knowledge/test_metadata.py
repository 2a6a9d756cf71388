"""What a file says about itself becomes metadata: title, author, date, and whatever its format has beside them."""

import zipfile
from datetime import UTC, datetime, timedelta, timezone

import docx
import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from groundtune.knowledge import readers
from groundtune.text import encodable
from groundtune.values import Document


def metadata(path, content=None):
    if content is not None:
        path.write_text(content, encoding="utf-8")
    return dict(readers.read(path).metadata)


def test_markdown_front_matter(tmp_path):
    front = (
        '---\nTitle: Plans\ntitle: "Hazel: the plan"\nAuthor: Ada  Byron\ndate: 2024-05-31T10:00:00Z\n'
        "version: 1.2 # the second\nanchor: '# not a comment'\ntags: [a, b]\nnested:\n  key: value\nempty:\n"
        "text: |\n  more\nlist:\n- item: x\n---\n"
    )
    assert metadata(tmp_path / "a.md", f"{front}# Other\n\nauthor: nobody") == {
        "title": "Hazel: the plan",
        "author": "Ada Byron",
        "date": "2024-05-31",
        "version": "1.2",
        "anchor": "# not a comment",
    }


def test_without_front_matter_there_is_no_metadata(tmp_path):
    assert metadata(tmp_path / "a.md", "# Plans\n\nauthor: Ada\n") == {}
    assert metadata(tmp_path / "a.txt", "author: Ada") == {}
    assert metadata(tmp_path / "b.md", "---\n---\n# Plans") == {}


def test_html(tmp_path):
    page = """<html><head><title> My
        page </title><meta name="Author" content=" Ada "><meta name="author" content="Bob">
        <meta property="article:published_time" content="2024-05-31T23:59:00+02:00"><meta charset="utf-8">
        <meta name="description" content="x"></head><body><p>x</p></body></html>"""
    assert metadata(tmp_path / "a.html", page) == {"title": "My page", "author": "Ada", "date": "2024-05-31"}
    assert metadata(tmp_path / "b.html", "<meta name='date' content='May 2024'><p>x</p>") == {"date": "May 2024"}
    assert metadata(tmp_path / "c.html", "<meta name='author' content=' '><meta name='dc.date'><p>x</p>") == {}


def test_docx(tmp_path):
    made = docx.Document()
    made.add_paragraph("x")
    known = made.core_properties
    known.title, known.author, known.created = "Fees", "Ada", datetime(2024, 5, 31, 8)
    known.keywords, known.category = "fees, prices", " "
    made.save(str(tmp_path / "a.docx"))
    expected = {"title": "Fees", "author": "Ada", "date": "2024-05-31", "keywords": "fees, prices"}
    assert metadata(tmp_path / "a.docx") == expected


def test_a_docx_without_properties_has_none(tmp_path):
    made = docx.Document()
    made.add_paragraph("x")
    made.save(str(tmp_path / "a.docx"))
    with zipfile.ZipFile(tmp_path / "a.docx") as given, zipfile.ZipFile(tmp_path / "b.docx", "w") as bare:
        for name in given.namelist():
            text = given.read(name)
            if name == "_rels/.rels":
                start = text.index(b"<Relationship ", text.index(b"core.xml") - 200)
                relations = [b"<Relationship " + part for part in text[start:].split(b"<Relationship ")[1:]]
                core = next(part for part in relations if b"core.xml" in part).partition(b"</Relationships>")[0]
                text = text.replace(core, b"")
            if name != "docProps/core.xml":
                bare.writestr(name, text)
    assert metadata(tmp_path / "b.docx") == {}


def pdf(path, **properties):
    made = FPDF()
    made.set_creation_date(datetime(2024, 5, 31, 23, 30, tzinfo=timezone(timedelta(hours=2))))
    made.add_page()
    made.set_font("helvetica", size=11)
    made.cell(text="Calling abroad")
    for name, value in properties.items():
        getattr(made, f"set_{name}")(value)
    made.output(str(path))
    return path


def test_pdf(tmp_path):
    made = pdf(tmp_path / "a.pdf", title="Calling abroad", author="Ada", subject="Prices")
    expected = {"title": "Calling abroad", "author": "Ada", "date": "2024-05-31", "subject": "Prices"}
    assert metadata(made) == expected


def test_a_pdf_title_that_is_not_printed_is_no_metadata(tmp_path):
    assert metadata(pdf(tmp_path / "a.pdf", title="0000320193-22-000070")) == {"date": "2024-05-31"}


@pytest.mark.parametrize("date", ["yesterday", "", "D:2024", "D:99999999999999"])
def test_a_pdf_with_a_strange_date_is_read(tmp_path, date):
    writer = PdfWriter(clone_from=PdfReader(pdf(tmp_path / "a.pdf")))
    writer.add_metadata({"/CreationDate": date, "/Author": "Ada"})
    writer.write(tmp_path / "b.pdf")
    found = metadata(tmp_path / "b.pdf")
    assert found["author"] == "Ada"
    assert found.get("date") in (None, "2024-01-01")


def test_halves_of_characters_can_be_stored():
    assert encodable("a \ud83d\ude00 b \udb62 Größe 😀") == "a 😀 b \ufffd Größe 😀"
    assert readers.described(author="Ada \udb62") == {"author": "Ada \ufffd"}


def test_a_moment_becomes_its_day():
    assert readers.described(date=datetime(2024, 5, 31, tzinfo=UTC), author=None) == {"date": "2024-05-31"}
    assert readers.described(date="2024-05-31 10:00", version="2024-05-31 10:00") == {
        "date": "2024-05-31",
        "version": "2024-05-31 10:00",
    }


def test_only_documents_with_metadata_have_another_hash():
    plain = Document("a.md", "text", "title", ("everyone",))
    assert plain.content_hash == Document("a.md", "text", "title", ("everyone",), {}).content_hash
    assert plain.content_hash != Document("a.md", "text", "title", ("everyone",), {"author": "Ada"}).content_hash
