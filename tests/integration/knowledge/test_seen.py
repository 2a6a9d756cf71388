"""Files that did not change are not read again, and none that did is taken for unchanged."""

import os
import time

import pytest

from groundtune.knowledge import ingest as module
from groundtune.knowledge.ingest import Manner, ingest
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores import open_store
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder


class Place:
    """A folder with documents, a store, and a list of the files that were read."""

    def __init__(self, folder, monkeypatch):
        self.documents, self.memory = folder / "documents", folder / "seen.json"
        self.documents.mkdir()
        self.embedder = HashingEmbedder()
        self.store = open_store("lancedb:store", folder, self.embedder)
        self.read = []
        chunked = module.chunked

        def noted(id_, *given):
            self.read.append(id_)
            return chunked(id_, *given)

        monkeypatch.setattr(module, "chunked", noted)
        for name in ("a.md", "b.md", "c.html"):
            self.write(name, f"<p>zebra {name}</p>")

    def write(self, name, text, age=60):
        path = self.documents / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (time.time() - age,) * 2)
        return path

    def ingest(self, paths=None, verify=False, **settings):
        self.read.clear()
        chosen = KnowledgeSettings(**settings)
        seen = SeenFiles(self.memory, chosen, verify=verify)
        return ingest(self.documents, self.store, self.embedder, chosen, paths, Manner(seen=seen))


@pytest.fixture
def place(tmp_path, monkeypatch):
    made = Place(tmp_path, monkeypatch)
    assert made.ingest().added == 3
    return made


def test_unchanged_files_are_not_read_and_reported_as_before(place):
    first = place.ingest(verify=True)
    assert sorted(place.read) == ["a.md", "b.md", "c.html"]
    second = place.ingest()
    assert place.read == []
    assert (second.unchanged, second.contents, second.revision) == (3, first.contents, first.revision)


def test_only_what_changed_is_read(place):
    place.write("b.md", "lion")
    place.write("d.md", "tiger")
    report = place.ingest()
    assert (place.read, report.changed, report.added, report.unchanged) == (["b.md", "d.md"], 1, 1, 2)


def test_a_file_of_the_same_size_and_time_that_was_changed_at_once_is_read(place):
    """The clock of a file system may be too coarse to tell two changes apart."""
    now = time.time()
    for text in ("zebra", "lions"):
        path = place.documents / "a.md"
        path.write_text(text, encoding="utf-8")
        os.utime(path, (now, now))
        assert place.ingest().changed == 1
    assert place.store.document("a.md").chunks[0].text == "lions"


def test_a_file_that_was_only_touched_is_not_read(place):
    os.utime(place.documents / "a.md", (time.time() - 30,) * 2)
    assert place.ingest().unchanged == 3
    assert place.read == []


def test_a_size_or_time_that_differs_is_enough_to_look(place):
    place.write("a.md", "<p>zebra A.md</p>")  # as long as before, and as old
    assert place.ingest(verify=True).changed == 1
    os.utime(place.write("a.md", "<p>zebra a.md</p>"), (time.time() - 90,) * 2)
    assert place.ingest().changed == 1


@pytest.mark.parametrize("settings", [{"chunk_size": 200}, {"chunk_overlap": 20}, {"readable_by": ["staff"]}])
def test_other_settings_read_everything(place, settings):
    place.ingest(**settings)
    assert len(place.read) == 3


def test_what_the_store_does_not_hold_is_read(place):
    place.store.remove(["a.md"])
    assert place.ingest().added == 1
    assert place.read == ["a.md"]


def test_a_file_that_changes_while_it_is_read_is_read_again(place, monkeypatch):
    chunked = module.chunked

    def half_written(id_, *given):
        read = chunked(id_, *given)
        if id_ == "a.md":
            place.write("a.md", "whole", age=50)
        return read

    place.write("a.md", "half")
    with monkeypatch.context() as patched:
        patched.setattr(module, "chunked", half_written)
        place.ingest()
    assert place.ingest().changed == 1
    assert place.store.document("a.md").chunks[0].text == "whole"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 3}', '{"key": "", "files": {"a.md": {}}}', "\x00"])
def test_a_memory_that_cannot_be_read_is_made_anew(place, content):
    place.memory.write_text(content)
    assert place.ingest().unchanged == 3
    assert len(place.read) == 3
    place.ingest()
    assert place.read == []


def test_an_interruption_keeps_what_was_done(place, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    for name in ("a.md", "b.md", "c.html"):
        place.write(name, f"lion {name}")
    embed = place.embedder.embed
    done = []

    def embed_once(texts, kind):
        done.append(texts)
        if len(done) > 1:
            raise KeyboardInterrupt
        return embed(texts, kind)

    monkeypatch.setattr(place.embedder, "embed", embed_once)
    with pytest.raises(KeyboardInterrupt):
        place.ingest()
    monkeypatch.undo()
    report = place.ingest()
    assert (report.changed, report.unchanged) == (2, 1)


def test_a_removed_file_is_forgotten(place):
    (place.documents / "a.md").unlink()
    assert place.ingest().removed == 1
    assert "a.md" not in place.memory.read_text(encoding="utf-8")
