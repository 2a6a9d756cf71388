"""Scans and pictures are read by OCR, upright, with the confidence of what read them; what is not read is said."""

import numpy as np
import pytest
from _pictures import SENTENCE, needs_tesseract, page, scanned, word_error
from fpdf import FPDF
from PIL import Image

from groundtune.errors import NotInstalled, SettingsError, UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.recognition import Recognition, using
from groundtune.knowledge.recognition.ocr import NotRecognised, OcrLine, OcrText, read_upright
from groundtune.settings import KnowledgeSettings

SHOWN = "Docling bundles PDF document conversion to JSON and Markdown in an easy self contained package"
LETTER = """
THE SLEREXE COMPANY LIMITED SAPORS LANE - BOOLE - DORSET - BH 25 8 ER TELEPHONE BOOLE (945 13) 51617 - TELEX 123456
Our Ref. 350/PJC/EAC 18th January, 1972.
Dr. P.N. Cundall, Mining Surveys Ltd., Holroyd Road, Reading, Berks.
Dear Pete,
Permit me to introduce you to the facility of facsimile transmission.
In facsimile a photocell is caused to perform a raster scan over the subject copy. The variations of print density on
the document cause the photocell to generate an analogous electrical video signal. This signal is used to modulate a
carrier, which is transmitted to a remote destination over a radio or cable communications link.
At the remote terminal, demodulation reconstructs the video signal, which is used to modulate the density of print
produced by a printing device. This device is scanning in a raster scan synchronised with that at the transmitting
terminal. As a result, a facsimile copy of the subject document is produced.
Probably you have uses for this facility in your organisation.
Yours sincerely, Phil. P.J. CROSS Group Leader - Facsimile Research
Registered in England: No. 2038 Registered Office: 60 Vicara Lane, Ilford. Essex. No. 1
"""
ENGINES = [pytest.param("tesseract", marks=needs_tesseract), "rapidocr"]


def read(path, **settings):
    """Return a file as it is read with these settings of OCR."""
    with using(Recognition(KnowledgeSettings(**{"ocr": "rapidocr", **settings}))):
        return readers.read(path)


@pytest.fixture
def sentence(tmp_path):
    path = tmp_path / "price_list.png"
    page(SENTENCE, height=200).save(path)
    return path


@pytest.fixture
def documents(shared_data):
    return shared_data / "documents" / "docling"


# --- accuracy on real scans -----------------------------------------------------------------------


@pytest.mark.parametrize("ocr", ENGINES)
@pytest.mark.parametrize("turned", ["", "_rotated_90", "_rotated_180", "_rotated_270"])
def test_a_scan_is_read_however_it_is_turned(documents, ocr, turned):
    plain = read(documents / f"ocr_test{turned}.pdf", ocr=ocr)
    assert word_error(plain.text, SHOWN) <= 0.1
    assert plain.segments[0].page == 1
    assert plain.segments[0].confidence > 0.9


@needs_tesseract
def test_every_page_of_a_scan_is_read(documents):
    plain = read(documents / "nemotron_multipage.pdf", ocr="tesseract")
    assert [segment.page for segment in plain.segments] == [1, 2, 3, 4]
    for segment in plain.segments:
        assert word_error(plain.text[segment.start : segment.end], SHOWN) <= 0.1


@pytest.mark.parametrize(("ocr", "most"), [pytest.param("tesseract", 0.1, marks=needs_tesseract), ("rapidocr", 0.3)])
def test_a_letter_is_read(documents, ocr, most):
    assert word_error(read(documents / "sample_with_rotation_mismatch.pdf", ocr=ocr).text, LETTER) <= most


# --- PDF ------------------------------------------------------------------------------------------


def test_a_scanned_page_keeps_its_place_between_others(tmp_path):
    pdf = FPDF()
    for text in ("First of all", None, "Last of all"):
        pdf.add_page()
        pdf.set_font("helvetica", size=11)
        if text:
            pdf.multi_cell(0, text=text)
        else:
            pdf.image(page(SENTENCE, height=300), x=0, y=0, w=pdf.w)
    pdf.output(str(tmp_path / "mixed.pdf"))
    plain = read(tmp_path / "mixed.pdf")
    pages = {segment.page: plain.text[segment.start : segment.end].strip() for segment in plain.segments}
    assert pages == {1: "First of all", 2: SENTENCE, 3: "Last of all"}
    confidence = {segment.page: segment.confidence for segment in plain.segments}
    assert confidence[1] is confidence[3] is None
    assert confidence[2] > 0.9
    assert not plain.left_out
    assert plain.notes[0].startswith("OCR by rapidocr 3.")
    without = read(tmp_path / "mixed.pdf", ocr="off")
    assert [(each.kind, each.count) for each in without.left_out] == [("page without text", 1)]
    assert "page 2" in without.left_out[0].reason


