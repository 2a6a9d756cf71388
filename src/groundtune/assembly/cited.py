"""What a citation was taken from, and what became of it since. Opens nothing: it asks the revisions that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from groundtune.records.documents import KeptRevisions
from groundtune.values import Revision

SourceState = Literal["live", "earlier", "withdrawn", "not kept", "not readable"]
SAID_OF_SOURCE: Mapping[SourceState, str] = {
    "live": "The document still says this.",
    "earlier": "The document has changed, or is gone, since this was cited.",
    "withdrawn": "The source was withdrawn: its text was erased on request.",
    "not kept": "The text of this revision is not kept. `[knowledge] keep_revisions` says how many are.",
    "not readable": "The asker may not read this document.",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What a citation was taken from: the document as it was then, or None with the reason in `state`."""

    state: SourceState
    revision: Revision | None


def cited(revisions: KeptRevisions, document: str, fingerprint: str, asker: Sequence[str]) -> Source:
    """Return the text that a citation with this fingerprint was taken from, as far as it is kept.

    An asker who may not read the document as it is now, or as it was, gets no text.
    """
    revision = revisions.revision(document, fingerprint)
    if revision is None:
        return Source("withdrawn" if revisions.withdrawn(document, fingerprint) else "not kept", None)
    now = revisions.live().get(document)
    latest = revision if now in (None, fingerprint) else revisions.revision(document, str(now)) or revision
    if any(not set(asker) & set(each.document.readable_by) for each in (revision, latest)):
        return Source("not readable", None)
    same = now is not None and latest.document.text == revision.document.text  # it may be split otherwise now
    return Source("live" if same else "earlier", revision)
