"""Changing what an index of Kendra holds, in steps that can be repeated after any of them.

The new revision is kept, sent, indexed, and made live in the records; then the old one is deleted, which may take
Kendra an hour. Only what is live is ever found, so that nothing depends on when that happens. A revision that comes
back while Kendra is still deleting it is sent under another id: the late deletion would take it away again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from groundtune.errors import StoreError
from groundtune.knowledge.stores._kendra import BATCH, IndexAbout, KendraService, KendraSettings, batches
from groundtune.knowledge.stores._kendra_journal import KendraJournal
from groundtune.knowledge.stores._kendra_requests import document_of, fault_of, first_id, is_findable, later_id
from groundtune.protocols import Revisions
from groundtune.values import Revision

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 20.0  # seconds between two looks at what is being indexed
GENERATIONS = 20  # how often one revision comes back while Kendra deletes earlier copies of it
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KendraWriter:
    """One change, by the only writer."""

    service: KendraService
    revisions: Revisions
    settings: KendraSettings
    journal: KendraJournal

    def replace(self, latest: Mapping[str, Revision], about: IndexAbout) -> dict[str, str]:
        """Make these revisions live; return why some of the documents could not be indexed."""
        reasons = {document: fault for document, revision in latest.items() if (fault := fault_of(revision))}
        taken = {document: revision for document, revision in latest.items() if document not in reasons}
        self.revisions.keep(list(taken.values()))
        findable = {document: revision for document, revision in taken.items() if is_findable(revision)}
        ids, failed = self._indexed(findable, about)
        marks = {document: revision.fingerprint for document, revision in taken.items() if document not in failed}
        self.settle(marks, (), ids)
        return {**reasons, **failed}

    def settle(self, new: Mapping[str, str], gone: Iterable[str], ids: Iterable[str] = ()) -> None:
        """Make the fingerprints `new` live, which Kendra has under `ids`, and `gone` no longer; delete what was."""
        live, out, settled = self.revisions.live(), set(gone), set(ids)
        held = {document: mark for document, mark in live.items() if document not in out} | dict(new)
        old = {
            self.journal.id_of(first_id(document, mark))
            for document, mark in live.items()
            if held.get(document) != mark
        }
        old |= self.journal.of_documents({*new, *out}) - settled
        if old:
            self.journal.retire(sorted(old))
        if held != live:
            self.revisions.settle(held)
        if settled:
            self.journal.settle(sorted(settled))
        self._delete(held)

    def _indexed(self, revisions: Mapping[str, Revision], about: IndexAbout) -> tuple[list[str], dict[str, str]]:
        """Have Kendra index these; return their ids there, and why the others failed, by document."""
        ids, sent, reasons = self._chosen(revisions)
        self.journal.write({id_: document for document, id_ in ids.items()})
        language = self.settings.language
        requests = [document_of(revisions[each], ids[each], about.fields, language) for each in sent]
        refused = {id_: f"Kendra does not take it: {reason}" for id_, reason in self.service.put(requests).items()}
        refused |= self._awaited([id_ for id_ in ids.values() if id_ not in refused])
        reasons |= {document: refused[id_] for document, id_ in ids.items() if id_ in refused}
        return [id_ for id_ in ids.values() if id_ not in refused], reasons

    def _chosen(self, revisions: Mapping[str, Revision]) -> tuple[dict[str, str], list[str], dict[str, str]]:
        """Return the id in Kendra for each document's revision, which of them have to be sent, and faults."""
        live = self.revisions.live()
        firsts = {document: first_id(document, revision.fingerprint) for document, revision in revisions.items()}
        asked = {document: self.journal.id_of(first) for document, first in firsts.items()}
        own = {id_ for document, id_ in asked.items() if live.get(document) == revisions[document].fingerprint}
        own |= set(self.journal.written)
        ids: dict[str, str] = {}
        sent = []
        for number in range(1, GENERATIONS + 1):
            states = self.service.states(list(asked.values()))
            for document, id_ in list(asked.items()):
                # one that is neither live nor on its way is perhaps being deleted
                if states[id_].absent or id_ in own:
                    ids[document] = asked.pop(document)
                    if not states[id_].coming:
                        sent.append(document)
                else:
                    asked[document] = later_id(firsts[document], number)
        return ids, sent, dict.fromkeys(asked, "Kendra is still deleting earlier copies of it. Try again in an hour.")

    def _awaited(self, ids: list[str]) -> dict[str, str]:
        """Wait until these are indexed; return why some are not."""
        waiting, reasons = set(ids), dict[str, str]()
        if not waiting:
            return {}

        def look() -> bool:
            for id_, state in self.service.states(sorted(waiting)).items():
                if state.indexed or state.failed:
                    waiting.discard(id_)
                if state.failed:
                    reasons[id_] = f"Kendra cannot index it: {state.reason or 'no reason was given'}"
            return bool(waiting)

        patiently = Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_delay(self.settings.index_seconds),
            wait=wait_exponential(FIRST_PAUSE, LONGEST_PAUSE),
        )
        try:
            patiently(look)
        except RetryError:
            late = f"Kendra has not indexed it in {self.settings.index_seconds:g} seconds. Run the command again later."
            reasons |= dict.fromkeys(waiting, late)
        return reasons

    def _delete(self, held: Mapping[str, str]) -> None:
        """Have Kendra delete what is retired. What it does not delete stays noted, for the next change."""
        live = {self.journal.id_of(first_id(document, mark)) for document, mark in held.items()}
        kept = [id_ for id_ in self.journal.retired if id_ in live]
        if kept:
            self.journal.restore(kept)
        try:
            for batch in list(batches(self.journal.retired, BATCH)):
                failed = self.service.delete(batch)
                if failed:
                    states = self.service.states(list(failed))
                    failed = {id_: reason for id_, reason in failed.items() if not states[id_].absent}
                self.journal.forget(set(batch) - set(failed))
                if failed:
                    self._tell(next(iter(failed.values())))
        except StoreError as error:
            self._tell(str(error))

    def _tell(self, reason: str) -> None:
        _log.warning(
            "Kendra still has %d old revisions (%s). They are never found, and are deleted with a later change.",
            len(self.journal.retired),
            reason,
        )
