import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from lancedb.index import FTS

from groundtune.errors import SettingsError, StoreError
from groundtune.knowledge.stores import _lancedb, open_store
from groundtune.knowledge.stores import lancedb as module
from groundtune.knowledge.stores._lancedb import Listing
from groundtune.knowledge.stores.lancedb import LancedbSettings, LanceDBStore
from groundtune.protocols import KnowledgeStore
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.entries import EMBEDDER, ask, entry
from groundtune.testing.stores import StoreContract
from groundtune.values import Place, Query


def old_table(folder: Path) -> None:
    """Write a store as groundtune 0.1 laid it out, without pages, with one document in it."""
    text, texts = pa.string(), pa.list_(pa.string())
    layout = {
        "id": text, "document": text, "fingerprint": text, "start": pa.int64(), "end": pa.int64(), "text": text,
        "heading": text, "search_text": text, "readable_by": texts, "metadata": texts,
        "vector": pa.list_(pa.float32(), EMBEDDER.dimension),
    }  # fmt: skip
    metadata = {"layout": "1", "embedder": EMBEDDER.signature, "dimension": str(EMBEDDER.dimension)}
    table = lancedb.connect(folder / "knowledge").create_table("chunks", schema=pa.schema(layout, metadata=metadata))
    table.create_index("search_text", config=FTS(language="English", stem=True, remove_stop_words=True))
    made = entry("a.md", ["zebra crossing", "yellow line"])
    rows = [
        {
            "id": chunk.id, "document": "a.md", "fingerprint": made.fingerprint, "start": chunk.start,
            "end": chunk.end, "text": chunk.text, "heading": "", "search_text": f"\n{chunk.text}",
            "readable_by": ["everyone"], "metadata": [], "vector": vector,
        }
        for chunk, vector in zip(made.chunks, made.vectors, strict=True)
    ]  # fmt: skip
    table.add(pa.Table.from_pylist(rows, schema=table.schema))
    table.optimize()


