"""Documents for tests of stores, and asking for them. Vectors are those of `HashingEmbedder(64)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundtune.protocols import Entry, KnowledgeStore
from groundtune.testing.embedders import HashingEmbedder
from groundtune.values import EVERYONE, LEGS, Chunk, Document, Leg, Passage, Place, Query

EMBEDDER = HashingEmbedder(64)


def entry(
    document: str,
    texts: Sequence[str],
    readable_by: Sequence[str] = EVERYONE,
    metadata: Mapping[str, str] | None = None,
    heading: str = "",
) -> Entry:
    """Return a document made of one chunk a text."""
    whole = Document(document, "\n\n".join(texts), document, tuple(readable_by), metadata or {})
    chunks, start = [], 0
    for text in texts:
        place = Place(start, start + len(text))
        chunks.append(Chunk(document, place, text, heading, whole.readable_by, metadata=whole.metadata))
        start += len(text) + 2
    return Entry.of(whole, chunks, EMBEDDER.embed([f"{heading}\n{text}" for text in texts], "document"))


def ask(
    store: KnowledgeStore,
    text: str,
    principals: Sequence[str] = EVERYONE,
    limit: int = 10,
    where: Mapping[str, str] | None = None,
    legs: tuple[Leg, ...] = LEGS,
    without: Mapping[str, str] | None = None,
) -> list[Passage]:
    """Search with the vector that `EMBEDDER` gives to `text`."""
    vector = tuple(map(float, EMBEDDER.embed([text], "query")[0]))
    return store.search(Query(text, vector, limit, tuple(principals), where or {}, legs=legs, without=without or {}))


def documents_of(passages: Sequence[Passage]) -> set[str]:
    """Return the ids of the documents that the passages are from."""
    return {passage.document for passage in passages}
