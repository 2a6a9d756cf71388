"""Files of odd writers are read, broken ones as far as they go, and a refusal says what is the matter."""

import io
import time
import zipfile

import docx
import pytest
from _lost import lost, read
from _timing import linear
from _word_files import (
    NAMESPACES,
    PACKAGE,
    STRICT,
    cell,
    grid,
    item,
    numbering,
    paragraph,
    part,
    relations,
    row,
    run,
    styles,
    table,
    word,
    written,
)

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.readers import _ooxml

TYPES = f'<Types xmlns="{PACKAGE}/content-types"/>'
BODY = part("w:document", f"<w:body>{paragraph('The fee is ', run('25'), ' euros.')}</w:body>")
EXPECTED = "The fee is 25 euros."


def text_of(path):
    plain, chunks = read(path)
    assert not lost(plain.text.split(), chunks)
    return plain.text


def left_out(plain):
    return {each.kind: each.count for each in plain.left_out}


@pytest.mark.parametrize(
    "body",
    [
        paragraph("The fee is ", run("25"), " euros."),
        paragraph("The fee is ", f"<w:ins>{run('25')}</w:ins>", " euros."),
        paragraph("The fee is ", "<m:oMath><m:r><m:t>25</m:t></m:r></m:oMath>", " euros."),
    ],
)
def test_strict_open_xml(tmp_path, body):
    assert "strict" not in body
    assert text_of(word(tmp_path / "a.docx", body, strict=True)) == EXPECTED


def test_headings_tables_and_notes_of_strict_open_xml(tmp_path):
    heading = paragraph("Fees", properties='<w:outlineLvl w:val="1"/>')
    note = part("w:footnotes", f'<w:footnote w:id="2">{paragraph("Net.")}</w:footnote>', strict=True)
    body = heading + grid([["a", "b"], ["1", "2"]]) + paragraph("x", '<w:r><w:footnoteReference w:id="2"/></w:r>')
    plain, _ = read(word(tmp_path / "a.docx", body, {"word/footnotes.xml": note}, strict=True))
    assert plain.text == "Fees\n\na | b\n1 | 2\n\nx[1]\n\n[1] Net."
    assert plain.headings[0].level == 2


RELS = {"rId1": ("officeDocument", "word/document.xml")}


@pytest.mark.parametrize(
    "parts",
    [
        {"[Content_Types].xml": TYPES, "word/document.xml": BODY},
        {"word/document.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "word/document2.xml")}), "word/document2.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "/word/document.xml")}), "word/document.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "other/main.xml")}), "other/main.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "Word/Document.XML")}), "word/document.xml": BODY},
        {"_RELS/.RELS": relations(RELS), "WORD/DOCUMENT.XML": BODY},
        {"_rels\\.rels": relations(RELS), "word\\document.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "word\\document.xml")}), "word/document.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "word/my%20text.xml")}), "word/my text.xml": BODY},
        {"_rels/.rels": relations({"x": ("officeDocument", "gone.xml")}), "word/document.xml": BODY},
        {"_rels/.rels": "<broken", "word/document.xml": BODY},
        {"_rels/.rels": relations(RELS, STRICT["r"]), "word/document.xml": BODY},
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Override PartName="/a/b.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
            "a/b.xml": BODY,
        },
    ],
)
def test_the_body_is_found_whatever_it_is_called(tmp_path, parts):
    assert text_of(written(tmp_path / "a.docx", parts)) == EXPECTED


@pytest.mark.parametrize(
    "target", ["/word/styles.xml", "styles.xml", "../word/styles.xml", "Styles.XML", "..\\word\\styles.xml"]
)
def test_other_parts_are_found_whatever_they_are_called(tmp_path, target):
    known = styles(("A", "heading 2", "", ""))
    path = word(
        tmp_path / "a.docx",
        paragraph("Fees", properties='<w:pStyle w:val="A"/>') + paragraph("Text."),
        {"word/styles.xml": known},
        {"stylesRel": ("styles", target)},
    )
    assert read(path)[0].headings[0].level == 2


@pytest.mark.parametrize("suffix", [".docx", ".docm", ".dotx", ".DOCX"])
def test_documents_and_templates(tmp_path, suffix):
    assert text_of(word(tmp_path / f"a{suffix}", paragraph("Text."))) == "Text."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_the_encoding_of_a_part(tmp_path, encoding):
    body = BODY.replace("UTF-8", encoding).replace("fee", "Gebühr").encode(encoding)
    path = written(tmp_path / "a.docx", {"_rels/.rels": relations(RELS), "word/document.xml": body})
    assert text_of(path) == "The Gebühr is 25 euros."