class TestLanceDB(StoreContract):
    def open(self, folder: Path) -> KnowledgeStore:
        return open_store("lancedb:knowledge", folder, EMBEDDER)

    def test_another_embedder_is_refused(self, tmp_path: Path) -> None:
        self.open(tmp_path)
        with pytest.raises(StoreError, match=r"dimension:64.*dimension:32.*Delete the folder"):
            open_store("lancedb:knowledge", tmp_path, HashingEmbedder(32))
        assert self.open(tmp_path).documents() == {}

    def test_many_writes_leave_few_files(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry(f"{number}.md", [f"zebra {number}"]) for number in range(300)])
        store.optimize()
        assert len(store.documents()) == 300
        assert sum(path.is_file() for path in tmp_path.rglob("*")) < 50

    def test_a_vector_that_is_not_finite_is_refused(self, tmp_path: Path) -> None:
        made = entry("a.md", ["zebra"])
        made.vectors[0, 0] = float("nan")
        with pytest.raises(StoreError, match=r"a\.md.*not finite"):
            self.open(tmp_path).replace([made])

    def test_a_question_without_direction_is_answered_by_words(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"]), entry("b.md", ["giraffe"])])
        found = store.search(Query("zebra", (0.0,) * 64, 5, ("everyone",)))
        assert [passage.document for passage in found] == ["a.md"]

    def test_a_hit_by_words_alone_has_its_cosine(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra crossing"]), entry("b.md", ["giraffe"])])
        assert all(passage.similarity is not None for passage in ask(store, "zebra"))

    def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(self, tmp_path: Path) -> None:
        old_table(tmp_path)
        store, other = self.open(tmp_path), self.open(tmp_path)
        made = entry("a.md", ["zebra crossing", "yellow line"])
        assert store.documents() == {"a.md": made.fingerprint}
        (first, *_) = ask(other, "zebra")
        assert (first.text, first.place, first.segments) == ("zebra crossing", Place(0, 14), ())
        paged = entry("b.pdf", ["giraffe"])
        chunk = replace(paged.chunks[0], place=Place(0, 7, 9))
        other.replace([replace(paged, chunks=[chunk])])
        assert ask(store, "giraffe")[0].place == Place(0, 7, 9)
        assert set(self.open(tmp_path).documents()) == {"a.md", "b.pdf"}

    def test_a_table_of_an_earlier_version_is_searched_by_the_words_of_this_one(self, tmp_path: Path) -> None:
        old_table(tmp_path)
        words = LanceDBStore(tmp_path / "knowledge", EMBEDDER.signature, EMBEDDER.dimension)
        assert [passage.text for passage in ask(words, "ZEBRAS cross", legs=("words",))] == ["zebra crossing"]
        words.replace([entry("b.md", ["C++ for firmware 3.10"]), entry("c.md", ["C# for firmware 3.1"])])
        words.optimize()
        assert [passage.document for passage in ask(words, "Firmware 3.1", limit=1, legs=("words",))] == ["c.md"]

    @pytest.mark.parametrize(
        ("question", "found"),
        [
            ("C++", "cpp.md"),
            ("C#", "csharp.md"),
            (".NET", "net.md"),
            ("€1.50", "cheap.md"),
            ("150 EUR", "dear.md"),
            ("3.1", "old.md"),
            ("version 3.10", "new.md"),
            ("10GB", "data.md"),
            ("返金", "japanese.md"),
            ("ｆｉｒｓｔ ﬁve", "ligature.md"),
        ],
    )
    def test_words_are_found_as_they_compare(self, tmp_path: Path, question: str, found: str) -> None:
        texts = {
            "cpp.md": "We write C++ here.", "csharp.md": "We write C# here.", "c.md": "We write C here.",
            "net.md": "It runs on .NET now.", "cheap.md": "It costs 1.50 euros.", "dear.md": "It costs €150.",
            "old.md": "Firmware 3.1 is old.", "new.md": "Firmware 3.10 is new.", "data.md": "You get 10 GB.",
            "japanese.md": "返金には十日かかります。", "ligature.md": "The ﬁrst of five.",
        }  # fmt: skip
        self.open(tmp_path).replace([entry(name, [text]) for name, text in texts.items()])
        words = LanceDBStore(tmp_path / "knowledge", EMBEDDER.signature, EMBEDDER.dimension)
        assert [passage.document for passage in ask(words, question, limit=1, legs=("words",))] == [found]

    def test_many_open_a_table_of_an_earlier_version_at_once(self, tmp_path: Path) -> None:
        old_table(tmp_path)
        with ThreadPoolExecutor(8) as pool:
            opened = list(pool.map(lambda _: self.open(tmp_path), range(8)))
        assert all(ask(store, "zebra")[0].place == Place(0, 14) for store in opened)

    def test_a_table_of_an_earlier_version_and_another_embedder_is_left_as_it_is(self, tmp_path: Path) -> None:
        old_table(tmp_path)
        with pytest.raises(StoreError, match="Delete the folder"):
            open_store("lancedb:knowledge", tmp_path, HashingEmbedder(32))
        assert "page" not in lancedb.connect(tmp_path / "knowledge").open_table("chunks").schema.names

    def test_the_revision_is_that_of_earlier_versions(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry("b.md", ["giraffe"]), entry("a.md", ["zebra"])])
        assert store.revision() == "e00c39e8bcdda100"

    def test_the_revision_is_kept_for_the_next_process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        listings = []
        listed = LanceDBStore._listed

        def counted(self: LanceDBStore) -> Listing:
            listings.append(self)
            return listed(self)

        monkeypatch.setattr(LanceDBStore, "_listed", counted)
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"])])
        revisions = {store.revision() for _ in range(3)}
        assert len(listings) == 1
        revisions |= {self.open(tmp_path).revision() for _ in range(3)}
        assert len(listings) == 1
        assert len(revisions) == 1
        store.replace([entry("a.md", ["giraffe"])])
        assert self.open(tmp_path).revision() not in revisions
        assert len(listings) == 2

    def test_a_kept_revision_is_not_taken_for_that_of_another_table(self, tmp_path: Path) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"])])
        before = store.revision()
        shutil.rmtree(tmp_path / "knowledge" / "chunks.lance")
        again = self.open(tmp_path)
        again.replace([entry("a.md", ["giraffe"])])
        assert again.revision() != before

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 3}', "\x00"])
    def test_a_kept_revision_that_cannot_be_read_is_made_anew(self, tmp_path: Path, content: str) -> None:
        store = self.open(tmp_path)
        store.replace([entry("a.md", ["zebra"])])
        before = store.revision()
        (tmp_path / "knowledge" / "held.json").write_text(content)
        assert self.open(tmp_path).revision() == before

    def test_a_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "knowledge").write_text("x")
        with pytest.raises(StoreError, match="knowledge"):
            self.open(tmp_path)


