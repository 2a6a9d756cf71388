"""Contract of knowledge stores that several handles read and change at the same time: a part of `StoreContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from groundtune.protocols import KnowledgeStore
from groundtune.testing.at_once import look_while_writing
from groundtune.testing.entries import ask, documents_of, entry


class AtOnceContract:
    """Every knowledge store passes these tests. Override `open`."""

    def open(self, folder: Path) -> KnowledgeStore:
        """Return a handle on the store in `folder`, which is empty at the first call of a test."""
        raise NotImplementedError

    def test_writers_at_the_same_time_lose_nothing(self, tmp_path: Path) -> None:
        """Several handles, opened at once on a store that is not made yet, write at once, also the same document."""

        def write(writer: int) -> None:
            store = self.open(tmp_path)
            for number in range(3):
                own = entry(f"{writer}-{number}.md", [f"zebra {writer} {number}"])
                store.replace([own, entry("same.md", [f"zebra of {writer}"])])
            store.optimize()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, range(4)))
        store = self.open(tmp_path)
        assert len(store.documents()) == 13
        assert len(ask(store, "zebra", limit=50)) == 13

    def test_a_search_sees_a_document_before_or_after_a_change(self, tmp_path: Path) -> None:
        """Never a part of each, and never none, while another handle writes."""
        writer, reader = self.open(tmp_path), self.open(tmp_path)
        versions = [entry("a.md", [f"zebra {age} one", f"zebra {age} two"]) for age in ("old", "new")]
        writer.replace([versions[0]])

        def look() -> None:
            found = [passage.text.split() for passage in ask(reader, "zebra old new")]
            assert sorted(words[2] for words in found) == ["one", "two"]
            assert len({words[1] for words in found}) == 1

        look_while_writing(lambda number: writer.replace([versions[number % 2]]), look, changes=8)

    def test_erasing_changes_nothing_that_is_found(self, tmp_path: Path) -> None:
        """What was removed is erased while others search, and what is held is found as before."""
        writer, reader = self.open(tmp_path), self.open(tmp_path)
        writer.replace([entry(f"{number}.md", [f"a zebra {number}"]) for number in range(6)])
        writer.remove(["0.md"])
        revision = writer.revision()

        def erase() -> None:
            for _ in range(3):
                writer.optimize(erase=True)

        with ThreadPoolExecutor(1) as pool:
            erasing = pool.submit(erase)
            searches = 0
            while not erasing.done() or not searches:
                assert documents_of(ask(reader, "zebra")) == {f"{number}.md" for number in range(1, 6)}
                searches += 1
            erasing.result()
        assert documents_of(ask(reader, "zebra")) == {f"{number}.md" for number in range(1, 6)}
        assert reader.revision() == revision
