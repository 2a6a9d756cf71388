"""Documents as they were read, kept in memory: for tests of what stands on `groundtune.protocols.Revisions`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from groundtune.values import Revision


class MemoryRevisions:
    """A `Revisions`. `events` are the calls that changed something, in order, as ("keep" or "settle", documents).

    What is settled must have been kept: anything else is a fault of whoever settles, and raises `ValueError`.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[str, ...]]] = []
        self._kept: dict[tuple[str, str], Revision] = {}
        self._live: dict[str, str] = {}
        self._lock = threading.Lock()

    def keep(self, revisions: Sequence[Revision]) -> None:
        """Keep these."""
        with self._lock:
            self._kept |= {(revision.document.id, revision.fingerprint): revision for revision in revisions}
            self.events.append(("keep", tuple(revision.document.id for revision in revisions)))

    def lacking(self, held: Mapping[str, str]) -> set[str]:
        """Return those of the documents (id to fingerprint) whose text is not kept."""
        with self._lock:
            return {document for document, mark in held.items() if (document, mark) not in self._kept}

    def settle(self, held: Mapping[str, str]) -> None:
        """Note which revisions are live."""
        with self._lock:
            unknown = [document for document, mark in held.items() if (document, mark) not in self._kept]
            if unknown:
                raise ValueError(f"settled before it was kept: {unknown}")
            self._live = dict(held)
            self.events.append(("settle", tuple(sorted(held))))

    def live(self) -> dict[str, str]:
        """Return the fingerprint of every document's live revision."""
        with self._lock:
            return dict(self._live)

    def revision(self, document: str, fingerprint: str) -> Revision | None:
        """Return a document as it was read."""
        with self._lock:
            return self._kept.get((document, fingerprint))
