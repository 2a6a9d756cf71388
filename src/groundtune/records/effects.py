"""What agents did in back-ends, and what they were allowed to: effects and approvals, each change of theirs in one
transaction with its entry in the audit log. Where that cannot be written, nothing changes.

Knows no policy and calls no back-end: `groundtune.agents.effects` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, Table, func, insert, select, update

from groundtune.records.audit import AuditEntry, AuditNote, append, broken_at, entries, erase_key, head_of
from groundtune.records.jobs import enqueue, over
from groundtune.records.locking import RecordsLock
from groundtune.records.part import RecordsPart
from groundtune.records.tables import approvals, audit, effects
from groundtune.values import ActionCall, ActionResult

EffectState = Literal["intended", "done", "refused", "unknown", "undone"]
"""Intended: the back-end is being called, or its caller was killed. Unknown: nobody can tell whether it was done."""
ApprovalState = Literal["asked", "granted", "denied", "used"]


@dataclass(frozen=True, slots=True)
class EffectRecord:
    """A call that was made, or is about to be. `call` is None once the customer was forgotten."""

    key: str
    conversation: str
    actor: str
    call: ActionCall | None
    signature: str
    digest: str
    approval: str | None
    state: EffectState
    worker: str
    intended_at: datetime
    settled_at: datetime | None = None
    result: ActionResult | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """What somebody was asked to approve: exactly `call`, for `actor`, by somebody who is an `approver`."""

    id: str
    conversation: str
    actor: str
    approver: str
    call: ActionCall | None
    signature: str
    digest: str
    state: ApprovalState
    asked_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None


class KeptEffects(RecordsPart):
    """The effects, approvals and audit log in the records."""

    lock = RecordsLock.AUDIT

    # --- effects ----------------------------------------------------------------------------------

    def intend(self, effect: EffectRecord, note: AuditNote, lease: float = 0.0) -> EffectRecord:
        """Write down that a call will be made, before it is; return what is kept under its key.

        If that is another record than `effect`, the call was made before or is being made. Uses up the approval, whose
        state must be "granted": else, or if another effect used it, the record that is returned is `effect` itself in
        the state "refused", and nothing was written but that in the audit log. After `lease` seconds it is a job to
        settle the effect.
        """
        with self._writing() as connection:
            known = connection.execute(select(effects).where(effects.c.key == effect.key)).first()
            if known is not None:
                return _effect(known)
            if effect.approval is not None:
                mine = (approvals.c.id == effect.approval) & (approvals.c.state == "granted")
                mine &= (approvals.c.digest == effect.digest) & (approvals.c.actor == effect.actor)
                if connection.execute(update(approvals).where(mine).values(state="used")).rowcount != 1:
                    refused = AuditNote("approval refused", {**note.body, "why": "it was used or withdrawn"}, {})
                    append(connection, self._time(), effect.actor, refused)
                    return replace(effect, state="refused")
            connection.execute(insert(effects).values(_effect_row(effect)))
            enqueue(connection, "settle", effect.key, effect.intended_at, lease)
            append(connection, self._time(), effect.actor, note)
        return effect

    def settle(self, key: str, state: EffectState, result: ActionResult, note: AuditNote, actor: str) -> bool:
        """Write down what came of a call; False if that was settled otherwise before, and nothing is written."""
        open_states = ("intended", "unknown") if state != "undone" else ("done",)
        with self._writing() as connection:
            mine = (effects.c.key == key) & effects.c.state.in_(open_states)
            new = {"state": state, "result": json.dumps(asdict(result)), "settled_at": self._time()}
            changed = connection.execute(update(effects).where(mine).values(new)).rowcount == 1
            if changed:
                append(connection, self._time(), actor, note)
            if changed and state != "unknown":
                over(connection, "settle", key)
        return changed

    def effect(self, key: str) -> EffectRecord | None:
        """Return the record of a call, if it was intended."""
        with self._reading() as connection:
            row = connection.execute(select(effects).where(effects.c.key == key)).first()
        return None if row is None else _effect(row)

    def effects(self, conversation: str | None = None, states: tuple[EffectState, ...] = ()) -> list[EffectRecord]:
        """Return the calls of a conversation, or all, in these states or any; oldest first."""
        wanted = select(effects).order_by(effects.c.intended_at, effects.c.key)
        if conversation is not None:
            wanted = wanted.where(effects.c.conversation == conversation)
        if states:
            wanted = wanted.where(effects.c.state.in_(states))
        with self._reading() as connection:
            return [_effect(row) for row in connection.execute(wanted)]

    # --- approvals --------------------------------------------------------------------------------

    def ask(self, approval: ApprovalRecord, note: AuditNote) -> None:
        """Write down that an approval is asked for."""
        with self._writing() as connection:
            row = {**_call_row(approval), "approver": approval.approver, "expires_at": approval.expires_at.isoformat()}
            row |= {"id": approval.id, "state": approval.state, "asked_at": approval.asked_at.isoformat()}
            connection.execute(insert(approvals).values(row))
            append(connection, self._time(), approval.actor, note)

    def decide(self, approval: ApprovalRecord, by: str, note: AuditNote, *, granted: bool) -> bool:
        """Grant or deny what is asked for; False if it was decided before, and nothing is written."""
        with self._writing() as connection:
            mine = (approvals.c.id == approval.id) & (approvals.c.state == "asked")
            new = {"state": "granted" if granted else "denied", "decided_by": by, "decided_at": self._time()}
            changed = connection.execute(update(approvals).where(mine).values(new)).rowcount == 1
            if changed:
                append(connection, self._time(), approval.actor, note)
        return changed

    def approval(self, key: str) -> ApprovalRecord | None:
        """Return an approval by its id."""
        with self._reading() as connection:
            row = connection.execute(select(approvals).where(approvals.c.id == key)).first()
        return None if row is None else _approval(row)

    def approvals(self, conversation: str | None = None) -> list[ApprovalRecord]:
        """Return the approvals of a conversation, or all, oldest first."""
        wanted = select(approvals).order_by(approvals.c.asked_at, approvals.c.id)
        if conversation is not None:
            wanted = wanted.where(approvals.c.conversation == conversation)
        with self._reading() as connection:
            return [_approval(row) for row in connection.execute(wanted)]

    # --- the audit log ----------------------------------------------------------------------------

    def note(self, customer: str, note: AuditNote) -> None:
        """Write an entry that belongs to no change of an effect or approval."""
        with self._writing() as connection:
            append(connection, self._time(), customer, note)

    def audit(self, customer: str | None = None) -> list[AuditEntry]:
        """Return the entries of the log, or those of a customer, in order."""
        with self._reading() as connection:
            return entries(connection, customer)

    def entries(self) -> int:
        """Return how many entries the log has."""
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(audit)).scalar_one()

    def broken_at(self, head: str | None = None) -> int | None:
        """Return the number of the first entry that is not what was written; see `audit.broken_at`."""
        with self._reading() as connection:
            return broken_at(connection, head)

    def head(self) -> str:
        """Return the hash of the last entry: kept elsewhere, it shows that the log was not cut off."""
        with self._reading() as connection:
            return head_of(connection)

    def forget(self, customer: str) -> None:
        """Erase what is personal of a customer. What was done, and when, stays without it."""
        with self._writing() as connection:
            over(connection, "settle", select(effects.c.key).where(effects.c.actor == customer))
            for table, blank in ((effects, {"call": None, "result": None}), (approvals, {"call": None})):
                connection.execute(_blanked(table, customer, blank))
            erase_key(connection, customer)


def _blanked(table: Table, customer: str, blank: Mapping[str, None]) -> Any:  # noqa: ANN401 -- an UPDATE
    return update(table).where(table.c.actor == customer).values(dict(blank))


def _call_row(record: EffectRecord | ApprovalRecord) -> dict[str, object]:
    return {
        "conversation": record.conversation,
        "actor": record.actor,
        "signature": record.signature,
        "digest": record.digest,
        "call": None if record.call is None else record.call.text,
    }


def _effect_row(effect: EffectRecord) -> dict[str, object]:
    assert effect.call is not None
    return {
        **_call_row(effect),
        "key": effect.key,
        "action": effect.call.action,
        "approval": effect.approval,
        "state": effect.state,
        "worker": effect.worker,
        "intended_at": effect.intended_at.isoformat(),
    }


def _call(text: str | None) -> ActionCall | None:
    return None if text is None else ActionCall(**json.loads(text))


def _effect(row: Row[Any]) -> EffectRecord:
    result = None if row.result is None else ActionResult(**json.loads(row.result))
    return EffectRecord(
        key=row.key,
        conversation=row.conversation,
        actor=row.actor,
        call=_call(row.call),
        signature=row.signature,
        digest=row.digest,
        approval=row.approval,
        state=row.state,
        worker=row.worker,
        intended_at=datetime.fromisoformat(row.intended_at),
        settled_at=None if row.settled_at is None else datetime.fromisoformat(row.settled_at),
        result=result,
    )


def _approval(row: Row[Any]) -> ApprovalRecord:
    return ApprovalRecord(
        id=row.id,
        conversation=row.conversation,
        actor=row.actor,
        approver=row.approver,
        call=_call(row.call),
        signature=row.signature,
        digest=row.digest,
        state=row.state,
        asked_at=datetime.fromisoformat(row.asked_at),
        expires_at=datetime.fromisoformat(row.expires_at),
        decided_by=row.decided_by,
        decided_at=None if row.decided_at is None else datetime.fromisoformat(row.decided_at),
    )
