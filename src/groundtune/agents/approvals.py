"""Approvals: each is for exactly one call of one user, kept on the server, and used once.

An approval is bound to the user, to the digest of the arguments, to the action as it is now and to a time. Whoever
holds its token may present it; who may decide stands in the record, not in the conversation.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NoReturn

from groundtune.acting import Action
from groundtune.errors import ApprovalRefused
from groundtune.records.audit import AuditNote
from groundtune.records.effects import ApprovalRecord, KeptEffects
from groundtune.values import ActionCall, Actor, digest

ASKER = "asker"
"""Who approves a call if nobody else has to: the user for whom it is made."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a call is made: in which conversation, and for which turn of the user's. The same call for the same turn is
    the same effect."""

    conversation: str
    turn: str

    def about(self, call: ActionCall) -> dict[str, object]:
        """Return what an entry of the audit log says of a call without its arguments, which are personal."""
        return {"conversation": self.conversation, "turn": self.turn, "action": call.action}

    def note(self, kind: str, call: ActionCall, **body: object) -> AuditNote:
        """Return an entry of the audit log about a call."""
        return AuditNote(kind, {**self.about(call), **body}, {"call": call.text})


@dataclass(frozen=True, slots=True)
class ApprovalTimes:
    """How long an approval holds, and by how much two clocks may differ, in seconds: it ends by so much earlier."""

    lasts: float = 900.0
    skew: float = 5.0


@dataclass(frozen=True, slots=True)
class AskedApproval:
    """An approval that was asked for, and the token that presents it."""

    token: str
    record: ApprovalRecord


class Approvals:
    """Asks for approvals, and takes decisions. Safe to use from several threads and processes."""

    def __init__(self, kept: KeptEffects, times: ApprovalTimes | None = None) -> None:
        self._kept, self._times = kept, times or ApprovalTimes()

    def ask(
        self,
        action: Action,
        call: ActionCall,
        actor: Actor,
        occasion: Occasion,
        approver: str = ASKER,
        *,
        rehearse: bool = False,
    ) -> AskedApproval:
        """Ask for an approval of exactly this call, by the asker, or by somebody else who is an `approver`. With
        `rehearse`, it holds for a dry run only."""
        token, now = secrets.token_urlsafe(32), self._kept.clock()
        record = ApprovalRecord(
            id=_id_of(token),
            conversation=occasion.conversation,
            actor=actor.id,
            approver=approver,
            call=call,
            signature=_signature(action, rehearse),
            digest=call.digest,
            state="asked",
            asked_at=now,
            expires_at=now + timedelta(seconds=self._times.lasts),
        )
        self._kept.ask(record, occasion.note("approval asked", call, approval=record.id, approver=approver))
        return AskedApproval(token, record)

    def decide(self, token: str, by: Actor, shown: str, *, granted: bool) -> ApprovalRecord:
        """Grant or deny what is asked for; `shown` is the digest of the call that the approver saw. Whoever grants once
        more what they granted has clicked twice: nothing changes.

        Raises `ApprovalRefused`, which is in the audit log, for a token that is none, for an approver who may not
        decide, for another call than the one that was asked for, once it has expired, and after another decision.
        """
        record = self._kept.approval(_id_of(token))
        if granted and record is not None and _granted_by(record, by, shown):
            return record
        why = "there is no such approval" if record is None else self._undecidable(record, by, shown)
        if record is None or why:
            self._refuse(by, record, why)
        note = AuditNote("approval granted" if granted else "approval denied", {"approval": record.id}, {"by": by.id})
        if not self._kept.decide(record, by.id, note, granted=granted):
            now = self._kept.approval(record.id)  # somebody was faster: the same approver, clicking twice?
            if granted and now is not None and _granted_by(now, by, shown):
                return now
            self._refuse(by, record, "it was decided before")
        return replace(record, state="granted" if granted else "denied", decided_by=by.id)

    def covering(
        self, token: str, action: Action, call: ActionCall, actor: Actor, *, rehearse: bool = False
    ) -> ApprovalRecord:
        """Return the approval of a call, granted, or used by its effect. Raises `ApprovalRefused`, as `decide` does."""
        record = self._kept.approval(_id_of(token))
        signature = _signature(action, rehearse)
        why = "there is no such approval" if record is None else self._unfit(record, signature, call, actor)
        if record is None or why:
            self._refuse(actor, record, why)
        return record

    def _undecidable(self, record: ApprovalRecord, by: Actor, shown: str) -> str:
        mine = by.id == record.actor
        if not (mine if record.approver == ASKER else not mine and record.approver in by.principals):
            return "it is for somebody else to decide"
        if record.state != "asked":
            return "it was decided before"
        if self._expired(record):
            return "it has expired"
        return "" if shown == record.digest else "another call was shown than the one that it is for"

    def _unfit(self, record: ApprovalRecord, signature: str, call: ActionCall, actor: Actor) -> str:
        if record.actor != actor.id:
            return "it is somebody else's"
        if record.digest != call.digest:
            return "the arguments are not those that were approved"
        if record.signature != signature:
            return "the action has changed since it was approved"
        if record.state == "used":
            return ""  # the effect is there already: what came of it is returned
        if record.state != "granted":
            return "it was not granted"
        return "it has expired" if self._expired(record) else ""

    def _expired(self, record: ApprovalRecord) -> bool:
        return self._kept.clock() + timedelta(seconds=self._times.skew) >= record.expires_at

    def _refuse(self, by: Actor, record: ApprovalRecord | None, why: str) -> NoReturn:
        about = {} if record is None else {"approval": record.id}
        self._kept.note(by.id, AuditNote("approval refused", {**about, "why": why}, {"by": by.id}))
        raise ApprovalRefused(f"the approval does not hold: {why}.", remedy="Ask for the action again.")


def _signature(action: Action, rehearse: bool) -> str:
    """Return what an approval is bound to: that of a dry run is for no real call."""
    return f"dry run of {action.signature}" if rehearse else action.signature


def _id_of(token: str) -> str:
    return digest("approval", token)


def _granted_by(record: ApprovalRecord, by: Actor, shown: str) -> bool:
    return record.state in ("granted", "used") and record.decided_by == by.id and record.digest == shown
