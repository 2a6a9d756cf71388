"""Sources: documents that are elsewhere, chosen by `[knowledge] sources`; one file a kind of source.

A source says what it has and fetches it. `mirror.py` keeps copies, and ingestion reads those as it reads a folder.
Know no store, no model and no format of documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from groundtune import plugins
from groundtune.errors import FetchFailed
from groundtune.settings import KnowledgeSettings


class NotThere(FetchFailed):
    """What a source had is not there any more."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A document at a source; its id is its whole address, as in "s3://company/plans/brook.pdf".

    `mark` changes with its content; "" if only fetching tells. `name` ends as its kind does; "" if only fetching tells.
    `size` is in bytes, 0 if it is not known.
    """

    document: str
    mark: str = ""
    name: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class SourceListing:
    """All that a source has, and (address, reason) of what in it is no document; each reason is one of few."""

    remotes: tuple[Remote, ...]
    ignored: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """What was fetched: a file name with the suffix of its kind, its bytes, and what the next fetch may ask with."""

    name: str
    pieces: Iterable[bytes]
    known: Mapping[str, str] = field(default_factory=dict)


class DocumentSource(Protocol):
    """Where documents are. The ids of all its documents begin with one of `beginnings`."""

    beginnings: tuple[str, ...]

    def listing(self) -> SourceListing:
        """Return all that it has. Raises `FetchFailed` rather than leave out what it could not see."""
        ...

    def fetch(self, remote: Remote, known: Mapping[str, str]) -> Content | None:
        """Return a document as it is now; None if it is as it was when it gave `known`.

        Raises `NotThere` if it is gone, `UnreadableDocument` for what no reader reads, `NotReached` if the source does
        not answer, else `FetchFailed`.
        """
        ...


def open_source(url: str, settings: KnowledgeSettings) -> DocumentSource:
    """Return the source at `url`; nothing is asked of it yet.

    `settings` holds the tables that sources declare: `settings.part("acme", AcmeSettings)` is `[knowledge.acme]`.
    Raises `SettingsError` for an address that nobody knows, or of a wrong form.
    """
    return cast("DocumentSource", plugins.first("sources", url, url, settings))
