"""Operations as actions: one request for each call, and what came of it.

2xx is done, 4xx refused. A cut connection, a timeout, a redirect and 5xx leave unknown what a "write" did; a request
that never left, and a "read" that failed, are refused. Nothing is tried again. Knows no settings.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from groundtune.agents.actions.openapi.requests import OperationRequest, header_text, request_of
from groundtune.agents.actions.openapi.shapes import Operation, OperationParameter
from groundtune.calls import NotACall, call_of, json_fault, plain, shortened
from groundtune.http.backend import BackendClient, BackendReply, NoReply, NotSent
from groundtune.http.bodies import decoded, reason
from groundtune.values import ActionOutcome, ActionResult, ActionSchema, Actor, Reach, digest

_GONE = (404, 410)


@dataclass(frozen=True, slots=True)
class OperationServer:
    """Who is asked, with which token, and the headers in which the key and the actor's id go; "" for none."""

    client: BackendClient
    token: str = field(default="", repr=False)
    key_header: str = "Idempotency-Key"
    actor_header: str = ""


@dataclass(frozen=True, slots=True)
class OperationHelpers:
    """The operations that go with one: `finder` looks a call up by its key, `stopper` gives it up by its key, `undoer`
    takes it back by its reference."""

    finder: Operation | None = None
    undoer: Operation | None = None
    stopper: Operation | None = None


