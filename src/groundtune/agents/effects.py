"""The effect ledger: an approved, authorised call happens at most once.

    intended   written and synced, with its entry in the audit log, before the back-end is called
    called     once, with a key that is the same for the same effect; nothing is tried again
    settled    done or refused; unknown where nobody can tell

A crash in between leaves "intended", which `reconcile` looks up at the back-end and never repeats. What the back-end
cannot tell stays unknown, for a person. This is "exactly once" for our own records, and "at most one attempt, then
reconciliation" for a back-end; no more can be promised of two machines.

Source of the keys: docs.stripe.com/api/idempotent_requests.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from groundtune.acting import Action
from groundtune.agents.approvals import Approvals, Occasion
from groundtune.errors import ApprovalRefused, StoreError
from groundtune.records.audit import AuditNote
from groundtune.records.effects import ApprovalRecord, EffectRecord, EffectState, KeptEffects
from groundtune.values import ActionCall, ActionResult, Actor, digest

_log = logging.getLogger(__name__)
_POLL = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class LedgerTimes:
    """How long calls take, in seconds. `lease` is longer than any call: an older one that is still intended has lost
    its caller. A call can reach the back-end `late`: only after that does "it never came" count. Whoever asks for a
    call that is being made elsewhere waits no longer than `wait`."""

    lease: float = 120.0
    late: float = 600.0
    wait: float = 30.0


class EffectLedger:
    """Makes calls of actions that write, and remembers them. Safe to use from several threads and processes."""

    def __init__(self, kept: KeptEffects, approvals: Approvals, times: LedgerTimes | None = None) -> None:
        self._kept, self._approvals, self._times = kept, approvals, times or LedgerTimes()
        self._worker = secrets.token_hex(8)  # tells this process from others

    def perform(
        self, action: Action, call: ActionCall, actor: Actor, occasion: Occasion, token: str | None = None
    ) -> ActionResult:
        """Make a call that the policy allows, once, whoever asks for it again; return what came of it.

        `token` is that of its approval, if it needs one. The outcome is "refused" where the approval does not hold or
        the call cannot be written down, and then the back-end was not called.
        """
        approval: ApprovalRecord | None = None
        try:
            if token is not None:
                approval = self._approvals.covering(token, action, call, actor)
            record = self._record(action, call, actor, occasion, approval)
            note = occasion.note("intended", call, key=record.key)
            kept = self._kept.intend(record, note, self._times.lease)
        except ApprovalRefused as error:
            return ActionResult("refused", reason=error.message)
        except StoreError as error:
            return ActionResult("refused", reason=f"it cannot be written down, so it is not done: {error.message}")
        if kept is not record:
            return self._before(kept)
        result = asked(action.perform, call, actor, record.key)
        if result.outcome == "unknown":  # nobody is calling any more: the back-end may know by now
            known = self._known(action, call, actor, record.key, age=0)
            result = result if known.outcome == "unknown" else known
        return self._settled(record, action, actor, result)

    def _record(
        self, action: Action, call: ActionCall, actor: Actor, occasion: Occasion, approval: ApprovalRecord | None
    ) -> EffectRecord:
        why = ("turn", occasion.turn) if approval is None else ("approval", approval.id)
        return EffectRecord(
            key=digest("effect", occasion.conversation, actor.id, action.signature, call.digest, *why),
            conversation=occasion.conversation,
            actor=actor.id,
            call=call,
            signature=action.signature,
            digest=call.digest,
            approval=None if approval is None else approval.id,
            state="intended",
            worker=self._worker,
            intended_at=self._kept.clock(),
        )

    def _before(self, kept: EffectRecord) -> ActionResult:
        """Return what came of a call that was made before, or is being made by another worker."""
        ends = time.monotonic() + self._times.wait
        record: EffectRecord | None = kept
        while record is not None and record.state == "intended" and time.monotonic() < ends:
            time.sleep(_POLL)
            record = self._kept.effect(kept.key)
        if record is None or record.state == "intended":
            return ActionResult("unknown", reason="the same call is being made elsewhere and has not ended.")
        return record.result or ActionResult("refused", reason="its approval was used for another call.")

    def _settled(self, record: EffectRecord, action: Action, actor: Actor, result: ActionResult) -> ActionResult:
        """Write down what came of a call. Where that fails, it is not said to be done: it will be looked up."""
        try:
            self._kept.settle(record.key, _state(result), result, _settling("settled", record, result), actor.id)
        except StoreError as error:
            _log.error("What came of %s (%s) could not be written down: %s", action.schema.name, record.key, error)
            return ActionResult("unknown", reason="what came of it could not be written down; it will be looked up.")
        return result

    def reconcile(self, actions: Mapping[str, Action], actor_of: Callable[[str], Actor]) -> list[EffectRecord]:
        """Look up, at their back-ends, the calls of which nobody knows what came; return those that stay unknown.

        A call is looked up once its caller must be gone, and never made again.
        """
        left = self._kept.effects(states=("intended", "unknown"))
        looked = [self._reconciled(record, actions, actor_of) for record in left]
        return [record for record in looked if record.state == "unknown"]

    def settle(self, key: str, actions: Mapping[str, Action], actor_of: Callable[[str], Actor]) -> EffectRecord | None:
        """Do the same for a single call, and return its record as it is then."""
        record = self._kept.effect(key)
        if record is None or record.state not in ("intended", "unknown"):
            return record
        return self._reconciled(record, actions, actor_of)

    def _reconciled(
        self, record: EffectRecord, actions: Mapping[str, Action], actor_of: Callable[[str], Actor]
    ) -> EffectRecord:
        age = (self._kept.clock() - record.intended_at).total_seconds()
        if record.state == "intended" and age < self._times.lease:
            return record
        result = self._looked_up(record, actions, actor_of, age)
        if record.state == "intended" or result.outcome != "unknown":
            note = _settling("reconciled", record, result)
            self._kept.settle(record.key, _state(result), result, note, record.actor)
        return replace(record, state=_state(result), result=result)

    def _looked_up(
        self, record: EffectRecord, actions: Mapping[str, Action], actor_of: Callable[[str], Actor], age: float
    ) -> ActionResult:
        if record.call is None:
            return ActionResult("unknown", reason="the customer was forgotten.")
        action = actions.get(record.call.action)
        if action is None or action.signature != record.signature:
            return ActionResult("unknown", reason="the action is not there any more, or has changed.")
        return self._known(action, record.call, actor_of(record.actor), record.key, age)

    def _known(self, action: Action, call: ActionCall, actor: Actor, key: str, age: float) -> ActionResult:
        """Return what the back-end knows of a call. One that never came is given up, or else waited for until it is too
        late for it."""
        result = asked(action.look_up, call, actor, key)
        if result.outcome != "refused":
            return result
        given_up = asked(action.give_up, call, actor, key)
        if given_up.outcome != "unknown":
            return given_up
        if age < self._times.late:
            return ActionResult("unknown", reason="the back-end has not seen it; it may still arrive.")
        return result

    def undo(self, key: str, action: Action, actor: Actor) -> ActionResult:
        """Take back an effect that was done, once. "refused" where it was not done, or there is no way to."""
        record = self._kept.effect(key)
        if record is None or record.state != "done" or record.call is None or record.result is None:
            return ActionResult("refused", reason="there is nothing to take back.")
        if record.actor != actor.id or record.signature != action.signature:
            return ActionResult("refused", reason="it was done for somebody else, or by another action.")
        self._kept.note(actor.id, AuditNote("undo intended", {"key": key}, {}))
        result = action.undo(record.call.arguments, actor, record.result.reference, digest("undo", key))
        if result.outcome == "done":
            self._kept.settle(key, "undone", result, _settling("undone", record, result), actor.id)
        else:
            self._kept.note(actor.id, _settling("undo failed", record, result))
        return result

    def rehearse(
        self, action: Action, call: ActionCall, actor: Actor, occasion: Occasion, token: str | None = None
    ) -> ActionResult:
        """Do all that `perform` does but for the call. It is in the audit log, and in no other record."""
        approval: ApprovalRecord | None = None
        try:
            if token is not None:
                approval = self._approvals.covering(token, action, call, actor, rehearse=True)
            record = self._record(action, call, actor, occasion, approval)
            self._kept.note(actor.id, occasion.note("rehearsed", call, key=record.key))
            result = asked(partial(_rehearsed, action), call, actor, record.key)
            self._kept.note(actor.id, _settling("rehearsal settled", record, result))
        except ApprovalRefused as error:
            return ActionResult("refused", reason=error.message)
        except StoreError as error:
            return ActionResult("refused", reason=f"it cannot be written down, so it is not done: {error.message}")
        return result


def _rehearsed(action: Action, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
    fault = action.fault(arguments, actor, key)
    if fault:
        return ActionResult("refused", reason=fault)
    return ActionResult("rehearsed", reason=f"a dry run: {action.schema.name} was not called.")


def asked(ask: Callable[..., ActionResult], call: ActionCall, actor: Actor, key: str) -> ActionResult:
    """Return what an action says of a call; a bug in it leaves it unknown."""
    try:
        return ask(call.arguments, actor, key)
    except Exception as error:
        _log.exception("The action %s broke.", call.action)
        return ActionResult("unknown", reason=f"the action broke ({type(error).__name__}).")


def _state(result: ActionResult) -> EffectState:
    return result.outcome if result.outcome in ("done", "refused") else "unknown"


def _settling(kind: str, record: EffectRecord, result: ActionResult) -> AuditNote:
    name = "" if record.call is None else record.call.action
    body = {"key": record.key, "action": name, "outcome": result.outcome}
    return AuditNote(kind, body, {"reason": result.reason, "reference": result.reference})
