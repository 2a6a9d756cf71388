"""Presentations of odd writers are read, broken ones as far as they go, and a refusal says what is the matter."""

import re
import time
import zipfile
from collections import Counter
from html import unescape

import pytest
from _lost import lost, read
from _slide_files import (
    MAIN,
    NAMESPACES,
    STRICT,
    Page,
    cell,
    content,
    graphic,
    group,
    paragraph,
    part,
    picture,
    shape,
    slides,
    table,
    title,
    tree,
)
from _timing import linear
from _word_files import PACKAGE, relations, word, written

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.readers import _ooxml

SLIDE = part("p:sld", tree(shape("The fee is 25 euros.")))
DECK = part("p:presentation", '<p:sldIdLst><p:sldId id="256" r:id="s"/></p:sldIdLst>')
EXPECTED = "Slide 1\n\nThe fee is 25 euros."


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


def test_strict_open_xml(tmp_path):
    listed = graphic(table([["a", "b"], ["1", "2"]]))
    notes = shape("Say it.", place='<p:ph type="body"/>')
    plain, _ = read(
        slides(tmp_path / "a.pptx", Page(title("Fees") + content("Net.") + listed, notes=notes), strict=True)
    )
    assert plain.text == "Fees\n\n- Net.\n\na | b\n1 | 2\n\nSpeaker notes: Say it."


NAMED = {"s": ("slide", "slides/slide1.xml")}


@pytest.mark.parametrize(
    "parts",
    [
        {"ppt/_rels/presentation.xml.rels": relations(NAMED)},
        {"ppt/_rels/presentation.xml.rels": relations(NAMED, STRICT["r"])},
        {"ppt/_rels/presentation.xml.rels": relations({"s": ("slide", "/ppt/slides/slide1.xml")})},
        {"ppt/_rels/presentation.xml.rels": relations({"s": ("slide", "Slides\\Slide1.XML")})},
        {"PPT/_rels/presentation.xml.rels": relations(NAMED), "_rels/.rels": "<broken"},
        {},
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/a/b.xml" ContentType='
            f'"{MAIN}"/></Types>',
            "a/b.xml": DECK,
            "a/_rels/b.xml.rels": relations({"s": ("slide", "../ppt/slides/slide1.xml")}),
            "ppt/presentation.xml": None,
        },
    ],
)
def test_slides_are_found_whatever_they_are_called(tmp_path, parts):
    given = {"ppt/presentation.xml": DECK, "ppt/slides/slide1.xml": SLIDE, **parts}
    path = written(tmp_path / "a.pptx", {key: value for key, value in given.items() if value is not None})
    assert read(path)[0].text == EXPECTED


def test_a_list_of_slides_that_is_missing_leaves_their_numbers(tmp_path):
    numbered = {f"ppt/slides/slide{n}.xml": part("p:sld", tree(title(f"file {n}"))) for n in (10, 9, 1)}
    path = written(tmp_path / "a.pptx", {"ppt/presentation.xml": part("p:presentation", ""), **numbered})
    assert read(path)[0].text == "file 1\n\nfile 9\n\nfile 10"


@pytest.mark.parametrize("broken", ["", "no XML", "<p:presentation", "<x/>", None])
def test_slides_are_read_without_the_main_part(tmp_path, broken):
    path = slides(tmp_path / "a.pptx", title("One"), title("Two"), others={"ppt/presentation.xml": broken or ""})
    if broken is None:
        with zipfile.ZipFile(path) as whole:
            parts = {name: whole.read(name) for name in whole.namelist() if name.startswith("ppt/slides/")}
        written(path, parts)
    plain, _ = read(path)
    assert plain.text == "One\n\nTwo"
    assert left_out(plain)["unreadable part"] >= 1


def test_slides_that_are_listed_twice_or_not_at_all(tmp_path):
    twice = '<p:sldIdLst><p:sldId id="1" r:id="s0"/><p:sldId id="2" r:id="s0"/></p:sldIdLst>'
    others = {"ppt/presentation.xml": part("p:presentation", twice)}
    plain, _ = read(slides(tmp_path / "a.pptx", title("One"), title("Dropped"), others=others))
    assert plain.text == "One"
    assert left_out(plain) == {"hidden text": 1}


@pytest.mark.parametrize("suffix", [".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm", ".PPTX"])
def test_presentations_shows_and_templates(tmp_path, suffix):
    assert read(slides(tmp_path / f"a{suffix}", title("Text.")))[0].text == "Text."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_encoding_of_a_part(tmp_path, encoding):
    inner = SLIDE.replace("UTF-8", encoding).replace("fee", "Gebühr").encode(encoding)
    path = slides(tmp_path / "a.pptx", title("x"), others={"ppt/slides/slide1.xml": inner})
    assert read(path)[0].text.endswith("The Gebühr is 25 euros.")


