"""Moving a knowledge base: all of it, resumable, and never a target that is not the same."""

from dataclasses import replace

import pytest

from groundtune.errors import StoreError
from groundtune.knowledge import migrate as module
from groundtune.knowledge.migrate import Migration, migrate
from groundtune.knowledge.stores.lancedb import LanceDBStore
from groundtune.testing.entries import EMBEDDER, ask, entry


@pytest.fixture
def stores(tmp_path):
    return [LanceDBStore(tmp_path / name, EMBEDDER.signature, EMBEDDER.dimension) for name in ("one", "other")]


@pytest.fixture
def filled(stores):
    stores[0].replace([entry(f"{number}.md", [f"zebra {number}", "lion"]) for number in range(10)])
    return stores


def test_all_of_it_is_copied_and_compared(filled):
    done = migrate(*filled)
    assert done == Migration(10, 10, 20, filled[0].revision())
    assert ask(filled[1], "zebra 3", limit=20) == ask(filled[0], "zebra 3", limit=20)
    assert migrate(*filled).copied == 0


def test_a_migration_that_was_killed_goes_on(filled, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 3)

    class Killed(BaseException):
        pass

    def kill(stage, done, total):
        if (stage, done) == ("migrate", 6):
            raise Killed

    with pytest.raises(Killed):
        migrate(*filled, kill)
    assert len(filled[0].documents()) == 10
    assert 0 < len(filled[1].documents()) < 10
    assert migrate(*filled).copied == 4
    assert filled[1].documents() == filled[0].documents()


def test_what_changed_in_the_source_is_copied_again(filled):
    migrate(*filled)
    filled[0].replace([entry("3.md", ["giraffe"])])
    assert migrate(*filled).copied == 1
    assert ask(filled[1], "giraffe", limit=1)[0].text == "giraffe"


def test_a_target_with_other_documents_is_left_alone(filled):
    filled[1].replace([entry("other.md", ["zebra"])])
    with pytest.raises(StoreError, match=r"holds 1 documents.*`other\.md`.*Migrate into an empty store"):
        migrate(*filled)
    assert list(filled[1].documents()) == ["other.md"]


@pytest.mark.parametrize("damage", ["vectors", "chunks"])
def test_a_difference_is_told(filled, damage):
    migrate(*filled)
    (held,) = filled[1].entries(["3.md"])
    spoilt = (
        replace(held, vectors=-held.vectors)
        if damage == "vectors"
        else replace(held, chunks=[replace(held.chunks[0], text="zebra 4"), held.chunks[1]])
    )
    filled[1].replace([spoilt])  # under the fingerprint of the sound one
    with pytest.raises(StoreError, match=r"`3\.md` is not the same in both stores"):
        migrate(*filled)


def test_an_empty_source(stores):
    assert migrate(*stores).documents == 0