def test_what_a_scanner_prints_beside_a_page_does_not_hide_it(tmp_path):
    path = scanned(tmp_path / "scan.pdf", page(SENTENCE, height=1200), beside="Scanned by ACME")
    assert SENTENCE in read(path).text


def test_a_picture_in_a_page_of_text_is_counted(tmp_path):
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, text=f"{SENTENCE} " * 10)
    pdf.image(page("A word", height=600), w=pdf.epw)
    pdf.output(str(tmp_path / "text.pdf"))
    plain = read(tmp_path / "text.pdf")
    assert [(each.kind, each.count) for each in plain.left_out] == [("image", 1)]
    assert plain.segments[0].confidence is None


def test_without_ocr_a_scan_says_what_to_install(tmp_path):
    path = scanned(tmp_path / "scan.pdf", page(SENTENCE))
    with pytest.raises(UnreadableDocument, match=r"no text layer.*`\[knowledge\] ocr`"):
        read(path, ocr="off")


def test_a_scan_without_words_says_so(tmp_path):
    path = scanned(tmp_path / "empty.pdf", page())
    with pytest.raises(UnreadableDocument, match="OCR finds none"):
        read(path)


@needs_tesseract
def test_a_page_that_takes_too_long_is_given_up_by_name(tmp_path):
    path = scanned(tmp_path / "scan.pdf", page(SENTENCE))
    with pytest.raises(UnreadableDocument, match="page 1 was given up: it takes too long"):
        read(path, ocr="tesseract", page_seconds=0.001)


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ocr", ENGINES)
def test_a_picture_is_read(sentence, ocr):
    plain = read(sentence, ocr=ocr)
    assert (plain.text, plain.title) == (SENTENCE, "price list")
    assert plain.segments[0].page is None
    assert plain.segments[0].confidence > 0.9


@pytest.mark.parametrize("kind", ["jpg", "webp", "bmp", "gif"])
def test_pictures_of_every_kind_are_read(tmp_path, kind):
    page(SENTENCE, height=200).save(tmp_path / f"a.{kind}")
    assert read(tmp_path / f"a.{kind}").text == SENTENCE


def test_light_text_on_nothing_is_read_as_it_is_shown(tmp_path):
    dark = page(SENTENCE, height=200)
    clear = Image.new("RGBA", dark.size, (0, 0, 0, 0))
    clear.putalpha(dark.convert("L").point(lambda shade: 255 - shade))
    clear.save(tmp_path / "clear.png")
    assert read(tmp_path / "clear.png").text == SENTENCE


def test_shades_of_sixteen_bits_are_read(tmp_path):
    shades = np.asarray(page(SENTENCE, height=200).convert("L"), dtype=np.uint16) * 16
    Image.fromarray(shades).save(tmp_path / "deep.png")
    assert read(tmp_path / "deep.png").text == SENTENCE


def test_the_camera_says_how_a_picture_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by a quarter to see it
    page(SENTENCE, height=200).rotate(90, expand=True).save(tmp_path / "a.jpg", exif=exif)
    assert read(tmp_path / "a.jpg").text == SENTENCE


def test_every_page_of_a_tiff_is_read(tmp_path):
    first, second = page(SENTENCE, height=200), page("Invoices come by post.", height=200)
    first.save(tmp_path / "fax.tif", save_all=True, append_images=[second])
    plain = read(tmp_path / "fax.tif")
    assert plain.text == f"{SENTENCE}\n\nInvoices come by post."
    assert [segment.page for segment in plain.segments] == [1, 2]


def test_of_an_animation_the_first_picture_is_read(tmp_path):
    first, second = page(SENTENCE, height=200), page("Another", height=200)
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    plain = read(tmp_path / "moving.gif")
    assert plain.text == SENTENCE
    assert [(each.kind, each.count) for each in plain.left_out] == [("image", 1)]


def test_a_picture_that_would_fill_the_memory_is_refused(sentence, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadableDocument, match=r"too large.*Make it smaller"):
        read(sentence)


