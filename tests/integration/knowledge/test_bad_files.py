"""One bad file never ends an ingestion, and what cannot be seen is not taken for gone."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from groundtune.knowledge import readers
from groundtune.knowledge.ingest import IngestReport, ingest
from groundtune.knowledge.stores import open_store
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import PlainText

NOBODY = 65534


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents = folder / "documents"
        self.documents.mkdir()
        self.embedder = HashingEmbedder()
        self.store = open_store("lancedb:kb", folder, self.embedder)
        self.write("good.md", "# Zones\n\nRoaming in Switzerland costs 5 euros.")

    def write(self, name: str | bytes, content: str | bytes) -> None:
        path = self.documents / (os.fsdecode(name) if isinstance(name, bytes) else name)
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def ingest(self, *paths: Path) -> IngestReport:
        return ingest(self.documents, self.store, self.embedder, KnowledgeSettings(), list(paths) or None)


@pytest.fixture
def place() -> Iterator[Place]:
    """A folder that other users may read: permissions count for nothing while root reads."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield Place(folder)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Work as a user to whom permissions apply, and who owns the folder's files."""
    if os.geteuid():
        yield
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def failed(report: IngestReport) -> dict[str, str]:
    return dict(report.failed)


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), RecursionError("deep"), MemoryError(), KeyError("w:t"), UnicodeError("x"), StopIteration()],
)
def test_whatever_a_reader_raises_is_a_reason(place, monkeypatch, error):
    class Odd:
        suffixes = (".odd",)

        def read(self, path: Path) -> PlainText:
            raise error

    known = readers.readers()
    monkeypatch.setattr(readers, "readers", lambda: {**known, ".odd": Odd()})
    place.write("a.odd", "x")
    report = place.ingest()
    assert (report.added, list(failed(report))) == (1, ["a.odd"])
    told, remedy = type(error).__name__, "save it again"
    if isinstance(error, MemoryError):
        told, remedy = "needs more memory", "Split it"
    assert told in failed(report)["a.odd"]
    assert remedy in failed(report)["a.odd"]


@pytest.mark.parametrize(
    "text",
    ["lone \ud83d half", "\udc00 other half", "three \ud800\ud800\ud800", "NUL \0 within", "\ud83d\ude00 in two"],
)
def test_what_no_store_can_hold_is_replaced_and_counted(place, monkeypatch, text):
    class Odd:
        suffixes = (".odd",)

        def read(self, path: Path) -> PlainText:
            return PlainText(text, f"title {text}")

    known = readers.readers()
    monkeypatch.setattr(readers, "readers", lambda: {**known, ".odd": Odd()})
    place.write("a.odd", "x")
    report = place.ingest()
    assert report.added == 2
    contents = next(each for each in report.contents if each.document == "a.odd")
    assert [each.kind for each in contents.left_out] == ["control character"]
    held = place.store.document("a.odd")
    assert "\ufffd" in held.chunks[0].text
    json.dumps(report.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize("depth", [250, 1_000, 5_000])
def test_html_nested_deep(place, depth):
    place.write("deep.html", "<div>" * depth + "<p>The fee is 25 euros.</p>" + "</div>" * depth)
    report = place.ingest()
    assert (report.added, report.failed) == (2, ())
    assert "The fee is 25 euros." in place.store.document("deep.html").chunks[0].text


@pytest.mark.parametrize("answer", [r"It costs \ud83d 5 euros.", r"\udfff", r"a\ud800b\udc00c\ud800"])
def test_half_a_character_in_json(place, answer):
    place.write("faq.json", f'[{{"question": "What does it cost?", "answer": "{answer}"}}]')
    report = place.ingest()
    assert (report.added, report.failed) == (2, ())
    assert place.store.document("faq.json").chunks[0].text.startswith("What does it cost?")


@pytest.mark.parametrize("name", [b"caf\xe9.md", b"\xff\xfe.txt", b"sub\xfc/plan.md"])
def test_a_name_that_is_not_utf8(place, name):
    place.write(name, "text")
    report = place.ingest()
    assert report.added == 1
    ((shown, reason),) = report.failed
    assert "\\x" in shown
    assert "not UTF-8" in reason
    json.dumps(report.as_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize("name", ["secret.md", "prices.csv", "sub/plan.html"])
def test_a_file_that_may_not_be_read(place, name):
    place.write(name, "a,b\n1,2\n")
    assert place.ingest().added == 2
    (place.documents / name).chmod(0)
    with without_rights(place.folder):
        report = place.ingest()
    assert (report.unchanged, report.removed) == (1, 0)
    assert "Permission denied" in failed(report)[name]
    assert set(place.store.documents()) == {"good.md", name}


@pytest.mark.parametrize(("closed", "mode"), [("sub", 0), ("sub/deep", 0), ("sub", 0o400)])
def test_a_folder_that_may_not_be_looked_into_has_not_lost_its_documents(place, closed, mode):
    for name in ("sub/deep/a.md", "sub/deep/b.md", "sub/c.md"):
        place.write(name, f"Text of {name}.")
    assert place.ingest().added == 4
    (place.documents / closed).chmod(mode)
    with without_rights(place.folder):
        report = place.ingest()
    assert report.removed == 0
    assert any(name.startswith(closed) and "Permission denied" in reason for name, reason in report.failed)
    assert len(place.store.documents()) == 4
    (place.documents / closed).chmod(0o755)
    shutil.rmtree(place.documents / closed)
    assert place.ingest().removed > 0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Thumbs.db", "system"),
        ("sub/desktop.ini", "system"),
        ("ehthumbs.db", "system"),
        ("__MACOSX/._plan.md", "system"),
        (".DS_Store", "hidden"),
        ("$RECYCLE.BIN/x.md", "system"),
    ],
)
def test_what_systems_leave_behind_is_ignored_and_said(place, name, reason):
    place.write(name, b"\xd0\xcf\x11\xe0 junk")
    report = place.ingest()
    assert (report.added, report.failed) == (1, ())
    assert [why for _, why in report.ignored] == [reason]


def test_links_that_lead_nowhere_or_in_circles(place):
    (place.documents / "gone.md").symlink_to(place.documents / "missing.md")
    (place.documents / "circle.md").symlink_to(place.documents / "circle.md")
    (place.documents / "up").symlink_to(place.documents)
    os.mkfifo(place.documents / "pipe.md")
    report = place.ingest()
    assert report.added == 1
    assert dict(report.ignored)["gone.md"] == "a link to nothing"
    assert dict(report.ignored)["up/"] == "a link to a folder"
    assert dict(report.ignored)["pipe.md"] == "not a file"
    assert "circle.md" in dict(report.ignored) | failed(report)


def test_what_an_earlier_version_read_is_read_again_once(place, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("groundtune.protocols.READING", 1)
        assert place.ingest().added == 1
        assert place.ingest().unchanged == 1
    place.write("new.md", "New.")
    report = place.ingest()
    assert (report.added, report.changed, report.reread) == (1, 1, 1)
    again = place.ingest()
    assert (again.unchanged, again.changed, again.reread) == (2, 0, 0)
