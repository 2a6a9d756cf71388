"""From Kendra's hits to passages: only those that count, each in the text that it was cut from.

A hit counts if it is of a document's live revision, if the asker may read that, and if its metadata is what was asked
for, whatever Kendra has filtered before. Knows no connection.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from groundtune.knowledge.stores._excerpts import span_of
from groundtune.knowledge.stores._kendra_requests import OURS, first_of
from groundtune.protocols import Revisions
from groundtune.values import UNKNOWN_PLACE, Passage, Revision, Search, located, segments_between

Live = Mapping[str, tuple[str, str]]
"""Document and fingerprint of each live revision, by its first id in Kendra."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class KendraHits:
    """The hits of one search, best first. `live` is what was live before it, `newer` after it, if that was read."""

    revisions: Revisions
    search: Search
    live: Live
    newer: Live = field(default_factory=dict)
    _hits: list[tuple[str, str]] = field(default_factory=list)
    _made: dict[tuple[tuple[str, str], str], Passage | None] = field(default_factory=dict)
    _read: dict[tuple[str, str], Revision | None] = field(default_factory=dict)

    def add(self, hits: Iterable[tuple[str, str]]) -> None:
        """Add hits, worse than all before: id in Kendra, and excerpt."""
        self._hits += [(first_of(id_), excerpt) for id_, excerpt in hits]

    def is_news(self, id_: str) -> bool:
        """Tell whether this may be of a revision that became live during the search."""
        return id_.startswith(OURS) and first_of(id_) not in self.live and first_of(id_) not in self.newer

    def renew(self, live: Live) -> None:
        """Note what is live now."""
        self.newer = live

    def passages(self) -> list[Passage]:
        """Return the hits that count as passages, each once.

        A document that changed during the search is shown as it was before, or, once a hit of the new revision is
        there, as it is now; never as both.
        """
        changed = {self.newer[id_][0] for id_, _ in self._hits if id_ in self.newer and id_ not in self.live}
        kept: dict[tuple[str, object, str], Passage] = {}
        for id_, excerpt in self._hits:
            named = self.newer.get(id_) or self.live.get(id_)
            if named is None or (named[0] in changed and id_ not in self.newer):
                continue
            passage = self._passage(named, excerpt)
            if passage is not None:
                kept.setdefault((passage.document, passage.place, passage.text), passage)
        return [replace(passage, rank=rank, score=1 / rank) for rank, passage in enumerate(kept.values(), start=1)]

    def _passage(self, named: tuple[str, str], excerpt: str) -> Passage | None:
        key = (named, excerpt)
        if key not in self._made:
            revision = self._revision(named)
            self._made[key] = _passage_of(revision, excerpt) if revision and self._counts(revision) else None
        return self._made[key]

    def _revision(self, named: tuple[str, str]) -> Revision | None:
        if named not in self._read:
            self._read[named] = self.revisions.revision(*named)
            if self._read[named] is None:
                _log.warning("`%s` is not shown: the text of its live revision is not kept.", named[0])
        return self._read[named]

    def _counts(self, revision: Revision) -> bool:
        document = revision.document
        readable = {principal for principal in document.readable_by if principal} & set(self.search.asker)
        asked, said = self.search, document.metadata.items()
        return bool(readable) and asked.where.items() <= said and asked.without.items().isdisjoint(said)


def _passage_of(revision: Revision, excerpt: str) -> Passage | None:
    document = revision.document
    span = span_of(excerpt, document.text)
    passage = Passage(
        document.id, UNKNOWN_PLACE, excerpt.strip(), document.title, rank=1, score=1.0, fingerprint=revision.fingerprint
    )
    if span is None:
        return passage if passage.text else None
    return replace(
        passage,
        place=located(*span, revision.segments),
        text=document.text[slice(*span)],
        segments=segments_between(*span, revision.segments),
    )
