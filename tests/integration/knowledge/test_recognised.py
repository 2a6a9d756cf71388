"""A chart, a screenshot, a scan and a spoken sentence are found by a question and cited with their place; what comes to
be installed later brings in what could not be read before."""

import json

import pytest
from _pictures import needs_espeak, page, scanned
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from groundtune.assembly.opening import open_knowledge
from groundtune.cli import app
from groundtune.knowledge.recognition import Recognition

pytestmark = pytest.mark.models
LETTER = ("Dear customer,", "your router must be returned", "in its original box within two weeks.")


def run(folder, *arguments):
    result = CliRunner().invoke(app, [*arguments, "--project", str(folder)])
    assert result.exit_code in (0, 2), result.output
    return result.stdout


def ask_json(folder, *arguments):
    return json.loads(run(folder, *arguments, "--json"))


def chart(path):
    """Draw bars with their names and a title."""
    picture = Image.new("RGB", (900, 600), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((180, 20), "Complaints by month, 2025", fill="black", font=ImageFont.load_default(36))
    for number, (month, value) in enumerate([("January", 310), ("February", 255), ("March", 120)]):
        left = 120 + number * 250
        draw.rectangle((left, 500 - value, left + 120, 500), fill="steelblue")
        draw.text((left + 25, 460 - value), str(value), fill="black", font=ImageFont.load_default(30))
        draw.text((left, 520), month, fill="black", font=ImageFont.load_default(30))
    picture.save(path)


def screenshot(path):
    """Draw a window with a message, as a program of a small screen shows it."""
    picture = Image.new("RGB", (640, 360), "#e8e8e8")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 640, 32), fill="#204080")
    draw.text((12, 7), "SIM manager", fill="white", font=ImageFont.load_default(16))
    draw.text((40, 120), "Error 4711: the SIM card is locked.", fill="black", font=ImageFont.load_default(18))
    draw.text((40, 160), "Enter the PUK to unlock it.", fill="black", font=ImageFont.load_default(18))
    draw.rectangle((270, 280, 370, 316), outline="black", fill="white")
    draw.text((300, 288), "Cancel", fill="black", font=ImageFont.load_default(16))
    picture.save(path)


def report(path):
    """Write a page of text and behind it a page that is a scan."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, text="Letters of this year to our customers, in the order in which they were sent.")
    pdf.add_page()
    pdf.image(page(*LETTER), x=0, y=0, w=pdf.w)
    pdf.output(str(path))


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "groundtune.toml").write_text('[project]\nname = "shop"\n[knowledge]\nchunk_size = 150\n')
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "plans.md").write_text("# Plans\n\nPlan S costs 10 euros a month and has 2 GB of data.")
    return tmp_path


@needs_espeak
def test_they_are_found_by_a_question_and_cited_with_their_place(shop):
    from subprocess import run as start

    documents = shop / "documents"
    chart(documents / "complaints.png")
    screenshot(documents / "screen.webp")
    report(documents / "letters.pdf")
    said = "Roaming in Switzerland costs five euros a day."
    start(["espeak-ng", "-s", "150", "-w", str(documents / "call.wav"), said], check=True)
    ingested = ask_json(shop, "ingest")
    assert (ingested["added"], ingested["failed"]) == (5, [])
    for question, document, page_number, seconds, words in (
        ("How many complaints were there in February?", "complaints.png", None, None, "255"),
        ("What does error 4711 mean?", "screen.webp", None, None, "SIM card is locked"),
        ("How do I send the router back?", "letters.pdf", 2, None, "original box"),
        ("What is the price of roaming in Switzerland?", "call.wav", None, 0.0, "Switzerland"),
    ):
        first = ask_json(shop, "search", question)["passages"][0]
        assert first["document"] == document
        assert words in first["text"]
        assert first["page"] == page_number
        assert first["seconds"] == (None if seconds is None else pytest.approx(seconds, abs=1))
        assert 0 < first["confidence"] <= 1
    assert ask_json(shop, "search", "How much is plan S?")["passages"][0]["confidence"] is None
    assert "letters.pdf, page 2" in run(shop, "search", "How do I send the router back?")
    marked = ("--set", "knowledge.least_confidence=1.0")
    assert "letters.pdf, page 2, poorly legible" in run(shop, "search", "How do I send the router back?", *marked)
    assert "call.wav, 0:00, poorly audible" in run(shop, "search", "roaming in Switzerland", *marked)
    assert "page 2, poorly legible, confidence 0." in run(
        shop, "knowledge", "read", str(documents / "letters.pdf"), *marked
    )


def test_what_is_installed_later_brings_scans_in(shop, monkeypatch):
    report(shop / "documents" / "letters.pdf")
    scanned(shop / "documents" / "scan.pdf", page(*LETTER))
    without = ask_json(shop, "ingest", "--set", "knowledge.ocr=off")
    assert without["added"] == 2
    assert [each["document"] for each in without["failed"]] == ["scan.pdf"]
    assert "no text layer" in without["failed"][0]["reason"]
    with_ocr = ask_json(shop, "ingest", "--set", "knowledge.ocr=rapidocr")
    assert (with_ocr["added"], with_ocr["changed"], with_ocr["unchanged"], with_ocr["failed"]) == (1, 1, 1, [])
    again = ask_json(shop, "ingest", "--set", "knowledge.ocr=rapidocr")
    assert (again["unchanged"], again["seconds"] < with_ocr["seconds"]) == (3, True)
    with open_knowledge(shop, {"knowledge.ocr": "rapidocr"}) as knowledge, monkeypatch.context() as nobody:
        nobody.setattr(Recognition, "read_picture", None)  # what was recognised is not recognised again
        assert "original box" in knowledge.texts()["scan.pdf"]
