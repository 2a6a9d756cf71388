"""Documents are read apart, with limits: the same text, and what goes beyond them is refused and does no harm."""

import os
import signal
import zipfile
from pathlib import Path

import pytest

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.reading_process import ReadingProcess, reading
from groundtune.settings import KnowledgeSettings

TELECOM = Path(__file__).parents[3] / "examples" / "telecom" / "documents"
GOOD = "# Zones\n\nRoaming in Switzerland costs 5 euros."


@pytest.fixture
def process():
    made = []

    def make(**limits):
        made.append(ReadingProcess(KnowledgeSettings(**limits)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "größe.md"
    path.write_text(GOOD, encoding="utf-8")
    return path


def docx(path, text, times):
    """Write a Word file whose text is `text`, `times` over: small, as it is compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override '
            'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
        )
        with file.open("word/document.xml", "w", force_zip64=True) as part:
            part.write(
                b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
            )
            for _ in range(times):
                part.write(text)
            part.write(b"</w:t></w:r></w:p></w:body></w:document>")
    return path


def test_the_text_is_the_same(process):
    read = process()
    for path in sorted(each for each in TELECOM.rglob("*") if each.is_file()):
        assert read(path) == readers.read(path), path


def test_a_document_that_cannot_be_read_is_refused_as_before(process, tmp_path, good):
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    (tmp_path / "empty.md").write_text(" ")
    read = process()
    for name in ("broken.pdf", "empty.md", "unknown.xyz", "missing.md"):
        with pytest.raises(UnreadableDocument) as here:
            readers.read(tmp_path / name)
        with pytest.raises(UnreadableDocument) as apart:
            read(tmp_path / name)
        assert str(apart.value) == str(here.value)
    assert read(good).text == GOOD


def test_what_takes_too_long_is_refused(process, good):
    read = process(read_seconds=0.001)
    with pytest.raises(UnreadableDocument, match=r"takes longer than 0\.001 seconds.*read_seconds"):
        read(good)


@pytest.mark.skipif(os.name == "nt", reason="memory cannot be limited there")
def test_what_needs_too_much_memory_is_refused_and_the_next_is_read(process, tmp_path, good):
    bomb = docx(tmp_path / "bomb.docx", b"zebra " * 200_000, 500)
    assert bomb.stat().st_size < 2_000_000
    read = process(read_memory_mb=200)
    with pytest.raises(UnreadableDocument, match=r"MB|memory"):
        read(bomb)
    assert read(good).text == GOOD


def test_what_is_too_large_is_refused_unread(process, good):
    with pytest.raises(UnreadableDocument, match=r"at most 1e-05 MB are read.*file_mb"):
        process(file_mb=0.00001)(good)


def test_too_much_text_of_a_small_file_is_refused(process, tmp_path):
    path = docx(tmp_path / "long.docx", b"zebra " * 10_000, 20)
    with pytest.raises(UnreadableDocument, match=r"characters of text, and at most 100,000 are taken"):
        process(file_mb=0.1)(path)


def test_a_process_that_was_killed_is_started_anew(process, good):
    read = process()
    read(good)
    read._process.send_signal(signal.SIGTERM)
    read._process.wait()
    assert read(good).text == GOOD


def test_it_ends_with_what_asked(good):
    with reading(KnowledgeSettings()) as read:
        read(good)
        child = read._process
    assert child.poll() == 0
    with reading(KnowledgeSettings(read_apart=False)) as read:
        assert read is None
