"""Ingestion when things go wrong: those tests of the field notes on reliability that concern storing, by number."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundtune.errors import GroundtuneError
from groundtune.knowledge.ingest import Manner, ingest
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.seen import SeenFiles
from groundtune.knowledge.stores import open_store
from groundtune.records import open_records
from groundtune.settings import KnowledgeSettings
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import Search

EMBEDDER = HashingEmbedder()
KILLED = """
import os, signal, sys
from groundtune.knowledge import ingest as module, seen
from groundtune.knowledge.stores import lancedb
from groundtune.records.documents import KeptRevisions
sys.path.insert(0, {tests!r})
from test_reliability import Company
left = [int(sys.argv[2])]

def mortal(kind, name):
    method = getattr(kind, name)
    def called(*given, **more):
        for moment in ("before", "after"):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            result = method(*given, **more) if moment == "before" else result
        return result
    setattr(kind, name, called)

for kind, name in (
    (lancedb.LanceDBStore, "replace"), (lancedb.LanceDBStore, "remove"), (lancedb.LanceDBStore, "optimize"),
    (lancedb.LanceDBStore, "revision"), (seen.SeenFiles, "save"), (KeptRevisions, "keep"), (KeptRevisions, "settle"),
):
    mortal(kind, name)
module.BATCH = 2
Company(sys.argv[1]).ingest()
"""


class Company:
    """A folder with documents and a store in it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.documents = self.folder / "documents"
        self.documents.mkdir(exist_ok=True, parents=True)
        self.store = open_store("lancedb:store", self.folder, EMBEDDER)
        self.revisions = open_records("sqlite:///records.db", self.folder).revisions("store", 1)

    def write(self, name, text):
        (self.documents / name).write_text(text, encoding="utf-8")

    def ingest(self):
        settings = KnowledgeSettings()
        manner = Manner(seen=SeenFiles(self.folder / "seen.json", settings), revisions=self.revisions)
        return ingest(self.documents, self.store, EMBEDDER, settings, None, manner)

    def ask(self, text, limit=20):
        return search_many(self.store, EMBEDDER, [Search(text, ("everyone",))], Depth(limit))[0]

    def held(self):
        """All that the store holds, to be compared."""
        documents = self.store.documents()
        entries = {entry.document: entry for entry in self.store.entries(sorted(documents))}
        chunks = {name: [(chunk.place, chunk.text) for chunk in entry.chunks] for name, entry in entries.items()}
        return documents, chunks, self.store.revision()


def changed(company):
    """Add, change and remove documents."""
    company.write("a.md", "zebra new")
    company.write("new1.md", "giraffe")
    company.write("new2.md", "# One\n\nelephant\n\n# Two\n\nhippo")
    (company.documents / "c.md").unlink(missing_ok=True)


def filled(folder):
    """A company with five documents that are ingested."""
    made = Company(folder)
    for name in "abcde":
        made.write(f"{name}.md", f"zebra {name}")
    made.ingest()
    return made


@pytest.fixture
def company(tmp_path):
    return filled(tmp_path / "company")


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Iterator[tuple[Path, list[Path]]]:
    """A company before its documents changed, and what a kill at each commit point of the ingestion after it left."""
    folder = tmp_path_factory.mktemp("killed")
    company = filled(folder / "company")
    program, left = KILLED.format(tests=str(Path(__file__).parent)), []
    for number in range(100):
        copy = Path(shutil.copytree(company.folder, folder / str(number)))
        changed(Company(copy))
        done = subprocess.run([sys.executable, "-c", program, str(copy), str(number)], check=False)
        left.append(copy)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert len(left) > 15
    yield company.folder, left
    shutil.rmtree(folder)


def test_01_a_kill_at_every_commit_point_is_made_good_by_the_next_run(killed, tmp_path):
    before, left = killed
    whole = Company(shutil.copytree(before, tmp_path / "whole"))
    changed(whole)
    whole.ingest()
    for folder in left:
        after = Company(shutil.copytree(folder, tmp_path / folder.name))
        assert len({passage.text for passage in after.ask("zebra")} & {"zebra a", "zebra new"}) == 1
        after.ingest()
        assert after.held() == whole.held(), folder
        assert after.revisions.live() == whole.revisions.live() == whole.store.documents()


