"""What users of other systems complain of first, by the number of the complaint in the field notes on retrieval.

Each as a user would meet it: files are added, changed and deleted, and questions are asked.
"""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

from groundtune.knowledge import ingest as ingest_module
from groundtune.knowledge.ingest import Manner, ingest
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores import open_store
from groundtune.settings import KnowledgeSettings, StoreSettings, Table
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.entries import EMBEDDER, ask, documents_of, entry
from groundtune.values import PlainText, Search


class Company:
    """A folder of documents with a store, and what its users do."""

    def __init__(self, folder: Path, url: str, parts: dict[str, Table]) -> None:
        self.documents, self.memory = folder / "documents", folder / "seen.json"
        self.documents.mkdir()
        self._opened = lambda: open_store(url, folder, EMBEDDER, StoreSettings().with_parts(parts))
        self.store = self._opened()

    def write(self, name, text):
        path = self.documents / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text, encoding="utf-8")

    def ingest(self, paths=None, **settings):
        chosen = KnowledgeSettings(**settings)
        manner = Manner(seen=SeenFiles(self.memory, chosen))
        return ingest(self.documents, self.store, EMBEDDER, chosen, paths, manner)

    def ask(self, text, asker=("everyone",), limit=10, where=None):
        search = Search(text, tuple(asker), where or {})
        return search_many(self.store, EMBEDDER, [search], Depth(limit))[0]

    def again(self):
        """What another process sees."""
        self.store = self._opened()


@pytest.fixture(params=["lancedb", "postgresql", "opensearch"])
def company(request, tmp_path):
    if request.param == "lancedb":
        yield Company(tmp_path, "lancedb:store", {})
    elif request.param == "postgresql":
        psycopg = pytest.importorskip("psycopg")
        from groundtune.knowledge.stores._postgresql import PostgresqlSettings

        url = request.getfixturevalue("postgresql")
        yield Company(tmp_path, url, {"postgresql": PostgresqlSettings(schema_name="complaints")})
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA IF EXISTS complaints CASCADE")
    else:
        pytest.importorskip("opensearchpy")
        node, client = request.getfixturevalue("node"), request.getfixturevalue("client")
        yield Company(tmp_path, f"opensearch://127.0.0.1:{node}/complaints", {})
        client.indices.delete(index="complaints*", params={"ignore_unavailable": "true"})


def test_complaint_01_a_deleted_document_is_gone_though_another_has_the_same_text(company):
    for name in ("a.md", "b.md"):
        company.write(name, "The zebra tariff costs 5 euros.")
    company.ingest()
    (company.documents / "a.md").unlink()
    company.ingest()
    assert documents_of(company.ask("zebra")) == {"b.md"}


def test_complaint_02_all_chunks_of_an_updated_document_are_there(company):
    company.write("long.md", "\n\n".join(f"# Part {number}\n\nThe zebra number {number}." for number in range(12)))
    company.ingest()
    company.write("long.md", "\n\n".join(f"# Part {number}\n\nThe lion number {number}." for number in range(12)))
    company.ingest()
    assert len([passage for passage in company.ask("lion", limit=20) if "lion" in passage.text]) == 12
    assert not any("zebra" in passage.text for passage in company.ask("zebra", limit=20))


def test_complaint_03_a_run_on_a_part_does_not_change_what_later_runs_do(company):
    company.write("a.md", "zebra")
    company.write("b.md", "lion")
    company.ingest()
    company.write("a.md", "giraffe")
    company.ingest([company.documents / "a.md"])
    (company.documents / "b.md").unlink()
    report = company.ingest()
    assert (report.unchanged, report.removed) == (1, 1)
    assert documents_of(company.ask("lion giraffe zebra")) == {"a.md"}