def test_other_prefixes(tmp_path):
    inner = re.sub(r"(?<=[</ :])([pa])(?=[:=])", lambda match: {"p": "q", "a": "z"}[match[1]], SLIDE)
    assert f'xmlns:q="{NAMESPACES["p"]}"' in inner
    assert read(slides(tmp_path / "a.pptx", title("x"), others={"ppt/slides/slide1.xml": inner}))[0].text == EXPECTED


# --- broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["", "<p:sldLayout", "no XML at all", "\0\0\0"])
@pytest.mark.parametrize(
    "name", ["slideLayouts/slideLayout1", "slideMasters/slideMaster1", "notesSlides/notesSlide1", "slides/slide2"]
)
def test_a_broken_part_is_counted_and_the_others_are_read(tmp_path, broken, name):
    pages = Page(title("One") + content("Text."), notes=shape("Note.")), title("Two")
    plain, chunks = read(slides(tmp_path / "a.pptx", *pages, others={f"ppt/{name}.xml": broken}))
    assert not lost(["One", "Text."], chunks)
    assert left_out(plain) == {"unreadable part": 1}
    assert f"ppt/{name}.xml" in plain.left_out[0].reason


def test_a_missing_slide_keeps_its_number(tmp_path):
    path = slides(tmp_path / "a.pptx", title("One"), title("Two"), shape("Three"))
    with zipfile.ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist() if name != "ppt/slides/slide2.xml"}
    plain, _ = read(written(tmp_path / "b.pptx", parts))
    assert plain.text == "One\n\nSlide 3\n\nThree"
    assert [place.page for place in plain.segments] == [1, 3]
    assert left_out(plain) == {"unreadable part": 1}


@pytest.mark.parametrize("cut", [0.5, 0.7, 0.9])
def test_a_slide_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path, cut):
    inner = part("p:sld", tree("".join(shape(f"Word{n}") for n in range(100))))
    plain, chunks = read(
        slides(tmp_path / "a.pptx", title("x"), others={"ppt/slides/slide1.xml": inner[: int(len(inner) * cut)]})
    )
    assert left_out(plain) == {"unreadable part": 1}
    assert not lost([f"Word{n}" for n in range(int(100 * cut) - 15)], chunks)


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (OLE + "EncryptedPackage".encode("utf-16-le"), "has a password"),
        (OLE + "PowerPoint Document".encode("utf-16-le"), "97 to 2003"),
        (b"%PDF-1.7", "is a PDF"),
        (b"", "no Office document"),
        (b"PK\x03\x04" + bytes(50), "cut off or damaged"),
        (b"PK\x05\x06" + bytes(18), "no presentation"),
    ],
)
def test_what_is_no_presentation_is_refused_with_what_it_is(tmp_path, given, message):
    path = tmp_path / "a.pptx"
    path.write_bytes(given)
    with pytest.raises(UnreadableDocument, match=message) as caught:
        readers.read(path)
    assert caught.value.remedy


def test_a_word_document_with_the_wrong_name_is_refused(tmp_path):
    path = word(tmp_path / "a.docx", "<w:p/>").rename(tmp_path / "a.pptx")
    with pytest.raises(UnreadableDocument, match="is no presentation"):
        readers.read(path)


def test_a_presentation_without_text_says_what_is_in_it(tmp_path):
    with pytest.raises(UnreadableDocument, match=r"contains no text .*2 image.*2 page without text"):
        readers.read(slides(tmp_path / "a.pptx", picture(), picture()))
    with pytest.raises(UnreadableDocument, match="contains no text"):
        readers.read(slides(tmp_path / "a.pptx"))


# --- hostile --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "large", ["ppt/presentation.xml", "ppt/slides/slide1.xml", "ppt/slideMasters/slideMaster1.xml"]
)
def test_a_part_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch, large):
    monkeypatch.setattr(_ooxml, "LARGEST_PART", 2**20)
    filled = part("p:sld", tree(shape("x" * 3 * 2**20)))
    with pytest.raises(UnreadableDocument, match=f"unpacks to more than 1 MB in {large}"):
        readers.read(slides(tmp_path / "a.pptx", title("x"), others={large: filled}))


