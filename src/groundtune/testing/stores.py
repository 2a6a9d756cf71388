"""Contract of knowledge stores: freshness, access lists and queries that are only data.

    class TestMine(StoreContract):
        def open(self, folder: Path) -> KnowledgeStore:
            return MyStore(folder, embedder)    # twice with one folder: two handles on one store

Vectors are those of `HashingEmbedder(64)`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from groundtune.errors import StoreError
from groundtune.protocols import KnowledgeStore
from groundtune.testing.entries import EMBEDDER, ask, documents_of, entry
from groundtune.testing.stores_at_once import AtOnceContract
from groundtune.values import EVERYONE, LEGS, Place, Query

STRANGE_QUERIES = [
    "", " ", '"', "'", "a AND (", "NOT", "*", "+", "-", "~", "title:", "'; DROP TABLE chunks; --", "hello\0", "[1]",
    "\\", "100 %", "{}", "😀", "ﷺ" * 50, "word " * 3000,
]  # fmt: skip


class StoreContract(AtOnceContract):
    """Every knowledge store passes these tests. Override `open`."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> KnowledgeStore:
        """An empty store."""
        return self.open(tmp_path)

    def test_an_empty_store_finds_nothing(self, store: KnowledgeStore) -> None:
        """No error, no passages, no documents."""
        assert ask(store, "roaming") == []
        assert store.documents() == {}
        assert store.is_empty()
        assert store.document("nothing.md") is None
        assert store.revision() == store.revision()
        store.optimize()
        store.remove(["nothing.md"])

    def test_a_passage_is_the_chunk(self, store: KnowledgeStore) -> None:
        """Place, text, heading, rank, score and similarity come back; the best is first."""
        store.replace([entry("a.md", ["roaming in Switzerland", "invoice by post"], heading="Prices")])
        passages = ask(store, "roaming Switzerland")
        assert [passage.rank for passage in passages] == [1, 2]
        assert (passages[0].document, passages[0].start, passages[0].end) == ("a.md", 0, 22)
        assert (passages[0].text, passages[0].heading) == ("roaming in Switzerland", "Prices")
        assert passages[0].score > passages[1].score
        assert {passage.fingerprint for passage in passages} == {store.documents()["a.md"]}
        vectors = EMBEDDER.embed(["roaming Switzerland", "Prices\nroaming in Switzerland"], "query")
        if passages[0].similarity is not None:
            assert passages[0].similarity == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-3)

    def test_a_passage_knows_its_pages(self, store: KnowledgeStore) -> None:
        """Page, second, confidence and segments come back, next to documents without any."""
        made = entry("a.pdf", ["roaming in Switzerland", "invoice by post"])
        segments = (Place(24, 32, 3, confidence=0.42), Place(32, 39, 5))
        spoken = replace(made.chunks[0], place=Place(0, 22, seconds=12.5, confidence=0.87))
        across = replace(made.chunks[1], place=Place(24, 39, 3, confidence=0.42), segments=segments)
        store.replace([replace(made, chunks=[spoken, across]), entry("b.md", ["a parcel by post"])])
        passages = {(each.document, each.start): each for each in ask(store, "invoice by post in Switzerland")}
        assert passages["a.pdf", 0].place == spoken.place
        assert (passages["a.pdf", 24].place, passages["a.pdf", 24].segments) == (across.place, segments)
        assert (passages["b.md", 0].place, passages["b.md", 0].segments) == (Place(0, 16), ())

    def test_a_document_comes_back(self, store: KnowledgeStore) -> None:
        """Its fingerprint and its chunks in order, whoever may read them; not those of others."""
        made = entry(
            "it's a.md", ["zebra", "giraffe"], readable_by=["staff"], metadata={"author": "Ada"}, heading="Zoo"
        )
        paged = replace(made.chunks[1], place=Place(7, 14, 2), segments=(Place(7, 9, 2), Place(9, 14, 3)))
        made = replace(made, chunks=[made.chunks[0], paged])
        store.replace([entry("b.md", ["zebra"]), made])
        held = store.document("it's a.md")
        assert held is not None
        assert (held.fingerprint, held.chunks) == (made.fingerprint, tuple(made.chunks))
        assert store.document("a.md") is None
        store.remove(["it's a.md"])
        assert store.document("it's a.md") is None

    def test_entries_come_back_as_another_store_takes_them(self, store: KnowledgeStore, tmp_path: Path) -> None:
        """Chunks in order, with the vectors that they came with; those of no other document."""
        made = [
            entry("b.md", ["zebra", "giraffe"], readable_by=["staff"], metadata={"author": "Ada"}, heading="Zoo"),
            entry("it's a.md", ["zebra", "zebra"]),
            entry("c.md", ["lion"]),
        ]
        store.replace(made)
        found = {each.document: each for each in store.entries(["it's a.md", "b.md", "unknown.md"])}
        assert found.keys() == {"b.md", "it's a.md"}
        for before in made[:2]:
            after = found[before.document]
            assert (after.fingerprint, tuple(after.chunks)) == (before.fingerprint, tuple(before.chunks))
            np.testing.assert_allclose(after.vectors, before.vectors, atol=1e-7)
        revision = store.revision()
        store.replace(list(found.values()))
        assert store.revision() == revision
        assert store.entries([]) == []

    def test_what_a_question_needs_lists_no_documents(
        self, store: KnowledgeStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Searching, emptiness, one document and the revision do without `documents`."""

        def documents(self: KnowledgeStore) -> dict[str, str]:
            raise AssertionError("all documents were listed")

        monkeypatch.setattr(type(store), "documents", documents)
        assert store.is_empty()
        before = store.revision()
        store.replace([entry("a.md", ["zebra"]), entry("b.md", ["zebra"])])
        assert not store.is_empty()
        assert store.revision() != before
        assert documents_of(ask(store, "zebra")) == {"a.md", "b.md"}
        assert store.document("a.md") is not None
        store.remove(["a.md", "b.md", "unknown.md"])
        assert store.is_empty()
        assert store.revision() == before

    def test_headings_are_searched(self, store: KnowledgeStore) -> None:
        """A word that is only in the heading finds the chunk."""
        store.replace([entry("a.md", ["it costs nothing"], heading="Voicemail"), entry("b.md", ["it costs a lot"])])
        assert ask(store, "voicemail")[0].document == "a.md"

    def test_one_way_of_searching_alone(self, store: KnowledgeStore) -> None:
        """By words only what has them is found, by vectors all that may be read; both know the similarity."""
        store.replace([entry("a.md", ["zebra"]), entry("b.md", ["giraffe"]), entry("c.md", ["zebra crossing"])])
        by_words = ask(store, "zebra", legs=("words",))
        assert documents_of(by_words) == {"a.md", "c.md"}
        assert [passage.document for passage in ask(store, "zebra", legs=("vectors",))][:2] == ["a.md", "c.md"]
        assert documents_of(ask(store, "zebra", legs=("vectors",))) == {"a.md", "b.md", "c.md"}
        known = {passage.document: passage.similarity for passage in ask(store, "zebra")}
        assert all(passage.similarity == known[passage.document] for passage in by_words)

    def test_a_store_that_was_dropped(self, store: KnowledgeStore, tmp_path: Path) -> None:
        """Is as if it had never been made; a new one in its place is empty."""
        store.replace([entry("a.md", ["zebra"])])
        store.drop()
        anew = self.open(tmp_path)
        assert anew.is_empty()
        assert ask(anew, "zebra") == []
        anew.replace([entry("b.md", ["zebra"])])
        assert documents_of(ask(anew, "zebra")) == {"b.md"}

    def test_limit(self, store: KnowledgeStore) -> None:
        """Never more than asked for, also if more than the usual number of candidates is."""
        store.replace([entry(f"{number}.md", [f"roaming number {number}"]) for number in range(60)])
        assert len(ask(store, "roaming", limit=1)) == 1
        assert len(ask(store, "roaming", limit=50)) == 50
        assert ask(store, "roaming", limit=0) == []

    def test_a_changed_document_is_found_anew_at_once(self, store: KnowledgeStore) -> None:
        """The old text is gone with the commit that brings the new one, in vectors and in words."""
        store.replace([entry("a.md", ["zebra crossing", "yellow line"]), entry("b.md", ["zebra fur"])])
        store.replace([entry("a.md", ["giraffe neck"])])
        assert not any(
            "zebra" in passage.text or "yellow" in passage.text for passage in ask(store, "zebra", limit=9)[1:]
        )
        assert documents_of(ask(store, "zebra", limit=1)) == {"b.md"}
        assert ask(store, "giraffe")[0].text == "giraffe neck"
        assert len([passage for passage in ask(store, "line", limit=50) if passage.document == "a.md"]) == 1

    def test_a_removed_document_is_gone_at_once(self, store: KnowledgeStore) -> None:
        """Nothing of it is found, and the others stay."""
        store.replace([entry("a.md", ["zebra"]), entry("b.md", ["zebra too"])])
        store.remove(["a.md", "unknown.md"])
        assert documents_of(ask(store, "zebra")) == {"b.md"}
        assert set(store.documents()) == {"b.md"}

    def test_a_document_without_chunks_is_forgotten(self, store: KnowledgeStore) -> None:
        """Replacing by nothing removes, alone and together with others."""
        store.replace([entry("a.md", ["zebra"]), entry("b.md", ["zebra"]), entry("c.md", ["zebra"])])
        store.replace([entry("a.md", []), entry("b.md", ["giraffe"])])
        store.replace([entry("c.md", [])])
        assert set(store.documents()) == {"b.md"}
        assert documents_of(ask(store, "zebra")) == {"b.md"}

    def test_a_second_handle_sees_changes(self, tmp_path: Path) -> None:
        """A server that has the store open answers from what another process has just ingested."""
        writer, other = self.open(tmp_path), self.open(tmp_path)
        assert other.is_empty()
        writer.replace([entry("a.md", ["zebra"])])
        assert documents_of(ask(other, "zebra")) == {"a.md"}
        assert not other.is_empty()
        revision = other.revision()
        writer.replace([entry("a.md", ["giraffe"])])
        assert ask(other, "giraffe")[0].text == "giraffe"
        writer.remove(["a.md"])
        assert ask(other, "zebra") == []
        assert other.revision() == writer.revision() != revision

    def test_it_outlives_the_handle(self, tmp_path: Path) -> None:
        """What was written is there when the store is opened again."""
        self.open(tmp_path).replace([entry("a.md", ["zebra"])])
        assert documents_of(ask(self.open(tmp_path), "zebra")) == {"a.md"}

    def test_equal_text_in_two_documents(self, store: KnowledgeStore) -> None:
        """Both are held; removing one leaves the other."""
        store.replace([entry("a.md", ["zebra"]), entry("b.md", ["zebra"])])
        assert documents_of(ask(store, "zebra")) == {"a.md", "b.md"}
        store.remove(["a.md"])
        assert documents_of(ask(store, "zebra")) == {"b.md"}

    def test_writing_the_same_again_changes_nothing(self, store: KnowledgeStore) -> None:
        """No twins, and the revision stays."""
        store.replace([entry("a.md", ["zebra", "zebra"])])
        before = store.revision()
        store.replace([entry("a.md", ["zebra", "zebra"])])
        assert len(ask(store, "zebra")) == 2
        assert store.revision() == before

    def test_a_document_twice_in_one_batch(self, store: KnowledgeStore) -> None:
        """The last one counts."""
        store.replace([entry("a.md", ["zebra"]), entry("a.md", ["giraffe"])])
        assert [passage.text for passage in ask(store, "zebra giraffe")] == ["giraffe"]

    def test_revision(self, store: KnowledgeStore) -> None:
        """Equal content, equal revision; every change makes another."""
        seen = [store.revision()]
        store.replace([entry("a.md", ["zebra"])])
        seen.append(store.revision())
        store.replace([entry("a.md", ["zebra"], readable_by=["staff"])])
        seen.append(store.revision())
        store.replace([entry("b.md", ["zebra"])])
        seen.append(store.revision())
        assert len(set(seen)) == 4
        store.remove(["b.md"])
        store.optimize()
        assert store.revision() == seen[2]
        store.remove(["b.md"])
        store.replace([])
        assert store.revision() == seen[2]

    def test_optimize_changes_nothing_that_is_found(self, store: KnowledgeStore) -> None:
        """After many changes, tidying up keeps what is found and what was removed gone."""
        for number in range(6):
            store.replace([entry("a.md", [f"zebra version {number}"]), entry(f"{number}.md", ["a zebra of its own"])])
        store.remove(["0.md"])
        before = {(passage.document, passage.text) for passage in ask(store, "zebra", limit=20)}
        store.optimize()
        assert {(passage.document, passage.text) for passage in ask(store, "zebra", limit=20)} == before
        assert len(before) == 6

    def test_nobody_reads_without_a_principal(self, store: KnowledgeStore) -> None:
        """Deny by default: no principals, no passages; no readers, never found."""
        store.replace([entry("a.md", ["zebra"]), entry("nobody.md", ["zebra"], readable_by=[])])
        assert ask(store, "zebra", principals=[]) == []
        assert ask(store, "zebra", principals=[""]) == []
        assert documents_of(ask(store, "zebra")) == {"a.md"}

    def test_access_is_by_any_common_principal(self, store: KnowledgeStore) -> None:
        """Several principals on either side."""
        store.replace(
            [
                entry("public.md", ["zebra"]),
                entry("staff.md", ["zebra"], readable_by=["staff", "management"]),
                entry("quote.md", ["zebra"], readable_by=["o'neil"]),
            ]
        )
        assert documents_of(ask(store, "zebra", ["everyone", "staff"])) == {"public.md", "staff.md"}
        assert documents_of(ask(store, "zebra", ["management"])) == {"staff.md"}
        assert documents_of(ask(store, "zebra", ["o'neil"])) == {"quote.md"}
        assert ask(store, "zebra", ["staf", "STAFF", "x') OR array_has(readable_by, 'staff"]) == []

    def test_access_and_filter_come_before_the_limit(self, store: KnowledgeStore) -> None:
        """One readable chunk among many better ones that are not is still found (filtered before ranking)."""
        hidden = [entry(f"secret{number}.md", ["zebra zebra"], readable_by=["staff"]) for number in range(80)]
        store.replace([*hidden, entry("a.md", ["a text that mentions a zebra"])])
        assert documents_of(ask(store, "zebra", limit=1)) == {"a.md"}
        store.optimize()
        assert documents_of(ask(store, "zebra", limit=1)) == {"a.md"}

    def test_access_can_be_taken_away(self, store: KnowledgeStore) -> None:
        """The same text with another list of readers is no longer found by those who are not on it."""
        store.replace([entry("a.md", ["zebra"])])
        store.replace([entry("a.md", ["zebra"], readable_by=["staff"])])
        assert ask(store, "zebra") == []
        assert documents_of(ask(store, "zebra", ["staff"])) == {"a.md"}

    def test_where(self, store: KnowledgeStore) -> None:
        """All given values must be equal; values are data."""
        store.replace(
            [
                entry("a.md", ["zebra"], metadata={"language": "de", "product": "it's"}),
                entry("b.md", ["zebra"], metadata={"language": "en"}),
                entry("c.md", ["zebra"]),
            ]
        )
        assert documents_of(ask(store, "zebra", where={"language": "de"})) == {"a.md"}
        assert documents_of(ask(store, "zebra", where={"language": "de", "product": "it's"})) == {"a.md"}
        assert ask(store, "zebra", where={"language": "de", "product": "x"}) == []
        assert ask(store, "zebra", where={"language": "' OR 1=1 --"}) == []
        assert ask(store, "zebra", where={"de": "language"}) == []

    def test_without(self, store: KnowledgeStore) -> None:
        """What has one of the values is left out, in both legs; values are data."""
        store.replace(
            [
                entry("a.md", ["zebra"], metadata={"origin": "it's", "language": "de"}),
                entry("b.md", ["zebra"], metadata={"origin": "mail", "language": "en"}),
                entry("c.md", ["zebra"]),
            ]
        )
        for legs in (LEGS, *((leg,) for leg in LEGS)):
            assert documents_of(ask(store, "zebra", legs=legs, without={"origin": "it's"})) == {"b.md", "c.md"}
        assert documents_of(ask(store, "zebra", without={"origin": "mail", "language": "de"})) == {"c.md"}
        assert documents_of(ask(store, "zebra", where={"origin": "mail"}, without={"language": "de"})) == {"b.md"}
        for harmless in ({"origin": "' OR 1=1 --"}, {"mail": "origin"}, {"origin": "\0"}):
            assert documents_of(ask(store, "zebra", without=harmless)) == {"a.md", "b.md", "c.md"}

    @pytest.mark.parametrize("query", STRANGE_QUERIES, ids=range(len(STRANGE_QUERIES)))
    def test_queries_are_data(self, store: KnowledgeStore, query: str) -> None:
        """Operators, quotes and emptiness are neither errors nor commands."""
        store.replace([entry("a.md", ["zebra"])])
        assert documents_of(ask(store, query)) <= {"a.md"}
        assert documents_of(ask(store, "zebra")) == {"a.md"}

    def test_any_text_comes_back_as_it_is(self, store: KnowledgeStore) -> None:
        """Unicode, quotes, line ends and strange file names."""
        text = "Größe 5″ – “Ärger” \t it's\r\n日本語 😀 e\u0301"
        store.replace([entry("ordner/größe 'x'\".md", [text])])
        assert [(passage.document, passage.text) for passage in ask(store, "Größe")] == [
            ("ordner/größe 'x'\".md", text)
        ]
        store.remove(["ordner/größe 'x'\".md"])
        assert store.documents() == {}

    def test_a_vector_of_another_length_is_refused(self, store: KnowledgeStore) -> None:
        """With an error that says so, for questions and for documents; nothing is written."""
        with pytest.raises(StoreError, match="dimension"):
            store.search(Query("zebra", (1.0, 0.0), 3, EVERYONE))
        made = entry("a.md", ["zebra"])
        with pytest.raises(StoreError, match="dimension"):
            store.replace([entry("b.md", ["zebra"]), replace(made, vectors=np.ones((1, 3), np.float32))])
        assert store.documents() == {}
