"""What LanceDB's store does when LanceDB refuses."""

import pytest

from groundtune.errors import StoreError
from groundtune.knowledge.stores.lancedb import LanceDBStore


@pytest.fixture
def store(tmp_path):
    return LanceDBStore(tmp_path / "knowledge", "embedder", 4)


def failing(store, monkeypatch, *messages):
    """Make the next attempts to tidy up fail with these messages; return the list that counts attempts."""
    attempts = []
    real = store._table

    class Table:
        def __getattr__(self, name):
            return getattr(real, name)

        def optimize(self, **settings):
            attempts.append(settings)
            if len(attempts) <= len(messages):
                raise RuntimeError(messages[len(attempts) - 1])
            return real.optimize(**settings)

    monkeypatch.setattr(store, "_table", Table())
    return attempts


def test_tidying_up_waits_for_another_writer(store, monkeypatch):
    attempts = failing(store, monkeypatch, "Commit Conflict\nfor version 7", "retryable commit conflict")
    store.optimize()
    assert len(attempts) == 3


def test_other_troubles_are_told_at_once(store, monkeypatch):
    attempts = failing(store, monkeypatch, "disk full")
    with pytest.raises(
        StoreError,
        match=r"cannot write to the store: disk full\. Free some disk space, then run `groundtune ingest` again",
    ):
        store.optimize()
    assert len(attempts) == 1
