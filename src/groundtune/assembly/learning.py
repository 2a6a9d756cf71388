"""Learning from conversations: proposals are made, reviewed, and become documents that can be taken back.

The records decide and the folder follows: what is decided is written there first, and `settle` makes documents and
store follow, so that a crash anywhere is made good by the next call of anything here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Protocol

from groundtune.agents.enrichment import EnrichmentAgent, EnrichmentTools, NotProposed, readers_of, visible
from groundtune.assembly.learned import name_of, remove_entry, write_entry
from groundtune.assembly.locked import only_writer
from groundtune.assembly.parts import ProjectParts
from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import CaseLine
from groundtune.evaluation.benchmark.drafting.drafts import Shelf
from groundtune.evaluation.benchmark.review import CaseFiles
from groundtune.files import within
from groundtune.protocols import ChatModel
from groundtune.records import Records
from groundtune.records.conversations import KeptConversations, TalkRecord
from groundtune.records.proposals import KeptProposals, Proposal, ProposalRecord, ProposalState
from groundtune.tuning.quality.check import Surroundings
from groundtune.tuning.quality.personal.names import missing
from groundtune.tuning.quality.personal_data import redactor
from groundtune.values import EVERYONE, Passage, Search

_log = logging.getLogger(__name__)
_NEAREST = 5  # passages that a statement is compared with


class LearningParts(ProjectParts, Protocol):
    """The parts of a project that learning needs. The project's `Assembly` is one."""

    @property
    def state(self) -> Path: ...  # noqa: D102

    @property
    def records(self) -> Records: ...  # noqa: D102

    def chat_model(self) -> ChatModel: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What looking through `conversations` gave: `proposals`, draft `cases` for the benchmark, and what was `left_out`.

    `expired` proposals were erased unread or undecided, as older than `[enrichment] retention_days`.
    """

    conversations: int
    proposals: tuple[Proposal, ...]
    cases: tuple[str, ...]
    left_out: tuple[NotProposed, ...]
    expired: int


class Learning:
    """Proposals of a project, and what became of them."""

    def __init__(self, parts: LearningParts) -> None:
        self._parts = parts

    @property
    def conversations(self) -> KeptConversations:
        """Where conversations are kept by whoever holds them with users."""
        return self._parts.records.conversations()

    def propose(self) -> Enrichment:
        """Look through the conversations that ended and were not looked through before, each of them once.

        Only those whose user consented, and that ended within `[enrichment] retention_days`.
        """
        with self._alone():
            self.settle()
            parts, kept = self._parts, self._kept
            expired, talks = kept.purge(self._since()), self._untaken()
            if not talks:
                return Enrichment(0, (), (), (), expired)
            tell_of_names()
            agent, shelf, earlier = EnrichmentAgent(self._tools()), self._shelf(), kept.records()
            made: list[Proposal] = []
            cases: list[str] = []
            left_out: list[NotProposed] = []
            for number, talk in enumerate(talks):
                parts.progress("looking through conversations", number, len(talks))
                looked = agent.look(talk, earlier)
                cases += _draft(looked.proposals, talk.asker, shelf)
                if kept.take(talk.id, looked.proposals):
                    earlier += [ProposalRecord(proposal, "quarantined", kept.clock()) for proposal in looked.proposals]
                    made += looked.proposals
                    left_out += looked.left_out
            parts.progress("looking through conversations", len(talks), len(talks))
        return Enrichment(len(talks), tuple(made), tuple(cases), tuple(left_out), expired)

    def looking(self) -> Callable[[str], tuple[NotProposed, ...]]:
        """Return what looks through a conversation, unless that was done or is not to be: `propose` for one of them. It
        returns what was left out. Documents, and who may read them, are read once for each revision of the knowledge.
        """
        agent_at = lru_cache(1)(lambda _revision: EnrichmentAgent(self._tools()))

        def look(conversation: str) -> tuple[NotProposed, ...]:
            with self._alone():
                self.settle()
                for talk in self._untaken(conversation):
                    looked = agent_at(self._parts.knowledge.revision()).look(talk, self._kept.records())
                    _draft(looked.proposals, talk.asker, self._shelf())
                    return looked.left_out if self._kept.take(talk.id, looked.proposals) else ()
            return ()

        return look

    @property
    def rewords(self) -> bool:
        """Whether the chat model puts statements into other words, as `[enrichment] reword` says."""
        settings = self._parts.settings
        way = settings.enrichment.reword
        return way == "model" or (way == "auto" and not settings.model.name.startswith("builtin:"))

    def proposals(self, states: Sequence[ProposalState] = ("quarantined",)) -> list[ProposalRecord]:
        """Return the proposals in these states, oldest first; for a reviewer only."""
        records, readers = self._kept.records(states), self._readers()
        return [_as_of_now(record, readers) for record in records]

    def proposal(self, key: str) -> ProposalRecord:
        """Return a proposal by its id, or by the beginning of it. Raises `InputError` if there is not exactly one."""
        records = [record for record in self._kept.records() if key and record.proposal.id.startswith(key)]
        if len(records) != 1:
            what = "no proposal" if not records else "more than one proposal"
            raise InputError(f"there is {what} `{key}`.", remedy="See `groundtune review list`.")
        return _as_of_now(records[0], self._readers())

    def accept(
        self, key: str, shown: str, reviewer: str, text: str = "", readable_by: Sequence[str] = ()
    ) -> ProposalRecord:
        """Accept a proposal, which becomes a document and is ingested. `shown` is the digest of what was reviewed.

        `text` replaces what was said, and is needed for a missing topic; `readable_by` replaces the access list, and is
        needed where nobody may read it. Raises `InputError` where it changed since it was shown, or was decided.
        """
        with self._alone():
            self.settle()
            proposal = self._reviewed(key, shown)
            readers = tuple(readable_by) or proposal.readable_by
            chosen = replace(proposal, text=" ".join(text.split()) or proposal.text, readable_by=readers)
            _refuse_unfit(chosen)
            if not self._kept.accept(chosen, name_of(chosen.id), reviewer):
                raise _decided(chosen)
            self.settle()
        return self.proposal(chosen.id)

    def reject(self, key: str, reviewer: str) -> ProposalRecord:
        """Reject a proposal. It is not proposed again as long as it is kept."""
        with self._alone():
            record = self.proposal(key)
            if not self._kept.reject(record.proposal.id, reviewer):
                raise _decided(record.proposal)
        return self.proposal(record.proposal.id)

    def rollback(self, key: str, reviewer: str) -> list[ProposalRecord]:
        """Take back an accepted proposal, and all that came of conversations in which its document was read, and so on.

        Their documents are removed from folder and store. Return what was taken back.
        """
        with self._alone():
            record = self.proposal(key)
            if record.state not in ("accepted", "rolled back"):
                raise InputError(f"proposal {record.proposal.id} was not accepted.", remedy="Reject it instead.")
            family = self._descendants([record.proposal.id])
            self._kept.roll_back(family, reviewer)
            self.settle()
        return [each for each in self._kept.records() if each.proposal.id in family and each.state == "rolled back"]

    def forget(self, user: str) -> int:
        """Erase what was proposed from the conversations of a user, with the documents and draft cases that came of it
        and all that came of these; return how many proposals there were.

        Cases that were approved stay, and so do the conversations: see `KeptConversations.forget`.
        """
        with self._alone():
            own = {record.proposal.id for record in self._kept.records(user=user)}
            family = self._descendants(own)
            self._kept.roll_back(family, "")
            self.settle()
            documents = [name_of(key) for key in sorted(own)]
            knowledge = self._parts.knowledge
            if known := [name for name in documents if knowledge.revisions.fingerprints(name)]:
                knowledge.forget(known)
            self._without_drafts(own)
            return self._kept.erase(own)

    def settle(self) -> None:
        """Make documents and store what the records say. Nothing is done where they are so."""
        folder = self._parts.knowledge.documents
        records = self._kept.records(("accepted", "rolled back"))
        lasting = {each.document: each for each in records if each.state == "accepted"}
        gone = [each.document for each in records if each.state == "rolled back" and each.document]
        for name, record in lasting.items():
            write_entry(folder / name, record)
        for name in gone:
            remove_entry(folder / name)
        if not lasting and not gone:
            return
        held = self._parts.knowledge.documents_held()
        if stale := [name for name in gone if name in held]:
            self._parts.knowledge.remove(stale)
        if new := [folder / name for name in lasting if name not in held]:
            report = self._parts.knowledge.ingest(new)
            if report.failed:
                name, reason = report.failed[0]
                raise InputError(f"the accepted entry cannot be ingested: {reason}", place=name)

    # --- inside -----------------------------------------------------------------------------------

    @property
    def _kept(self) -> KeptProposals:
        return self._parts.records.proposals()

    def _alone(self) -> AbstractContextManager[None]:
        return only_writer(self._parts.state / "learning.lock")

    def _since(self) -> datetime:
        return self._kept.clock() - timedelta(days=self._parts.settings.enrichment.retention_days)

    def _untaken(self, key: str | None = None) -> list[TalkRecord]:
        """Return the conversations, or the one, that may be looked through and were not."""
        talks = self.conversations.ended(self._since(), key)
        taken = self._kept.taken() if talks else set()
        return [talk for talk in talks if talk.id not in taken]

    def _reviewed(self, key: str, shown: str) -> Proposal:
        record = self.proposal(key)
        if record.state != "quarantined":
            raise _decided(record.proposal)
        if record.proposal.digest != shown:
            raise InputError(
                f"proposal {record.proposal.id} is not what was shown: it, or who may read its documents, has changed.",
                remedy=f"Look at it again with `groundtune review show {record.proposal.id[:8]}`.",
            )
        return record.proposal

    def _descendants(self, keys: Sequence[str] | set[str]) -> set[str]:
        records, family = self._kept.records(), set(keys)
        while True:
            more = {each.proposal.id for each in records if family & set(each.proposal.parents)} - family
            if not more:
                return family
            family |= more

    def _tools(self) -> EnrichmentTools:
        knowledge, settings = self._parts.knowledge, self._parts.settings
        public = {
            id_: document.text
            for id_, document in (knowledge.in_folder() if knowledge.documents.is_dir() else {}).items()
            if set(EVERYONE) & set(document.readable_by)
        }
        return EnrichmentTools(
            self._nearest,
            lambda texts: knowledge.embedder.embed(list(texts), "document"),
            redactor(Surroundings(settings.data, documents=public)),
            self._readers(),
            self._parts.chat_model() if self.rewords else None,
        )

    def _nearest(self, text: str, asker: tuple[str, ...]) -> Sequence[Passage]:
        knowledge = self._parts.knowledge
        if not asker or knowledge.is_empty():
            return ()
        return knowledge.retrieve([Search(text, asker)], _NEAREST)[0]

    def _readers(self) -> Callable[[str], tuple[str, ...] | None]:
        """Return what tells who may read a document, None where it is not held."""
        knowledge = self._parts.knowledge
        held = cache(knowledge.documents_held)

        @cache
        def readers(document: str) -> tuple[str, ...] | None:
            if document not in held():
                return None
            chunks = knowledge.held(document).chunks
            return chunks[0].readable_by if chunks else ()

        return readers

    def _shelf(self) -> Shelf:
        parts = self._parts
        return Shelf(self._drafts, parts.state / "drafting.jsonl", parts.cases_file)

    @property
    def _drafts(self) -> Path:
        return within(self._parts.folder, self._parts.settings.benchmark.drafts)

    def _without_drafts(self, proposals: set[str]) -> None:
        """Erase the draft cases that came of these proposals."""
        files = CaseFiles(self._parts.cases_file, self._drafts)
        files.erase_drafts({_case_id(key) for key in proposals})


def tell_of_names() -> None:
    """Warn where names of people are not found here, and so not replaced."""
    if lacking := missing():
        _log.warning("Names of people are not looked for in what is proposed: %s", lacking)


def _as_of_now(record: ProposalRecord, readers: Callable[[str], tuple[str, ...] | None]) -> ProposalRecord:
    """Return a quarantined proposal with the access list that follows from the documents as they are now."""
    if record.state != "quarantined":
        return record
    proposal = record.proposal
    lists = [readers(document) or () for document in proposal.rests_on]
    return replace(record, proposal=replace(proposal, readable_by=readers_of(proposal.readable_by, lists)))


def _draft(proposals: Sequence[Proposal], asker: Sequence[str], shelf: Shelf) -> list[str]:
    """Append the questions without an answer to the drafts; return the ids of those that are new there."""
    rows = []
    for proposal in proposals:
        key = _case_id(proposal.id)
        if proposal.kind != "missing topic" or key in shelf.ids or shelf.asked.has(proposal.question, []):
            continue
        row = CaseLine(
            id=key,
            question=proposal.question,
            answerable=False,
            tags=["from-conversations"],
            author="conversations",
            status="draft",
            asker=list(asker) or list(EVERYONE),
        )
        shelf.keep([row])
        rows.append(key)
    return rows


def _case_id(proposal: str) -> str:
    return f"asked-{proposal[:12]}"


def _refuse_unfit(proposal: Proposal) -> None:
    shown = visible(proposal.text)
    if not proposal.text.strip():
        raise InputError("a missing topic has no answer yet.", remedy="Write it with --text.")
    if not proposal.readable_by:
        raise InputError("nobody may read it.", remedy="Name who may with --readable-by.")
    if shown != proposal.text:
        raise InputError(f"the text has characters that cannot be seen: {shown}", remedy="Remove them.")


def _decided(proposal: Proposal) -> InputError:
    return InputError(
        f"proposal {proposal.id} was decided before.", remedy="See `groundtune review list --state accepted`."
    )
