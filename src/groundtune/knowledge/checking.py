"""Checking an index before it is used: does it find what was put into it, by vectors that the embedder still gives?

Knows no store and no model by name.
"""

from __future__ import annotations

import numpy as np

from groundtune.errors import StoreError
from groundtune.knowledge.embedding import embedded_text
from groundtune.protocols import Embedder, Entry, KnowledgeStore
from groundtune.values import Query

_SAMPLE = 50  # documents of which one chunk is looked for
_LIMIT = 10  # passages among which it must be
_LEAST_FOUND = 0.95  # an approximate index misses some
_LEAST_ALIKE = 0.999  # cosine of a vector that is held and of one that is made now: batches round differently


def check_index(store: KnowledgeStore, embedder: Embedder) -> int:
    """Return of how many documents a chunk was looked for and found, spread over the whole index.

    Raises `StoreError` if vectors are not those of `embedder`, or if chunks are not found by their own words and
    vectors.
    """
    documents = sorted(store.documents())
    entries = store.entries(documents[:: max(1, len(documents) // _SAMPLE)])
    _check_vectors(entries, embedder)
    asked = [(entry, len(entry.chunks) // 2) for entry in entries if entry.chunks[0].readable_by]
    missed = [entry.document for entry, place in asked if not _finds(store, entry, place)]
    if len(missed) > (1 - _LEAST_FOUND) * len(asked):
        raise StoreError(
            f"the new index does not find what is in it: of {len(asked)} chunks {len(missed)} are missing from the "
            f"first {_LIMIT} passages of a search with their own words. The first is in `{missed[0]}`.",
            remedy="The index of before is used on. Check the store, then run the command again.",
        )
    return len(asked)


def _check_vectors(entries: list[Entry], embedder: Embedder) -> None:
    pairs = [(entry, len(entry.chunks) // 2) for entry in entries]
    again = embedder.embed([embedded_text(entry.chunks[place]) for entry, place in pairs], "document")
    for (entry, place), vector in zip(pairs, again, strict=True):
        alike = float(np.asarray(entry.vectors[place], dtype=np.float32) @ vector)
        if vector.any() and not alike >= _LEAST_ALIKE:
            raise StoreError(
                f"the embedder does not give the vectors that are in the new index: in `{entry.document}` the cosine "
                f"is {alike:.3f}.",
                remedy="The index of before is used on. Check [embedding], then run the command again.",
            )


def _finds(store: KnowledgeStore, entry: Entry, place: int) -> bool:
    chunk = entry.chunks[place]
    vector = tuple(map(float, entry.vectors[place]))
    passages = store.search(Query(chunk.text, vector, _LIMIT, chunk.readable_by))
    return any(passage.text == chunk.text for passage in passages)