def test_other_prefixes(tmp_path):
    body = f'<document xmlns="{NAMESPACES["w"]}"><body><p><r><t>one</t></r></p></body></document>'
    path = written(tmp_path / "a.docx", {"_rels/.rels": relations(RELS), "word/document.xml": body})
    assert text_of(path) == "one"
    path.unlink()
    body = body.replace("xmlns=", "xmlns:x=").replace("<", "<x:").replace("<x:/", "</x:")
    assert text_of(written(path, {"_rels/.rels": relations(RELS), "word/document.xml": body})) == "one"


# --- broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["", "<w:styles", "no XML at all", "\0\0\0"])
@pytest.mark.parametrize("kind", ["styles", "numbering", "footnotes", "comments"])
def test_a_broken_part_is_counted_and_the_others_are_read(tmp_path, broken, kind):
    plain, _ = read(word(tmp_path / "a.docx", paragraph("Text."), {f"word/{kind}.xml": broken}))
    assert plain.text == "Text."
    assert left_out(plain) == {"unreadable part": 1}
    assert f"word/{kind}.xml" in plain.left_out[0].reason


@pytest.mark.parametrize("cut", [0.5, 0.7, 0.9])
def test_a_body_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path, cut):
    body = part("w:document", "<w:body>" + "".join(paragraph(f"Word{n}") for n in range(100)) + "</w:body>")
    path = written(tmp_path / "a.docx", {"word/document.xml": body[: int(len(body) * cut)]})
    plain, chunks = read(path)
    assert left_out(plain) == {"unreadable part": 1}
    assert not lost([f"Word{n}" for n in range(int(100 * cut) - 10)], chunks)


@pytest.mark.parametrize(
    "wrong", ["<w:p><w:r><w:t>b</w:t></w:p>", "<w:p><w:r><w:t>b &unknown; </w:t></w:r></w:p>", "<w:p x:y='1'/>\x01"]
)
def test_a_body_that_is_no_xml(tmp_path, wrong):
    plain, chunks = read(word(tmp_path / "a.docx", paragraph("first") + wrong + paragraph("last")))
    assert not lost(["first"], chunks)
    assert left_out(plain)["unreadable part"] == 1


@pytest.mark.parametrize("at", [30, 45, 60])
def test_a_damaged_stream(tmp_path, at):
    """A part whose bytes are wrong is read up to there."""
    path = word(tmp_path / "a.docx", "".join(paragraph(f"Word{n}") for n in range(3000)))
    data = bytearray(path.read_bytes())
    start = data.index(b"word/document.xml") + 17
    data[start + at * 100 : start + at * 100 + 8] = b"\xff" * 8
    path.write_bytes(bytes(data))
    plain, chunks = read(path)
    assert "unreadable part" in left_out(plain)
    assert not lost(["Word0", "Word50"], chunks)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "has a password"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "WordDocument".encode("utf-16-le"), "97 to 2003"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "unknown kind"),
        (b"{\\rtf1 Hello}", "is RTF"),
        (b"%PDF-1.7", "is a PDF"),
        (b"<html><body>Hello</body></html>", "HTML"),
        (b"", "no Office document"),
        (b"Hello", "no Office document"),
        (b"PK\x03\x04" + bytes(50), "cut off or damaged"),
        (b"PK\x05\x06" + bytes(18), "no body"),
    ],
)
def test_what_is_no_word_document_is_refused_with_what_it_is(tmp_path, content, message):
    path = tmp_path / "a.docx"
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match=message):
        readers.read(path)


def test_a_zip_with_a_password(tmp_path):
    path = word(tmp_path / "a.docx", paragraph("Text."))
    data = path.read_bytes()
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        pieces = data.split(mark)
        data = mark.join([pieces[0], *(p[: at - 4] + bytes([p[at - 4] | 1]) + p[at - 3 :] for p in pieces[1:])])
    path.write_bytes(data)
    with pytest.raises(UnreadableDocument, match="has a password"):
        readers.read(path)


@pytest.mark.parametrize("large", ["word/document.xml", "word/styles.xml", "word/footnotes.xml"])
def test_a_part_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch, large):
    monkeypatch.setattr(_ooxml, "LARGEST_PART", 2**20)
    filled = part("w:document", f"<w:body>{paragraph('x' * 3 * 2**20)}</w:body>")
    path = word(tmp_path / "a.docx", paragraph("Text."), {large: filled})
    with pytest.raises(UnreadableDocument, match=f"unpacks to more than 1 MB in {large}"):
        readers.read(path)


def test_many_parts_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_ooxml, "LARGEST_FILE", 2**20)
    heads = {f"word/header{n}.xml": part("w:hdr", paragraph("x" * 2**18)) for n in range(6)}
    related = {f"h{n}": ("header", f"header{n}.xml") for n in range(6)}
    with pytest.raises(UnreadableDocument, match="in all"):
        readers.read(word(tmp_path / "a.docx", paragraph("Text."), heads, related))


