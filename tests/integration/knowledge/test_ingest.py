import shutil
from pathlib import Path

import pytest

from groundtune.errors import InputError
from groundtune.knowledge import ingest as ingesting
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import IngestReport, Manner, ingest
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores import open_store
from groundtune.settings import EmbeddingSettings, KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import Search

EXAMPLE = Path(__file__).parents[3] / "examples" / "telecom" / "documents"


class Place:
    """A project's folder with documents and a store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents = folder / "documents"
        self.documents.mkdir()
        self.embedder = HashingEmbedder()
        self.store = open_store("lancedb:.groundtune/knowledge", folder, self.embedder)
        self.write("zones.md", "# Zones\n\nRoaming in Switzerland costs 5 euros.")
        self.write("billing/invoice.html", "<h1>Invoices</h1><p>The invoice comes by e-mail.</p>")

    def write(self, name: str, content: str) -> None:
        path = self.documents / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(content, encoding="utf-8")

    def ingest(self, paths=None, **settings) -> IngestReport:
        return ingest(self.documents, self.store, self.embedder, KnowledgeSettings(**settings), paths)

    def ask(self, text: str, principals=("everyone",), limit: int = 3):
        return search_many(self.store, self.embedder, [Search(text, tuple(principals))], Depth(limit))[0]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def counts(report: IngestReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.removed, len(report.failed)


def test_add_change_remove_and_leave_alone(place):
    first = place.ingest()
    assert counts(first) == (2, 0, 0, 0, 0)
    assert first.chunks == 2
    assert place.ask("Switzerland")[0].document == "zones.md"

    second = place.ingest()
    assert counts(second) == (0, 0, 2, 0, 0)
    assert (second.revision, second.chunks) == (first.revision, 0)

    place.write("zones.md", "# Zones\n\nRoaming in Norway is free.")
    (place.documents / "billing" / "invoice.html").unlink()
    third = place.ingest()
    assert counts(third) == (0, 1, 0, 1, 0)
    assert third.revision != first.revision
    assert [passage.text for passage in place.ask("Switzerland invoice Norway")] == [
        "# Zones\n\nRoaming in Norway is free."
    ]


def test_the_report_as_json(place):
    place.write("notes.xyz", "x")
    made = place.ingest().as_json()
    fixed = {"added", "changed", "unchanged", "removed", "failed", "chunks", "seconds", "revision"}
    assert set(made) == fixed | {"reread", "ignored", "documents", "cut_by_embedder", "sources", "spaces"}
    (failure,) = made["failed"]
    assert failure["document"] == "notes.xyz"
    assert "no reader" in failure["reason"]
    assert "Convert" in failure["reason"]


def test_other_splitting_is_a_change(place):
    place.write("long.txt", "A sentence about roaming. " * 30)
    place.ingest()
    report = place.ingest(chunk_size=200)
    assert counts(report) == (0, 1, 2, 0, 0)
    assert max(len(passage.text) for passage in place.ask("roaming", limit=20)) <= 200


def test_other_readers_are_a_change(place):
    place.ingest()
    assert counts(place.ingest(readable_by=["staff"])) == (0, 2, 0, 0, 0)
    assert place.ask("Switzerland") == []
    assert place.ask("Switzerland", ["staff"])[0].document == "zones.md"


def test_what_cannot_be_read_any_more_keeps_what_the_store_had(place):
    place.ingest()
    (place.documents / "zones.md").write_bytes(b"\xff\xfe\xff")
    report = place.ingest()
    assert counts(report) == (0, 0, 1, 0, 1)
    assert report.failed[0][0] == "zones.md"
    assert "UTF-8" in report.failed[0][1]
    assert place.ask("Switzerland")[0].document == "zones.md"


def test_paths_limit_the_work_and_remove_nothing(place):
    place.ingest([place.documents / "billing"])
    assert set(place.store.documents()) == {"billing/invoice.html"}
    (place.documents / "billing" / "invoice.html").unlink()
    assert counts(place.ingest([place.documents / "zones.md"])) == (1, 0, 0, 0, 0)
    assert set(place.store.documents()) == {"billing/invoice.html", "zones.md"}


def test_paths_outside_or_missing_are_refused(place):
    (place.folder / "other.md").write_text("x")
    with pytest.raises(InputError, match="outside the documents folder"):
        place.ingest([place.folder / "other.md"])
    with pytest.raises(InputError, match="no such file"):
        place.ingest([place.documents / "missing.md"])
    shutil.rmtree(place.documents)
    with pytest.raises(InputError, match="documents folder does not exist"):
        place.ingest()


def test_hidden_files_and_links_out_are_left_alone(place):
    place.write(".git/config.txt", "secret")
    place.write(".hidden.md", "secret")
    place.write("~$lock.docx", "secret")
    (place.folder / "outside").mkdir()
    (place.folder / "outside" / "secret.md").write_text("secret")
    (place.documents / "link.md").symlink_to(place.folder / "outside" / "secret.md")
    (place.documents / "folder").symlink_to(place.folder / "outside")
    report = place.ingest()
    assert counts(report) == (2, 0, 0, 0, 0)
    assert dict(report.ignored) == {
        ".git/": "hidden",
        ".hidden.md": "hidden",
        "~$lock.docx": "hidden",
        "link.md": "a link out of the folder",
        "folder/": "a link to a folder",
    }


def test_equal_files_are_two_documents(place):
    place.write("copy.md", (place.documents / "zones.md").read_text())
    place.ingest()
    (place.documents / "zones.md").unlink()
    place.ingest()
    assert [passage.document for passage in place.ask("Switzerland", limit=1)] == ["copy.md"]


def test_a_renamed_file(place):
    place.ingest()
    (place.documents / "zones.md").rename(place.documents / "roaming.md")
    assert counts(place.ingest()) == (1, 0, 1, 1, 0)
    assert place.ask("Switzerland")[0].document == "roaming.md"


def test_an_interrupted_run_is_continued(place, monkeypatch):
    monkeypatch.setattr(ingesting, "BATCH", 4)
    for number in range(10):
        place.write(f"{number}.txt", f"Text number {number}.")

    class Interrupted(HashingEmbedder):
        calls = 0

        def embed(self, texts, kind):
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().embed(texts, kind)

    with pytest.raises(KeyboardInterrupt):
        ingest(place.documents, place.store, Interrupted(), KnowledgeSettings())
    assert len(place.store.documents()) == 8
    assert counts(place.ingest()) == (4, 0, 8, 0, 0)


def test_progress_goes_from_nothing_to_all(place):
    seen = []
    ingest(
        place.documents, place.store, place.embedder, KnowledgeSettings(), None, Manner(lambda *told: seen.append(told))
    )
    assert seen == [("ingest", 0, 2), ("ingest", 1, 2), ("ingest", 2, 2)]


def test_many_questions_at_once(place):
    place.ingest()
    found = search_many(place.store, place.embedder, [Search("Switzerland"), Search("invoice")], Depth(1))
    assert [passages[0].document for passages in found] == ["zones.md", "billing/invoice.html"]


@pytest.mark.models
def test_the_example_with_the_built_in_model(tmp_path):
    if not EXAMPLE.is_dir():
        pytest.skip("the example's documents are not here")
    made = embedder(EmbeddingSettings())
    store = open_store("lancedb:kb", tmp_path, made)
    part = EXAMPLE / "roaming"
    report = ingest(EXAMPLE, store, made, KnowledgeSettings(), [part])
    assert report.failed == ()
    assert report.added == len([path for path in part.rglob("*") if path.is_file()])
    (found,) = search_many(store, made, [Search("What do calls made in Zone 2 and Zone 3 cost?")], Depth(3))
    assert "roaming/zones-and-prices.html" in {passage.document for passage in found}
    for passage in found:
        assert passage.similarity is not None
        assert 0 < passage.similarity < 1