def test_complaint_04_deleted_folders_do_not_answer(company):
    company.write("plans/zebra.md", "zebra")
    company.write("plans/deep/lion.md", "lion")
    company.write("other.md", "giraffe")
    company.ingest()
    for path in sorted((company.documents / "plans").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (company.documents / "plans").rmdir()
    assert company.ingest().removed == 2
    company.again()
    assert documents_of(company.ask("zebra lion giraffe")) == {"other.md"}


def test_complaint_05_the_same_file_ten_times_is_there_once(company):
    company.write("a.md", "The zebra tariff costs 5 euros.")
    for _ in range(10):
        company.ingest()
    assert len(company.ask("zebra")) == 1


def test_complaint_06_an_updated_text_makes_no_twin(company):
    for price in (5, 6, 7):
        company.write("a.md", f"The zebra tariff costs {price} euros.")
        company.ingest()
    assert [passage.text for passage in company.ask("zebra")] == ["The zebra tariff costs 7 euros."]


def test_complaint_12_a_question_is_read_once_and_rebuilds_nothing(company, monkeypatch):
    for number in range(5):
        company.write(f"{number}.md", f"zebra number {number}")
    company.ingest()
    read = []

    class Counting(HashingEmbedder):
        def embed(self, texts, kind):
            read.append((kind, list(texts)))
            return super().embed(texts, kind)

    def refused(*_):
        raise AssertionError("a question listed what is held")

    for name in ("documents", "entries", "document"):
        monkeypatch.setattr(company.store, name, refused)
    searches = [Search(text, ("everyone",), {}) for text in ("zebra", "number 3")]
    first, second = search_many(company.store, Counting(64), searches, Depth(2))
    assert (len(first), second[0].document) == (2, "3.md")
    assert read == [("query", ["zebra", "number 3"])]


def test_complaint_13_the_store_filters_and_not_the_program(company):
    """One that may be read among many that may not, with a limit of one."""
    hidden = [entry(f"{number}.md", ["zebra zebra"], readable_by=["staff"]) for number in range(70)]
    company.store.replace([*hidden, entry("public.md", ["a text that mentions a zebra"])])
    assert documents_of(ask(company.store, "zebra", limit=1)) == {"public.md"}


def test_complaint_15_a_filter_is_applied(company):
    company.write("de.md", "---\nproduct: brook\n---\n# Zebra\n\nzebra in brook")
    company.write("en.md", "---\nproduct: river\n---\n# Zebra\n\nzebra in river")
    company.ingest()
    assert documents_of(company.ask("zebra", where={"product": "brook"})) == {"de.md"}
    assert company.ask("zebra", where={"product": "hazel"}) == []


@pytest.mark.parametrize(("documents", "characters"), [(5, 10**9), (10**9, 20)])
def test_complaint_19_memory_does_not_grow_with_the_number_of_documents(tmp_path, monkeypatch, documents, characters):
    """Whatever their number or length ends a batch: what was read is let go of when its batch is written."""
    monkeypatch.setattr(ingest_module, "BATCH", documents)
    monkeypatch.setattr(ingest_module, "BATCH_CHARACTERS", characters)
    alive = []

    def held():
        return sum(type(thing) is PlainText for thing in gc.get_objects())

    class Counting(HashingEmbedder):
        def embed(self, texts, kind):
            alive.append(held())
            return super().embed(texts, kind)

    company = Company(tmp_path, "lancedb:store", {})
    for number in range(40):
        company.write(f"{number}.md", "abcd")
    before = held()
    ingest(company.documents, company.store, Counting(64), KnowledgeSettings())
    assert len(alive) == 8
    assert 5 <= max(alive) - before <= 10  # a batch, and the one before it


def test_complaint_20_nobody_reads_what_is_not_for_them(company):
    company.write("secret.md", "The zebra salary is 5 euros.")
    company.ingest(readable_by=["management"])
    assert company.ask("zebra salary") == company.ask("zebra salary", asker=()) == []
    assert documents_of(company.ask("zebra salary", asker=("management",))) == {"secret.md"}


def test_complaint_21_several_groups_and_a_change_of_them(company):
    company.write("a.md", "zebra")
    company.ingest(readable_by=["staff", "management"])
    assert documents_of(company.ask("zebra", asker=("staff", "guests"))) == {"a.md"}
    company.ingest(readable_by=["management"])
    assert company.ask("zebra", asker=("staff", "guests")) == []
    assert documents_of(company.ask("zebra", asker=("management",))) == {"a.md"}


def test_complaint_24_words_of_deleted_documents_do_not_count(company):
    """A word that only deleted documents had finds nothing by words, and is as rare as it is."""
    for number in range(20):
        company.write(f"{number}.md", f"roaming tariff number {number}")
    company.write("stays.md", "a lion in a text of its own")
    company.ingest()
    for number in range(20):
        (company.documents / f"{number}.md").unlink()
    company.ingest()
    assert documents_of(company.ask("roaming tariff")) <= {"stays.md"}
    company.write("new.md", "one roaming tariff")
    company.ingest()
    assert company.ask("roaming")[0].document == "new.md"


def test_complaint_24_it_is_not_locked_while_it_is_read(company):
    company.write("a.md", "zebra")
    company.ingest()
    stop, failures, searches = threading.Event(), [], []

    def read():
        while not stop.is_set():
            try:
                searches.append(documents_of(company.ask("zebra")))
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(4):
        company.write("a.md", f"zebra {number}")
        company.ingest()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert searches
    assert all(each == {"a.md"} for each in searches)
