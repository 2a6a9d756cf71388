"""Knowledge proposed from conversations, what reviewers decided about it, and which conversations were looked through.

A proposal belongs to the user in whose conversation it was said, so that forgetting them reaches it. Knows no documents
and no rules: a proposal is text with what it comes from.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import Row, delete, insert, select, update

from groundtune.records.connection import inserting
from groundtune.records.jobs import over
from groundtune.records.locking import RecordsLock
from groundtune.records.part import RecordsPart
from groundtune.records.tables import enriched, proposals
from groundtune.values import digest

ProposalKind = Literal["answer", "correction", "missing topic"]
"""What a person answered, what somebody corrected, or a question that was not answered."""
ProposalState = Literal["quarantined", "accepted", "rejected", "rolled back"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed: `text` as the answer to `question`, empty for a missing topic.

    It was said in the `turns` of a `conversation` of a `user`, by them or by the `person` who had taken over. It
    `rests_on` the documents that were read until then; `parents` are the proposals that some of these had been.
    `readable_by` may read it once it is a document. `notes` are what a reviewer has to know.
    """

    id: str
    kind: ProposalKind
    question: str
    text: str
    user: str
    conversation: str
    turns: tuple[int, ...]
    readable_by: tuple[str, ...]
    person: str = ""
    rests_on: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A hash of all of it: what a reviewer was shown."""
        return digest(json.dumps(asdict(self), sort_keys=True))


@dataclass(frozen=True, slots=True)
class ProposalRecord:
    """A proposal as it stands in the records: quarantined until `reviewer` decides. `document` is what it became."""

    proposal: Proposal
    state: ProposalState
    made_at: datetime
    document: str = ""
    reviewer: str = ""
    decided_at: datetime | None = None


class KeptProposals(RecordsPart):
    """The proposals in the records."""

    lock = RecordsLock.PROPOSALS

    def take(self, conversation: str, made: Sequence[Proposal]) -> bool:
        """Keep what a conversation gave, quarantined, and note that it was looked through; both or nothing.

        False if that was noted before: then nothing is kept. The job to propose is over.
        """
        time = self.clock().isoformat()
        with self._writing() as connection:
            over(connection, "propose", conversation)
            note = inserting(connection, enriched).values(conversation=conversation, at=time)
            new = connection.execute(note.on_conflict_do_nothing().returning(enriched.c.conversation))
            if new.first() is None:
                return False
            rows = [
                {"id": each.id, "actor": each.user, "content": _content(each), "state": "quarantined", "made_at": time}
                for each in made
            ]
            if rows:
                connection.execute(insert(proposals), rows)
        return True

    def taken(self) -> set[str]:
        """Return the conversations that were looked through."""
        with self._reading() as connection:
            return set(connection.execute(select(enriched.c.conversation)).scalars())

    def records(self, states: Collection[ProposalState] = (), user: str | None = None) -> list[ProposalRecord]:
        """Return the proposals in these states, or in any, of a user or of all; oldest first."""
        wanted = select(proposals).order_by(proposals.c.made_at, proposals.c.id)
        if states:
            wanted = wanted.where(proposals.c.state.in_(states))
        if user is not None:
            wanted = wanted.where(proposals.c.actor == user)
        with self._reading() as connection:
            return [_record(row) for row in connection.execute(wanted)]

    def accept(self, proposal: Proposal, document: str, reviewer: str) -> bool:
        """Accept a proposal, as it is given, as `document`; False if it is not quarantined any more."""
        new = {"content": _content(proposal), "document": document, "state": "accepted"}
        return self._decide([proposal.id], ("quarantined",), reviewer, new) == 1

    def reject(self, key: str, reviewer: str) -> bool:
        """Reject a proposal; False if it is not quarantined any more."""
        return self._decide([key], ("quarantined",), reviewer, {"state": "rejected"}) == 1

    def roll_back(self, keys: Collection[str], reviewer: str) -> int:
        """Take back proposals that are accepted or quarantined, all at once; return how many."""
        return self._decide(keys, ("accepted", "quarantined"), reviewer, {"state": "rolled back"})

    def erase(self, keys: Collection[str]) -> int:
        """Erase proposals for good; return how many there were."""
        with self._writing() as connection:
            return connection.execute(delete(proposals).where(proposals.c.id.in_(keys))).rowcount

    def purge(self, before: datetime) -> int:
        """Erase the proposals that were made before then and are not accepted; return how many there were.

        What was looked through before then is forgotten, too: look at no conversation that ended before.
        """
        old = (proposals.c.made_at < before.isoformat()) & (proposals.c.state != "accepted")
        with self._writing() as connection:
            connection.execute(delete(enriched).where(enriched.c.at < before.isoformat()))
            return connection.execute(delete(proposals).where(old)).rowcount

    def _decide(
        self, keys: Collection[str], states: Sequence[ProposalState], reviewer: str, new: dict[str, str]
    ) -> int:
        mine = proposals.c.id.in_(keys) & proposals.c.state.in_(states)
        told = {**new, "reviewer": reviewer, "decided_at": self.clock().isoformat()}
        with self._writing() as connection:
            return connection.execute(update(proposals).where(mine).values(told)).rowcount


@cache
def _json() -> TypeAdapter[Proposal]:
    return TypeAdapter(Proposal)


def _content(proposal: Proposal) -> str:
    return _json().dump_json(replace(proposal, user="")).decode()


def _record(row: Row[Any]) -> ProposalRecord:
    decided = None if row.decided_at is None else datetime.fromisoformat(row.decided_at)
    return ProposalRecord(
        replace(_json().validate_json(row.content), user=row.actor),
        row.state,
        datetime.fromisoformat(row.made_at),
        row.document or "",
        row.reviewer or "",
        decided,
    )