def test_an_unknown_store(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mongodb"):
        open_store("mongodb://localhost", tmp_path, EMBEDDER)


def test_erasing_leaves_no_file_of_before(tmp_path):
    store = LanceDBStore(tmp_path, EMBEDDER.signature, EMBEDDER.dimension)
    store.replace([entry(f"{number}.md", [f"zebra {number}"]) for number in range(20)])
    store.optimize()

    def files():
        return {path for folder in ("data", "_indices") for path in tmp_path.rglob(f"{folder}/**/*") if path.is_file()}

    store.remove(["3.md"])
    before = files()
    store.optimize()
    assert before & files()  # one removed document of twenty is not worth writing a file anew
    store.optimize(erase=True)
    assert not before & files()
    assert files()
    assert len(store.documents()) == len(ask(store, "zebra", limit=30)) == 19


class AlwaysIndexed(LanceDBStore):
    """A store whose vector index is brought up to date with every change."""

    def replace(self, entries):
        super().replace(entries)
        self.optimize()


class TestLanceDBIndexed(StoreContract):
    """The contract with a vector index, and a search that looks into a quarter of it first."""

    @pytest.fixture(autouse=True)
    def _indexed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_lancedb, "_INDEXED_FROM", 2)
        monkeypatch.setattr(_lancedb, "GROUP", 2)
        monkeypatch.setattr(module, "GROUP", 2)

    def open(self, folder: Path) -> KnowledgeStore:
        settings = LancedbSettings(exact_up_to=0)
        return AlwaysIndexed(folder / "knowledge", EMBEDDER.signature, EMBEDDER.dimension, settings=settings)


def many(number, dimension=64):
    """Return a document with chunks whose vectors are drawn; every third is for staff."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(number, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for place in range(number):
        readers = ["staff"] if place % 3 == 0 else ["everyone"]
        yield replace(entry(f"{place}.md", [f"zebra {place}"], readers), vectors=vectors[place : place + 1])


def nearest(store, vector, principals=("everyone",)):
    return [each.document for each in store.search(Query("", tuple(map(float, vector)), 10, principals))]


@pytest.mark.parametrize("exact_up_to", [0, 10_000])
def test_the_vector_index_finds_the_nearest(tmp_path, exact_up_to, monkeypatch):
    for each in (_lancedb, module):
        monkeypatch.setattr(each, "GROUP", 80)
    made, settings = list(many(6000)), LancedbSettings(exact_up_to=exact_up_to)
    store = LanceDBStore(tmp_path, EMBEDDER.signature, EMBEDDER.dimension, settings=settings)
    store.replace(made[:5500])
    store.optimize()
    assert _lancedb.has_vector_index(store._table)
    store.replace(made[5500:])  # not in the index yet
    readable = [each for each in made if each.chunks[0].readable_by == ("everyone",)]
    matrix = np.concatenate([each.vectors for each in readable])
    questions = np.random.default_rng(6).normal(size=(20, 64)).astype(np.float32)
    recall = []
    for question in questions:
        wanted = {readable[place].document for place in np.argsort(-(matrix @ question))[:10]}
        recall.append(len(wanted & set(nearest(store, question))) / 10)
    if exact_up_to:
        assert set(recall) == {1.0}
    else:
        assert 0.4 < np.mean(recall) < 1  # a quarter of vectors without any order
    assert len(nearest(store, questions[0], ("staff",))) == 10
    store.remove([each.document for each in made[10:]])
    assert set(nearest(store, questions[0])) == {each.document for each in readable[:6]}