def test_03_what_a_kill_leaves_is_found_only_with_the_text_that_it_stands_in(killed):
    """Each kill between text, vectors and what is noted of them: no passage is an orphan."""
    for folder in killed[1]:
        after = Company(folder)
        documents = after.store.documents()
        found = after.ask("zebra giraffe elephant hippo")
        assert len(found) >= 4
        for passage in found:
            assert documents[passage.document] == passage.fingerprint
            revision = after.revisions.revision(passage.document, passage.fingerprint)
            assert revision is not None
            assert revision.document.text[passage.start : passage.end] == passage.text


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can mount a small disk, on Linux")
@pytest.mark.parametrize("free", [0, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128])
def test_02_a_full_disk_is_told_and_the_old_index_serves(tmp_path, free):
    """With so many kilobytes free, so that another write is the first to fail."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        company = Company(disk)
        for name in "abcde":
            company.write(f"{name}.md", f"zebra {name}")
        company.ingest()
        before = {passage.text for passage in company.ask("zebra")}
        for number in range(20):
            company.write(f"new{number}.md", f"giraffe {number}")
        with (disk / "ballast").open("wb") as ballast:
            ballast.write(b"\0" * (shutil.disk_usage(disk).free - 1024 * free))
        try:
            company.ingest()
            told = ""
        except GroundtuneError as error:
            told = str(error)
        assert not told or "Free some disk space" in told
        assert before <= {passage.text for passage in Company(disk).ask("zebra")}
        (disk / "ballast").unlink()
        company = Company(disk)
        company.ingest()
        assert len(company.store.documents()) == 25
        assert len(company.ask("giraffe", limit=40)) >= 20
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_04_every_answer_during_an_ingestion_is_wholly_old_or_wholly_new(company):
    """At 50 questions a second, with no moment without an answer."""
    parts = ("one", "two", "three")
    company.write("story.md", "\n\n".join(f"# {part}\n\ntiger old {part}" for part in parts))
    company.ingest()
    stop, wrong, asked = threading.Event(), [], []

    def ask_on():
        reader = Company(company.folder)
        while not stop.is_set():
            began = time.perf_counter()
            texts = [passage.text.split("\n")[-1] for passage in reader.ask("tiger") if "tiger" in passage.text]
            ages = {text.split()[1] for text in texts}
            asked.append(began)
            if len(ages) != 1 or len(texts) != len(parts):
                wrong.append(texts)
            time.sleep(max(0.0, 0.02 - (time.perf_counter() - began)))

    thread = threading.Thread(target=ask_on)
    thread.start()
    ends, number = time.monotonic() + 60, 0
    while len(asked) < 30 and time.monotonic() < ends:
        age = "new" if number % 2 == 0 else "old"
        company.write("story.md", "\n\n".join(f"# {part}\n\ntiger {age} {part}" for part in parts))
        company.write(f"other{number}.md", f"lion {number}")
        company.ingest()
        number += 1
    stop.set()
    thread.join()
    assert wrong == []
    assert len(asked) >= 30
    assert number > 2


def test_05_ten_ingestions_of_the_same_at_once_give_one_document(company):
    company.write("a.md", "zebra new")
    company.write("once.md", "giraffe")
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: Company(company.folder).ingest(), range(10)))
    assert [passage.text for passage in company.ask("giraffe") if "giraffe" in passage.text] == ["giraffe"]
    assert len(company.ask("zebra")) == 6
    assert len(company.store.documents()) == 6


def test_06_a_deleted_document_is_never_returned_again(company):
    backup = shutil.copytree(company.folder, company.folder.with_name("backup"))
    (company.documents / "c.md").unlink()
    company.ingest()
    assert "zebra c" not in {passage.text for passage in company.ask("zebra")}
    company.store.optimize()
    shutil.rmtree(company.folder / "store")
    rebuilt = Company(company.folder)
    rebuilt.ingest()
    assert "zebra c" not in {passage.text for passage in rebuilt.ask("zebra")}
    (backup / "documents" / "c.md").unlink()
    restored = Company(backup)
    restored.ingest()
    assert "zebra c" not in {passage.text for passage in restored.ask("zebra")}
