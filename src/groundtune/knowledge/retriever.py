"""The seam for services that cut, embed and rank documents by themselves: no vectors and no chunks of ours.

It stands here and not in `protocols.py`, whose 400 lines are taken. Its contract test is
`groundtune.testing.retrievers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from groundtune.errors import StoreError
from groundtune.values import Passage, Revision, Search


class NotIndexed(StoreError):
    """Some documents were not taken by a service: `failed` has (document, reason) of each. All others are live."""

    failed: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Retriever(Protocol):
    """Holds documents as they were read, and finds passages in them.

    A passage's text is its document's text at its place, word for word, of the revision that `fingerprint` names. An
    excerpt that is not found there has `UNKNOWN_PLACE`. The score is 1 / rank: it tells the order and nothing more.
    """

    def replace(self, revisions: Sequence[Revision]) -> None:
        """Make these the live revisions of their documents: they are found from now on, and no earlier one.

        The last one of a document counts. One without text, or that nobody may read, is held and never found. Raises
        `NotIndexed` if the service does not take some: those documents stay as they were. Raises `StoreError`.
        """
        ...

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget these documents; unknown ids are ignored. They are not found from the next search on."""
        ...

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document's live revision, by document id."""
        ...

    def is_empty(self) -> bool:
        """Return whether no document is held."""
        ...

    def revision(self) -> str:
        """Changes with every change of what is held, and only then: equal content, equal revision."""
        ...

    def retrieve(self, searches: Sequence[Search], limit: int) -> list[list[Passage]]:
        """Return at most `limit` passages for each search, best first, in order of the searches.

        Only of documents that the search's own asker may read and whose metadata equals all of `where`: nobody asks
        without a principal. Raises `StoreError`.
        """
        ...
