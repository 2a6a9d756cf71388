"""Moving a knowledge base from one store to another, and comparing both afterwards, vector by vector.

Nothing is embedded again. What is there already is not copied again: a migration that was killed goes on. The source
stays as it is. Knows no store by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from groundtune.errors import StoreError
from groundtune.protocols import Entry, KnowledgeStore, Progress, silent

BATCH = 64  # documents in one commit of the target
_CLOSE = 1e-6  # vectors may come back with other last digits


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did: `copied` of the `documents` were not there yet; all `chunks` were compared. `spaces` says
    how many documents those of pictures and recordings hold, which were copied and compared, too."""

    documents: int
    copied: int
    chunks: int
    revision: str
    spaces: Mapping[str, int] = field(default_factory=dict)


def migrate(source: KnowledgeStore, target: KnowledgeStore, progress: Progress = silent) -> Migration:
    """Copy all documents of `source` into `target`, and make sure that both hold the same.

    Raises `StoreError` if `target` holds other documents, or if the stores differ afterwards.
    """
    wanted, there = source.documents(), target.documents()
    others = sorted(there.keys() - wanted.keys())
    if others:
        raise StoreError(
            f"the target holds {len(others)} documents that the source does not, the first is `{others[0]}`.",
            remedy="Migrate into an empty store.",
        )
    lacking = sorted(document for document, fingerprint in wanted.items() if there.get(document) != fingerprint)
    for number, batch in enumerate(_batches(lacking)):
        progress("migrate", number * BATCH, len(lacking))
        target.replace(source.entries(batch))
    if lacking:
        progress("migrate", len(lacking), len(lacking))
        target.optimize()
    chunks = _compared(source, target, sorted(wanted), progress)
    if source.revision() != target.revision():
        raise StoreError("the source changed during the migration.", remedy="Run the migration again.")
    return Migration(len(wanted), len(lacking), chunks, target.revision())


def _compared(source: KnowledgeStore, target: KnowledgeStore, documents: Sequence[str], progress: Progress) -> int:
    """Return how many chunks there are. Raises `StoreError` where the stores differ."""
    chunks = 0
    for number, batch in enumerate(_batches(documents)):
        progress("compare", number * BATCH, len(documents))
        before, after = ({entry.document: entry for entry in store.entries(batch)} for store in (source, target))
        for document in batch:
            if document not in before or document not in after or not _equal(before[document], after[document]):
                raise StoreError(
                    f"`{document}` is not the same in both stores.",
                    remedy="Run the migration again. If that does not help, ingest into an empty store.",
                )
            chunks += len(before[document].chunks)
    progress("compare", len(documents), len(documents))
    return chunks


def _equal(one: Entry, other: Entry) -> bool:
    return (
        (one.fingerprint, list(one.chunks)) == (other.fingerprint, list(other.chunks))
        and np.shape(one.vectors) == np.shape(other.vectors)
        and np.allclose(one.vectors, other.vectors, rtol=0, atol=_CLOSE)
    )


def _batches(documents: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(documents), BATCH):
        yield documents[start : start + BATCH]
