"""An index of Amazon Kendra as a retriever.

Kendra cuts, embeds and ranks documents by itself, so that this is no `KnowledgeStore`. It changes in steps, deletes
late and gives no scores; what is live is therefore known from the records. Every hit is checked against them: that it
is of the live revision, that the asker may read that, and that its metadata is what was asked for. Its excerpt is then
looked for in the text that was sent. `_kendra_writing.py` says how documents change.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from groundtune.errors import StoreError
from groundtune.knowledge.retriever import NotIndexed
from groundtune.knowledge.stores._checks import revision_of
from groundtune.knowledge.stores._kendra import (
    MOST_RESULTS,
    IndexAbout,
    KendraService,
    KendraSettings,
)
from groundtune.knowledge.stores._kendra_hits import KendraHits, Live
from groundtune.knowledge.stores._kendra_journal import KendraJournal
from groundtune.knowledge.stores._kendra_requests import (
    MOST_GROUPS,
    QUESTION_WORDS,
    filters_of,
    first_id,
    groups_of,
    question_of,
)
from groundtune.knowledge.stores._kendra_writing import KendraWriter
from groundtune.protocols import Revisions
from groundtune.values import Passage, Revision, Search

FILTERING = ("ENTERPRISE_EDITION", "DEVELOPER_EDITION")  # editions that filter by the groups of whoever asks
LEAST_PAGE = 10  # results asked for at once
MOST_TOLD = 10  # documents that an error names
_log = logging.getLogger(__name__)


class KendraIndex:
    """A `Retriever`. `revisions` are those of this index and of nothing else; `journal` is a file for the writer."""

    def __init__(self, service: KendraService, revisions: Revisions, journal: Path, settings: KendraSettings) -> None:
        self._service, self._revisions, self._journal, self._settings = service, revisions, journal, settings
        self._known: IndexAbout | None = None
        self._listed: tuple[dict[str, str], Live] = {}, {}
        self._told_of_cutting = False

    def replace(self, revisions: Sequence[Revision]) -> None:
        """Make these the live revisions of their documents. Raises `NotIndexed` for those that Kendra does not take."""
        latest = {revision.document.id: revision for revision in revisions}
        if not latest:
            return
        about = self._about()
        with self._writing() as journal:
            failed = KendraWriter(self._service, self._revisions, self._settings, journal).replace(latest, about)
        if failed:
            shown = " ".join(f"`{document}`: {reason}" for document, reason in list(failed.items())[:MOST_TOLD])
            message = f"{len(failed)} of {len(latest)} documents were not indexed. {shown}"
            error = NotIndexed(message, place=self._service.place)
            error.failed = tuple(failed.items())
            raise error

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget these documents; unknown ids are ignored. Deletions that failed earlier are tried again."""
        with self._writing() as journal:
            KendraWriter(self._service, self._revisions, self._settings, journal).settle({}, document_ids)

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document's live revision, by document id."""
        return self._revisions.live()

    def is_empty(self) -> bool:
        """Return whether no document is held."""
        return not self._revisions.live()

    def revision(self) -> str:
        """Return a hash of the documents held and of the index: independent of history."""
        return revision_of(self._service.place, self._revisions.live())

    def retrieve(self, searches: Sequence[Search], limit: int) -> list[list[Passage]]:
        """Return at most `limit` passages for each search, best first, of what its own asker may read."""
        return [self._retrieved(search, limit) for search in searches]

    # --- inside -----------------------------------------------------------------------------------

    def _writing(self) -> AbstractContextManager[KendraJournal]:
        return KendraJournal.writing(self._journal, self._settings.index_seconds, self._service.place)

    def _about(self) -> IndexAbout:
        """Look at the index, once. Raises `StoreError` if nobody would keep to access lists."""
        if self._known is None:
            about = self._service.about()
            self._check(about)
            self._known = about
        return self._known

    def _check(self, about: IndexAbout) -> None:
        if self._settings.access == "kendra" and about.edition not in FILTERING:
            edition = about.edition or "of an unknown edition"
            raise self._service.failure(
                f"cannot keep to access lists here: the index is {edition}, which does not filter by groups.",
                "Use an index of the Enterprise or Developer Edition. If nobody but groundtune may search this one, "
                'set [store.kendra] access = "here": groundtune then checks each hit itself.',
            )
        if about.policy != "ATTRIBUTE_FILTER":
            raise self._service.failure(
                f"does not take groups: the index's policy of user context is {about.policy}.",
                "Turn token-based access control off for the index, so that the policy is ATTRIBUTE_FILTER.",
            )

    def _retrieved(self, search: Search, limit: int) -> list[Passage]:
        groups = groups_of(search.asker)
        text, left_out = question_of(search.text)
        if len(groups) > MOST_GROUPS:
            raise StoreError(
                f"the asker has {len(groups):,} principals, and Kendra takes {MOST_GROUPS:,}.",
                place=self._service.place,
                remedy="Ask with fewer: only those that access lists name count.",
            )
        if not groups or not text or limit < 1:
            return []
        about = self._about()
        if left_out:
            self._tell_of_cutting(left_out)
        asked = {"QueryText": text}
        user = {"UserContext": {"Groups": groups}} if self._settings.access == "kendra" else {}
        size = max(LEAST_PAGE, min(MOST_RESULTS, 2 * limit))
        hits = KendraHits(self._revisions, search, self._live())
        for filtering in filters_of(search.where, about.fields, self._settings.language):
            for page in self._service.pages(size, {**asked, **user, **filtering}):
                hits.add((item["DocumentId"], item.get("Content", "")) for item in page)
                if any(hits.is_news(item["DocumentId"]) for item in page):
                    hits.renew(self._live())
                passages = hits.passages()
                if len(passages) >= limit:
                    return passages[:limit]
        return hits.passages()

    def _live(self) -> Live:
        live = self._revisions.live()
        if live != self._listed[0]:
            self._listed = live, {first_id(document, mark): (document, mark) for document, mark in live.items()}
        return self._listed[1]

    def _tell_of_cutting(self, left_out: int) -> None:
        if not self._told_of_cutting:
            self._told_of_cutting = True
            _log.info(
                "Kendra reads %d words of a question: the last %d are not asked. This is said once.",
                QUESTION_WORDS,
                left_out,
            )
