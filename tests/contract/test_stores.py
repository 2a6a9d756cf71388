from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundtune.errors import SettingsError, StoreError
from groundtune.knowledge.stores import open_store
from groundtune.protocols import KnowledgeStore
from groundtune.testing.embedders import HashingEmbedder
from groundtune.testing.stores import EMBEDDER, StoreContract, ask, entry
from groundtune.values import Query


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

    def test_writers_at_the_same_time_lose_nothing(self, tmp_path: Path) -> None:
        self.open(tmp_path)

        def write(writer: int) -> None:
            store = self.open(tmp_path)
            for number in range(4):
                store.replace([entry(f"{writer}-{number}.md", [f"zebra {writer} {number}"])])
            store.optimize()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        store = self.open(tmp_path)
        assert len(store.documents()) == 16
        assert len(ask(store, "zebra", limit=50)) == 16

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

    def test_a_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "knowledge").write_text("x")
        with pytest.raises(StoreError, match="knowledge"):
            self.open(tmp_path)


def test_an_unknown_store(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mongodb"):
        open_store("mongodb://localhost", tmp_path, EMBEDDER)
