import csv
import json
from email.message import EmailMessage
from pathlib import Path

import docx
import pytest
from _books import save
from _pictures import page
from _slide_files import content, slides, title
from fpdf import FPDF

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.readers.csv_ import groundtune_reader as csv_reader
from groundtune.knowledge.readers.docx import groundtune_reader as docx_reader
from groundtune.knowledge.readers.eml import groundtune_reader as mail_reader
from groundtune.knowledge.readers.html import groundtune_reader as html_reader
from groundtune.knowledge.readers.image import groundtune_reader as picture_reader
from groundtune.knowledge.readers.json_faq import groundtune_reader as json_reader
from groundtune.knowledge.readers.jsonl import groundtune_reader as json_lines_reader
from groundtune.knowledge.readers.markdown import groundtune_reader as markdown_reader
from groundtune.knowledge.readers.pdf import groundtune_reader as pdf_reader
from groundtune.knowledge.readers.pptx import groundtune_reader as pptx_reader
from groundtune.knowledge.readers.text import groundtune_reader as text_reader
from groundtune.knowledge.readers.vtt import groundtune_reader as subtitle_reader
from groundtune.knowledge.readers.xlsx import groundtune_reader as workbook_reader
from groundtune.testing.readers import SAMPLE, ReaderContract


class TestText(ReaderContract):
    make = staticmethod(text_reader)

    def write(self, path: Path) -> None:
        path.write_text(SAMPLE, encoding="utf-8")


class TestMarkdown(ReaderContract):
    make = staticmethod(markdown_reader)

    def write(self, path: Path) -> None:
        path.write_text(f"# Prices\n\n{SAMPLE}\n", encoding="utf-8")


class TestHtml(ReaderContract):
    make = staticmethod(html_reader)

    def write(self, path: Path) -> None:
        path.write_text(f"<h1>Prices</h1><p>{SAMPLE}</p>", encoding="utf-8")


class TestDocx(ReaderContract):
    make = staticmethod(docx_reader)

    def write(self, path: Path) -> None:
        document = docx.Document()
        document.add_heading("Prices", 1)
        document.add_paragraph(SAMPLE)
        document.save(str(path))


class TestPptx(ReaderContract):
    make = staticmethod(pptx_reader)

    def write(self, path: Path) -> None:
        slides(path, title("Prices"), content(SAMPLE))


class TestPdf(ReaderContract):
    make = staticmethod(pdf_reader)

    def write(self, path: Path) -> None:
        pdf = FPDF()
        pdf.add_page()
        pdf.set_font("helvetica", size=18)
        pdf.cell(text="Prices", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("helvetica", size=11)
        pdf.multi_cell(0, text=SAMPLE)
        pdf.output(str(path))


class TestPicture(ReaderContract):
    make = staticmethod(picture_reader)

    def write(self, path: Path) -> None:
        page(SAMPLE, height=200).save(path)


class TestCsv(ReaderContract):
    make = staticmethod(csv_reader)

    def write(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["id", "text"], ["1", SAMPLE]])


class TestJson(ReaderContract):
    make = staticmethod(json_reader)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps([{"question": "What does roaming cost?", "answer": SAMPLE}]), encoding="utf-8")


class WorkbookContract(ReaderContract):
    make = staticmethod(workbook_reader)
    suffix = ""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return save(tmp_path, self.suffix, {"Prices": [["id", "text"], [1, SAMPLE]]})


class TestXlsx(WorkbookContract):
    suffix = ".xlsx"


class TestXls(WorkbookContract):
    suffix = ".xls"


class TestOds(WorkbookContract):
    suffix = ".ods"


class TestTickets(ReaderContract):
    make = staticmethod(json_lines_reader)

    def write(self, path: Path) -> None:
        tickets = [{"id": number, "subject": "Prices", "comments": [{"body": SAMPLE}]} for number in (1, 2)]
        path.write_text("\n".join(map(json.dumps, tickets)), encoding="utf-8")


class TestMail(ReaderContract):
    make = staticmethod(mail_reader)

    def write(self, path: Path) -> None:
        message = EmailMessage()
        message["Subject"], message["From"] = "Prices", "Ana <ana@acme.test>"
        message["Date"] = "Fri, 31 May 2024 10:00:00 +0000"
        message.set_content("See below.")
        page = f"<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><p>{SAMPLE}</p>"
        message.add_attachment(page.encode(), maintype="text", subtype="html", filename="prices.html")
        path.write_bytes(message.as_bytes())


class TestMailbox(TestMail):
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "price_list.mbox"
        self.write(path)
        one = b"From ana@acme.test Fri May 31 10:00:00 2024\n" + path.read_bytes()
        path.write_bytes(one + b"\n" + one)
        return path


class TestSubtitles(ReaderContract):
    make = staticmethod(subtitle_reader)

    def write(self, path: Path) -> None:
        cues = (f"00:0{minute}:00.000 --> 00:0{minute}:09.000\n<v Ana>{SAMPLE}" for minute in range(3))
        path.write_text("WEBVTT\n\n" + "\n\n".join(cues), encoding="utf-8")


def test_every_format_is_registered() -> None:
    expected = {
        ".txt",
        ".md",
        ".markdown",
        ".html",
        ".htm",
        ".xhtml",
        ".docx",
        ".pptx",
        ".pdf",
        ".csv",
        ".tsv",
        ".json",
    }
    expected |= {
        ".jsonl",
        ".ndjson",
        ".eml",
        ".emlx",
        ".mbox",
        ".mht",
        ".mhtml",
        ".vtt",
        ".srt",
        ".xlsx",
        ".xls",
        ".ods",
    }
    assert expected <= set(readers.readers())


def test_suffixes_in_capitals(tmp_path: Path) -> None:
    (tmp_path / "A.MD").write_text("# Prices")
    assert readers.read(tmp_path / "A.MD").title == "Prices"


@pytest.mark.parametrize("name", ["a.xyz", "README", ".env"])
def test_an_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"no reader for .*Convert it to one of .*\.pdf"):
        readers.read(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"), [("a.txt", " \n"), ("a.md", "---\ntitle: x\n---\n"), ("a.html", "<p> </p>"), ("a.json", "[]")]
)
def test_an_empty_document(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UnreadableDocument, match="contains no text"):
        readers.read(tmp_path / name)