def test_one_part_that_is_named_again_and_again_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_ooxml, "LARGEST_FILE", 2**20)
    chart = part("c:chartSpace", paragraph("x" * 2**18))
    page = Page(graphic('<c:chart r:id="c"/>') * 6, {"c": ("chart", "../charts/chart1.xml")})
    with pytest.raises(UnreadableDocument, match="in all"):
        readers.read(slides(tmp_path / "a.pptx", page, others={"ppt/charts/chart1.xml": chart}))


@pytest.mark.parametrize("entity", ["SYSTEM 'file:///etc/hostname'", "'secret'", "SYSTEM 'http://localhost:9/x'"])
def test_entities_are_not_resolved(tmp_path, entity):
    inner = SLIDE.replace("?>", f"?><!DOCTYPE d [<!ENTITY e {entity}>]>", 1).replace("25", "&e;25")
    text = read(slides(tmp_path / "a.pptx", title("x"), others={"ppt/slides/slide1.xml": inner}))[0].text
    assert text == EXPECTED.replace("25", "&e;25")


def deep_groups():
    return group().replace("</p:grpSp>", "") * 1500 + shape("inside") + "</p:grpSp>" * 1500


def wide_table():
    return graphic(table([["a", "b"], *([[cell("x", 'gridSpan="99999" rowSpan="99999"')]] * 500)]))


def stairs():
    return "".join(shape(f"w{n}", box=(n + n * n / 300, n + n * n / 300, 1, 1)) for n in range(2000))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [(deep_groups, ["inside"]), (wide_table, ["a | b", "x"]), (stairs, [f"w{n}" for n in range(2000)])],
)
def test_absurd_counts_end_soon(tmp_path, shapes, words):
    start = time.process_time()
    _, chunks = read(slides(tmp_path / "a.pptx", shapes()))
    assert not lost(words, chunks)
    assert time.process_time() - start < 15


def test_layouts_that_name_themselves(tmp_path):
    itself = relations({"m": ("slideMaster", "slideLayout1.xml"), "l": ("slideLayout", "slideLayout1.xml")})
    others = {"ppt/slideLayouts/_rels/slideLayout1.xml.rels": itself}
    assert read(slides(tmp_path / "a.pptx", content("Text."), others=others))[0].text == "Slide 1\n\nText."


@pytest.mark.parametrize("number", ["99999999999", "-3", "x", "", "1e999", "nan"])
def test_numbers_that_make_no_sense(tmp_path, number):
    listed = paragraph("first", properties=f'<a:buAutoNum type="romanLcPeriod" startAt="{number}"/>')
    listed = listed.replace('lvl="0"', f'lvl="{number}"')
    wide = cell("a", f'gridSpan="{number}" rowSpan="{number}" hMerge="{number}"')
    page = shape(listed, place=f'<p:ph type="{number}" idx="{number}"/>') + graphic(table([[wide, "b"], ["1", "2"]]))
    _, chunks = read(slides(tmp_path / "a.pptx", page))
    assert not lost(["first", "a", "b", "1", "2"], chunks)


def test_time_grows_with_the_length(tmp_path):
    page = Page(title("A title") + content("one", "two", "three") + shape("x", box=(1, 6, 1, 1)), notes=shape("n"))
    paths = [slides(tmp_path / f"{count}.pptx", *[page] * count) for count in (200, 800)]
    assert linear(readers.read, *paths)


# --- real files -----------------------------------------------------------------------------------


def test_all_words_of_real_presentations_are_read(shared_data):
    """An independent reading: what stands between `<a:t>` and `</a:t>` of slides and their notes."""
    files = sorted((shared_data / "documents").glob("*/*.pptx"))
    counted = 0
    for path in files:
        with zipfile.ZipFile(path) as package:
            names = [name for name in package.namelist() if re.match(r"ppt/(slides|notesSlides)/\w+\.xml", name)]
            xml = "\n".join(package.read(name).decode("utf-8") for name in names)
        paragraphs = re.findall(r"<a:p[ >].*?</a:p>", xml, re.DOTALL)
        said = [
            "".join(re.findall(r"<a:t>([^<]*)</a:t>", each.replace("<a:br", "<a:t> </a:t><a:br")))
            for each in paragraphs
        ]
        wanted = Counter(re.findall(r"\w+", unescape(" ".join(said))))
        if not wanted:
            with pytest.raises(UnreadableDocument, match="contains no text"):
                readers.read(path)
            continue
        missing = wanted - Counter(re.findall(r"\w+", readers.read(path).text))
        assert not missing, path.name
        counted += wanted.total()
    assert len(files) > 10
    assert counted > 500