def test_files_within_files_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_ooxml, "LARGEST_FILE", 2**20)
    inner = word(tmp_path / "b.docx", paragraph("x" * 2**18)).read_bytes()
    chunks = {f"word/i{n}.docx": inner for n in range(6)}
    body = "".join(f'<w:altChunk r:id="i{n}"/>' for n in range(6))
    related = {f"i{n}": ("aFChunk", f"i{n}.docx") for n in range(6)}
    with pytest.raises(UnreadableDocument, match="in all"):
        readers.read(word(tmp_path / "a.docx", body, chunks, related))


@pytest.mark.parametrize("entity", ["SYSTEM 'file:///etc/hostname'", "'secret'", "SYSTEM 'http://localhost:9/x'"])
def test_entities_are_not_resolved(tmp_path, entity):
    body = BODY.replace("?>", f"?><!DOCTYPE d [<!ENTITY e {entity}>]>", 1).replace("25", "&e;25")
    path = written(tmp_path / "a.docx", {"word/document.xml": body})
    text = text_of(path)
    assert "25" in text
    assert "secret" not in text


def test_xml_that_grows_a_thousandfold_does_not_grow(tmp_path):
    entities = '<!ENTITY e0 "lol">' + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    body = BODY.replace("?>", f"?><!DOCTYPE d [{entities}]>", 1).replace("25", "&e11;25")
    start = time.perf_counter()
    assert len(text_of(written(tmp_path / "a.docx", {"word/document.xml": body}))) < 1000
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("missing", ["footnote", "chart", "altChunk"])
def test_what_is_named_and_missing_is_counted(tmp_path, missing):
    said = {
        "footnote": paragraph("Text.", '<w:r><w:footnoteReference w:id="5"/></w:r>'),
        "chart": paragraph("Text.", '<w:r><w:drawing><c:chart r:id="none"/></w:drawing></w:r>'),
        "altChunk": paragraph("Text.") + '<w:altChunk r:id="none"/>',
    }
    plain, _ = read(word(tmp_path / "a.docx", said[missing]))
    assert plain.text.startswith("Text.")
    assert left_out(plain) == {"unreadable part": 1}


def test_a_document_that_holds_itself_ends(tmp_path):
    inner = word(tmp_path / "b.docx", paragraph("inner")).read_bytes()
    for _ in range(6):
        data = word(
            tmp_path / "b.docx",
            paragraph("outer") + '<w:altChunk r:id="i"/>',
            {"word/i.docx": inner},
            {"i": ("aFChunk", "i.docx")},
        ).read_bytes()
        inner = data
    plain, _ = read(tmp_path / "b.docx")
    assert plain.text.count("outer") == 4
    assert left_out(plain) == {"attachment": 1}


def test_names_that_stand_twice_in_the_zip(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", BODY.replace("25", "20"))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("word/document.xml", BODY)
    path = tmp_path / "a.docx"
    path.write_bytes(buffer.getvalue())
    assert text_of(path) == EXPECTED


@pytest.mark.parametrize("number", ["99999999999", "-3", "x", "", "1e999", "nan"])
def test_numbers_that_make_no_sense(tmp_path, number):
    start = f'w:start w:val="{number}"'
    listed = numbering(("upperRoman", "%1."), ("lowerLetter", "%2)")).replace('w:start w:val="1"', start)
    level = f'<w:numPr><w:ilvl w:val="{number}"/><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="{number}"/>'
    wide = f'<w:gridSpan w:val="{number}"/><w:vMerge w:val="{number}"/>'
    body = (
        paragraph("first", properties=level) + item("next") + table(row(cell("a", properties=wide), "b"), row("1", "2"))
    )
    _, chunks = read(word(tmp_path / "a.docx", body, {"word/numbering.xml": listed}))
    assert not lost(["first", "next", "a", "b", "1", "2"], chunks)


# --- other things that hold of a file -------------------------------------------------------------


def test_time_grows_with_the_length(tmp_path):
    def long(count):
        blocks = paragraph("A sentence of a few words, ", run("some of them bold", "<w:b/>"), ".") * count
        rows = grid([[f"{row}", "value", "more"] for row in range(count)])
        return word(tmp_path / f"{count}.docx", blocks + rows)

    assert linear(readers.read, long(2000), long(8000))


def test_what_python_docx_reads_is_read(tmp_path):
    document = docx.Document()
    for word_ in ("alpha", "beta", "gamma"):
        document.add_paragraph(word_)
    document.save(str(tmp_path / "a.docx"))
    assert text_of(tmp_path / "a.docx").split() == [paragraph_.text for paragraph_ in document.paragraphs]
