"""Files that are made to do harm: tests 16 and 17 of the field notes on reliability."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest
from _pdf import document, lines

from groundtune.knowledge.ingest import Manner, ingest
from groundtune.knowledge.reading_process import reading
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores import open_store
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import Search

TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
WORD = f'<w:document xmlns:w="{SPACE}"><w:body>{{}}</w:body></w:document>'
PARAGRAPH = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"


def word(path: Path, body: str | bytes = "", more: dict[str, bytes] | None = None, before: str = "") -> None:
    """Write a Word file with this body, and with `more` files in it."""
    whole = body if isinstance(body, bytes) else (before + WORD.format(body)).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", TYPES)
        file.writestr("word/document.xml", whole)
        for name, content in (more or {}).items():
            file.writestr(name, content)


def bomb(path):
    word(path, PARAGRAPH.format("zebra " * 60_000_000))


def nested_archives(path):
    inner = path.with_suffix(".inner")
    word(inner, PARAGRAPH.format("zebra"))
    content = inner.read_bytes()
    inner.unlink()
    for _ in range(5):
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("again.docx", content)
        content = inner.read_bytes()
    inner.rename(path)


def path_that_leads_out(path):
    word(path, PARAGRAPH.format("a harmless text"), {"../../escaped.txt": b"x", "/tmp/escaped-groundtune.txt": b"x"})


def ten_thousand_files(path):
    word(path, PARAGRAPH.format("a harmless text"), {f"word/media/{number}.png": b"x" for number in range(10_000)})


def billion_laughs(path):
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    word(path, PARAGRAPH.format("&l11;"), before=f'<!DOCTYPE w [<!ENTITY l0 "zebra">{entities}]>')


def external_entity(path):
    word(path, PARAGRAPH.format("&secret;"), before='<!DOCTYPE w [<!ENTITY secret SYSTEM "file:///etc/passwd">]>')


def deep_nesting(path):
    word(path, "<w:p>" * 200_000 + "</w:p>" * 200_000)


def cut_short(path):
    whole = path.with_suffix(".whole")
    word(whole, PARAGRAPH.format("zebra " * 5000))
    path.write_bytes(whole.read_bytes()[:-400])
    whole.unlink()


def malformed_pdf(path):
    path.write_bytes(document([lines(["zebra"])])[:300] + os.urandom(3000))


def five_thousand_pages(path):
    path.write_bytes(document([lines([f"giraffe page {number}"]) for number in range(5000)]))


HOSTILE = {
    "bomb.docx": bomb, "nested.docx": nested_archives, "slip.docx": path_that_leads_out,
    "many.docx": ten_thousand_files, "laughs.docx": billion_laughs, "external.docx": external_entity,
    "deep.docx": deep_nesting, "cut.docx": cut_short, "malformed.pdf": malformed_pdf,
    "pages.pdf": five_thousand_pages, "word.pdf": lambda path: word(path, PARAGRAPH.format("zebra")),
}  # fmt: skip


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    """A folder with all of them and two good documents, ingested; what came of it, and a way to ask."""
    folder = tmp_path_factory.mktemp("hostile")
    documents = folder / "documents"
    documents.mkdir()
    for name, make in HOSTILE.items():
        make(documents / name)
    for name in ("a first.md", "z last.md"):
        (documents / name).write_text(f"The lion of {name} costs 5 euros.", encoding="utf-8")
    (folder / "outside.md").write_text("a secret lion", encoding="utf-8")
    (documents / "link.md").symlink_to(folder / "outside.md")
    settings = KnowledgeSettings(read_memory_mb=600, read_seconds=60)
    made = HashingEmbedder()
    store = open_store("lancedb:store", folder, made)
    began = time.monotonic()
    with reading(settings) as read:
        report = ingest(documents, store, made, settings, None, Manner(read=read))
    asked = lambda text: search_many(store, made, [Search(text, ("everyone",))], Depth(20))[0]  # noqa: E731
    return report, asked, time.monotonic() - began, folder


def test_16_the_others_come_through_unharmed(ingested):
    _, ask, seconds, folder = ingested
    assert {"a first.md", "z last.md"} <= {passage.document for passage in ask("lion costs euros")}
    assert not any("a secret lion" in passage.text for passage in ask("secret lion"))
    assert seconds < 300
    assert not list(folder.parent.rglob("escaped*"))
    assert not Path("/tmp/escaped-groundtune.txt").exists()


@pytest.mark.parametrize("name", ["bomb.docx", "nested.docx", "cut.docx", "malformed.pdf", "word.pdf"])
def test_16_what_cannot_be_read_is_refused_with_a_reason(ingested, name):
    reasons = dict(ingested[0].failed)
    assert name in reasons
    assert len(reasons[name]) > 20
    assert "Traceback" not in reasons[name]


@pytest.mark.parametrize("name", ["laughs.docx", "external.docx", "deep.docx"])
def test_16_tricks_of_xml_do_nothing(ingested, name):
    report, ask, _, _ = ingested
    read = [contents for contents in report.contents if contents.document == name]
    assert name in dict(report.failed) or sum(each.chunks for each in read) < 100
    assert not any("root:" in passage.text for passage in ask("root bin bash"))


@pytest.mark.parametrize("name", ["slip.docx", "many.docx", "pages.pdf"])
def test_16_what_is_only_unusual_is_read(ingested, name):
    assert name in {contents.document for contents in ingested[0].contents}


def test_16_links_out_of_the_folder_are_told(ingested):
    assert ("link.md", "a link out of the folder") in ingested[0].ignored


STRANGE = {
    "nul.md": b"zebra\0zebra", "latin.md": "Größe zebra".encode("latin-1"), "bad.md": b"zebra \xff\xfe\xfa zebra",
    "bom.md": b"\xef\xbb\xbfzebra", "wide.md": "zebra".encode("utf-16"),
    "picture.md": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "bidi.md": "zebra \u202egiraffe\u202c".encode(),
    "hidden.md": "ze\u200bbra \u2063 \U000e0041\U000e0042 end".encode(),
    "\u202efdp.md": b"zebra", "\u05d0\u05d1.md": b"zebra", "archive.md": b"PK\x03\x04" + bytes(100),
}  # fmt: skip


def test_17_strange_bytes_and_names_are_stored_or_refused_with_a_reason(tmp_path):
    documents = tmp_path / "documents"
    documents.mkdir()
    for name, content in STRANGE.items():
        (documents / name).write_bytes(content)
    made = HashingEmbedder()
    store = open_store("lancedb:store", tmp_path, made)
    settings = KnowledgeSettings()
    with reading(settings) as read:
        report = ingest(documents, store, made, settings, None, Manner(read=read))
    held, failed = set(store.documents()), dict(report.failed)
    assert held | set(failed) == set(STRANGE)
    assert {"picture.md", "archive.md"} <= set(failed)
    assert {"bom.md", "wide.md", "\u05d0\u05d1.md"} <= held
    for entry in store.entries(sorted(held)):
        for chunk in entry.chunks:
            assert "\0" not in chunk.text
    told = {each.document: {left_out.kind for left_out in each.left_out} for each in report.contents}
    assert "control character" in told["nul.md"]