@dataclass(frozen=True, slots=True)
class OpenApiAction:
    """An operation as an action; `testing.actions` has its contract. `reference` is the field of the reply by which it
    is taken back."""

    operation: Operation
    server: OperationServer
    reach: Reach
    trusted: bool = False
    helpers: OperationHelpers = OperationHelpers()
    reference: str = "id"

    @property
    def schema(self) -> ActionSchema:
        """The operation's flat schema."""
        return self.operation.schema

    @property
    def signature(self) -> str:
        """A hash of name, schema, method and address."""
        schema = self.schema
        place = f"{self.operation.method} {self.server.client.base_url}{self.operation.path}"
        return digest(schema.name, schema.description, json.dumps(schema.parameters, sort_keys=True), place)

    def fault(self, arguments: Mapping[str, object], actor: Actor, key: str) -> str:
        """Return why arguments are refused before anything is sent; see `Action.fault`."""
        try:
            self._request(self.operation, arguments, actor, key if self.reach == "write" else "")
        except NotACall as error:
            return shortened(error)
        return ""

    def perform(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Send the request once; see `Action.perform`."""
        return self._send(self.operation, arguments, actor, key, self.reach)

    def look_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Ask by the key, where there is an operation for it; see `Action.look_up`."""
        finder = self.helpers.finder
        if finder is None:
            return ActionResult("unknown", reason="the back-end has no way to look up what became of a call")
        try:
            reply = self._reply(finder, filled(finder, arguments, key), actor, "")
        except (NotACall, NotSent, NoReply) as error:
            return ActionResult("unknown", reason=f"it cannot be looked up: {error}")
        if reply.status in _GONE:
            return ActionResult("refused", reason="the back-end knows of no such call")
        if 200 <= reply.status < 300:
            return self._done(reply)
        return ActionResult("unknown", reason=f"it cannot be looked up: {_said(reply)}")

    def give_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Send the operation that gives it up, where there is one; see `Action.give_up`.

        A back-end that does not say yes may have carried the call out: it is looked up once more.
        """
        stopper = self.helpers.stopper
        if stopper is None:
            return ActionResult("unknown", reason="the back-end has no way to give up a call")
        try:
            reply = self._reply(stopper, filled(stopper, arguments, key), actor, digest("give up", key))
        except (NotACall, NotSent, NoReply) as error:
            return ActionResult("unknown", reason=f"it cannot be given up: {error}")
        if 200 <= reply.status < 300 and reply.status != 202:
            return ActionResult("refused", reason="it took no effect, and takes none any more")
        known = self.look_up(arguments, actor, key)
        return known if known.outcome == "done" else ActionResult("unknown", reason=_said(reply))

    def undo(self, arguments: Mapping[str, object], actor: Actor, reference: str, key: str) -> ActionResult:
        """Send the operation that takes it back, where there is one; see `Action.undo`."""
        undoer = self.helpers.undoer
        if undoer is None:
            return ActionResult("refused", reason="the back-end has no way to undo it")
        try:
            given = filled(undoer, arguments, reference)
        except NotACall as error:
            return ActionResult("refused", reason=f"it cannot be undone: {error}")
        return self._send(undoer, given, actor, key, "write")

    def _send(
        self, operation: Operation, arguments: Mapping[str, object], actor: Actor, key: str, reach: Reach
    ) -> ActionResult:
        lost: ActionOutcome = "refused" if reach == "read" else "unknown"
        try:
            reply = self._reply(operation, arguments, actor, key if reach == "write" else "")
        except (NotACall, NotSent) as error:
            return ActionResult("refused", reason=shortened(error))
        except NoReply as error:
            return ActionResult(lost, reason=shortened(error))
        if 200 <= reply.status < 300:
            return self._done(reply)
        return ActionResult("refused" if 400 <= reply.status < 500 else lost, reason=_said(reply))

    def _reply(self, operation: Operation, arguments: object, actor: Actor, key: str) -> BackendReply:
        """Return the reply to one request. Raises `NotACall`, `NotSent` and `NoReply`."""
        request = self._request(operation, arguments, actor, key)
        return self.server.client.ask(request.method, request.target, request.headers, request.body)

    def _request(self, operation: Operation, arguments: object, actor: Actor, key: str) -> OperationRequest:
        request = request_of(operation, call_of(operation.schema, arguments).arguments, self.server.token)
        ours = {self.server.key_header: key, self.server.actor_header: actor.id}
        filled_in = {name: header_text(text, name) for name, text in ours.items() if name and text}
        return replace(request, headers={**request.headers, **filled_in})

    def _done(self, reply: BackendReply) -> ActionResult:
        value, left_out = _value(reply)
        reference = value.get(self.reference) if isinstance(value, dict) else None
        known = str(reference) if isinstance(reference, str | int) else ""
        accepted = "the back-end accepted it and carries it out later" if reply.status == 202 else ""
        return ActionResult("done", value, known, "; ".join(filter(None, (accepted, left_out))))


def remaining(operation: Operation, keys: Collection[str]) -> list[OperationParameter]:
    """Return what an operation needs besides arguments of these names."""
    needed = operation.schema.parameters["required"]
    assert isinstance(needed, list)
    return [each for each in operation.parameters if each.key in needed and each.key not in keys]


def filled(operation: Operation, arguments: Mapping[str, object], last: str) -> dict[str, object]:
    """Return arguments for an operation that goes with another one: those of the same name, and `last` for the step of
    its path that remains. Raises `NotACall` for arguments that are none.
    """
    given = plain(arguments)
    own = {each.key: given[each.key] for each in operation.parameters if each.key in given}
    return {**own, **{each.key: last for each in remaining(operation, own) if each.where == "path"}}


def _value(reply: BackendReply) -> tuple[object, str]:
    """Return what a reply says, and what of it is left out."""
    if reply.large:
        return None, "the reply is larger than is read, and was left out"
    if not reply.body:
        return None, ""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json" or kind.endswith("+json"):
            value = json.loads(reply.body)
        elif kind.startswith("text/"):
            value = decoded(reply.body)
        else:
            return None, f"the reply is {kind or 'of no kind'}, which is not read"
        fault = json_fault(value)
    except (ValueError, RecursionError) as error:
        value, fault = None, str(error)
    return (None, shortened(f"the reply is not what it says: {fault}")) if fault else (value, "")


def _said(reply: BackendReply) -> str:
    """Return status and reason of a reply that is no success (RFC 9457, and what others do instead)."""
    said = reason(decoded(reply.body)) if reply.body else ""
    if 300 <= reply.status < 400:
        said = f"it leads to {reply.headers.get('location', 'another address')}, which is not followed"
    return shortened(f"{reply.status}: {said}" if said else str(reply.status))