@pytest.mark.parametrize("size", [0, 20, 2000])
def test_a_damaged_picture_says_so(sentence, size):
    sentence.write_bytes(sentence.read_bytes()[:size])
    with pytest.raises(UnreadableDocument, match=r"is damaged.*Save it again"):
        read(sentence)


def test_a_picture_without_words_has_no_text(tmp_path):
    page(height=200).save(tmp_path / "white.png")
    with pytest.raises(UnreadableDocument, match="contains no text"):
        read(tmp_path / "white.png")


def test_without_ocr_a_picture_says_what_to_do(sentence):
    with pytest.raises(UnreadableDocument, match=r"is a picture, and nothing is there to read it.*`\[knowledge\] ocr`"):
        read(sentence, ocr="off")


# --- engines --------------------------------------------------------------------------------------


@needs_tesseract
def test_a_language_that_tesseract_lacks_is_named():
    with pytest.raises(SettingsError, match=r"lacks tlh; it has .*eng.*apt install tesseract-ocr-tlh"):
        _ = Recognition(KnowledgeSettings(ocr="tesseract", ocr_languages=["eng", "tlh"])).ocr


def test_without_the_program_tesseract_the_other_engine_reads(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert Recognition(KnowledgeSettings()).signature(["ocr"]).startswith("rapidocr 3.")
    with pytest.raises(NotInstalled, match="apt install tesseract-ocr"):
        _ = Recognition(KnowledgeSettings(ocr="tesseract")).ocr


@needs_tesseract
def test_tesseract_goes_first():
    assert Recognition(KnowledgeSettings()).signature(["ocr"]).endswith("(eng)")
    assert Recognition(KnowledgeSettings(ocr="off")).signature(["ocr"]) == ""


@pytest.mark.parametrize("ocr", ENGINES)
def test_a_blurred_page_is_less_sure(ocr):
    recognition = Recognition(KnowledgeSettings(ocr=ocr))
    sharp = page(SENTENCE, height=200)
    blurred = sharp.resize((sharp.width // 7, sharp.height // 7)).resize(sharp.size)
    sure, unsure = (recognition.read_picture(np.asarray(each)) for each in (sharp, blurred))
    assert sure.confidence > 0.9
    assert 0 < unsure.confidence < 0.8


@needs_tesseract
def test_a_blurred_paragraph_has_a_confidence_of_its_own(tmp_path):
    clear = ["Roaming in Switzerland costs 5 euros a day.", "It ends when you come back to your country."]
    blurred = ["The router has to be sent back in a month.", "Pack it well and put the letter on the top."]
    picture = page(*clear, "", "", *blurred, size=34)
    box = (0, 230, picture.width, picture.height)
    below = picture.crop(box)
    small = below.resize((below.width // 7, below.height // 7))
    picture.paste(small.resize(below.size), box)
    picture.save(tmp_path / "page.png")
    first, *others = read(tmp_path / "page.png", ocr="tesseract").segments
    assert first.confidence > 0.9
    assert others
    assert max(segment.confidence for segment in others) < 0.8


def test_paragraphs_of_a_few_letters_have_none_of_their_own():
    lines = [("i", 0.1, 0), ("A" * 70, 0.9, 1), ("B" * 80, 0.5, 2), ("B" * 80, 0.7, 2), ("C" * 10, 0.2, 3)]
    text = OcrText(tuple(OcrLine(*line) for line in lines))
    assert [len(part.lines) for part in text.parts] == [2, 3]
    assert "\n\n".join(part.text for part in text.parts) == text.text
    assert text.parts[1].confidence == pytest.approx((80 * 0.5 + 80 * 0.7 + 10 * 0.2) / 170)
    assert OcrText().parts == ()


def test_a_word_that_is_parted_at_the_end_of_a_line_is_put_together():
    lines = ("Roam-", "ing in Basel-", "Stadt costs", "5-", "6 euros")
    assert OcrText(tuple(OcrLine(line, 1.0, 0) for line in lines)).text == "Roaming in Basel-\nStadt costs\n5-\n6 euros"


class _Slow:
    """An engine that reads a picture once, badly, and then takes too long."""

    signature = "slow"

    def __init__(self):
        self._read = 0

    def read(self, pixels, dpi, seconds):
        self._read += 1
        if self._read > 1:
            raise NotRecognised("it takes too long")
        return OcrText((OcrLine("hardly legible", 0.4, 0),))


def test_what_was_read_counts_where_turning_takes_too_long():
    assert read_upright(_Slow(), np.zeros((10, 10, 3), np.uint8), None, 1.0).text == "hardly legible"
