"""What all stores do alike: vectors that fit, what a row becomes, and the revision of what is held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundtune.errors import OtherFilling, StoreError
from groundtune.protocols import Entry, Vectors
from groundtune.values import Chunk, Passage, Place, digest


def checked_vectors(entry: Entry, dimension: int, place: str | Path) -> Vectors:
    """Return the entry's vectors as float32. Raises `StoreError` if they do not fit its chunks and `dimension`."""
    vectors = np.asarray(entry.vectors, dtype=np.float32)
    if vectors.shape != (len(entry.chunks), dimension) and len(entry.chunks):
        raise StoreError(
            f"`{entry.document}` has {len(entry.chunks)} chunks and vectors of shape {vectors.shape}; "
            f"the dimension of the store is {dimension}.",
            place=place,
        )
    if not np.isfinite(vectors).all():
        raise StoreError(f"`{entry.document}` has a vector with values that are not finite.", place=place)
    return vectors


def check_question(vector: Sequence[float], dimension: int, place: str | Path) -> None:
    """Raise `StoreError` if a question's vector has another dimension than the store."""
    if len(vector) != dimension:
        raise StoreError(
            f"the question's vector has {len(vector)} dimensions, but the store has {dimension}.",
            place=place,
            remedy="Embed questions with the embedder that the documents were ingested with.",
        )


Places = tuple[Place, tuple[Place, ...]]
"""Where a chunk stands, and the pages that it stands on."""


def chunk_of(row: Mapping[str, Any], places: Places, metadata: Mapping[str, str]) -> Chunk:
    """Return the chunk in a row."""
    return Chunk(
        document=row["document"],
        place=places[0],
        text=row["text"],
        heading=row["heading"],
        readable_by=tuple(row["readable_by"]),
        metadata=metadata,
        segments=places[1],
    )


def passage_of(row: Mapping[str, Any], places: Places, rank: int, score: float, similarity: float) -> Passage:
    """Return the passage in a row; a cosine that rounding put beyond its bounds is put back."""
    return Passage(
        document=row["document"],
        place=places[0],
        text=row["text"],
        heading=row["heading"],
        rank=rank,
        score=score,
        similarity=float(np.clip(similarity, -1.0, 1.0)),
        segments=places[1],
        fingerprint=row["fingerprint"],
    )


def entries_of(rows: Iterable[tuple[str, Chunk, Sequence[float]]]) -> list[Entry]:
    """Return the entries of (fingerprint of the document, chunk, vector), the chunks of each in order of place."""
    documents: dict[tuple[str, str], list[tuple[Chunk, Sequence[float]]]] = {}
    for fingerprint, chunk, vector in rows:
        documents.setdefault((chunk.document, fingerprint), []).append((chunk, vector))
    entries = []
    for (document, fingerprint), held in documents.items():
        held.sort(key=lambda row: (row[0].start, row[0].end, row[0].id))
        vectors = np.array([vector for _, vector in held], dtype=np.float32)
        entries.append(Entry(document, fingerprint, [chunk for chunk, _ in held], vectors))
    return entries


def without_version(fingerprint: str) -> str:
    """Return what of a fingerprint depends on the document and its chunks alone, whichever version has read it."""
    return fingerprint.rpartition(":")[2]


def revision_of(embedder: str, documents: Mapping[str, str]) -> str:
    """Return the revision of a store that holds `documents` (id to fingerprint), whatever its kind and its history."""
    held = (part for id_, mark in sorted(documents.items()) for part in (id_, without_version(mark)))
    return digest(embedder, *held)[:16]


def check_filling(held: Mapping[str, str], wanted: Mapping[str, str], place: str | Path, emptied: str) -> None:
    """Raise `OtherFilling` if a store was filled otherwise than `wanted`; `emptied` says how it is emptied."""
    key = next((key for key in wanted if held.get(key) != wanted[key]), None)
    if key is None:
        return
    raise OtherFilling(
        f"this store was filled with {key} {held.get(key, '')!r}, but the current one is {wanted[key]!r}; "
        "their vectors must not be mixed.",
        held=held,
        place=place,
        remedy="Run `groundtune knowledge rebuild`, which builds another index beside this one, or restore the earlier "
        f"[embedding]. Or, if nobody needs this one: {emptied} and run `groundtune ingest` again.",
    )
