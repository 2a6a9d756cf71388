"""What an agent may do and did: actions, calls of them, where their arguments come from, and what came of them.

A call is data until the policy has decided. Nothing here opens anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from groundtune.text import encodable
from groundtune.values._digest import digest
from groundtune.values.answers import Usage

Reach = Literal["read", "write"]
"""Whether an action only looks something up, or changes something."""

Provenance = Literal["user", "record", "text", "nowhere"]
"""Where the value of an argument was seen: in the user's own words, in a trusted record, only in text that anybody may
have written, or nowhere, so that the model made it up. In this order: the first that holds counts."""

ActionOutcome = Literal["done", "refused", "unknown", "rehearsed"]
"""What came of a call: it was done, the back-end refused it and nothing changed, nobody knows, or it was a dry run."""


Permission = Literal["allowed", "needs approval", "refused"]
"""What the policy says of a call."""


@dataclass(frozen=True, slots=True)
class ActionSchema:
    """What a model is told of an action. `parameters` is the JSON Schema of an object, in the form of OpenAPI 3.1 and
    MCP: `{"type": "object", "properties": {...}, "required": [...], "additionalProperties": false}`.
    """

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ActionCall:
    """An action with its arguments, which are JSON values: no NaN, no lone surrogates."""

    action: str
    arguments: Mapping[str, object] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """It as canonical JSON: sorted keys, no spaces."""
        content = {"action": self.action, "arguments": dict(self.arguments)}
        return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @property
    def digest(self) -> str:
        """A hash of the name and all arguments: what an approval is bound to."""
        return digest(self.text)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a model chose: a call that fits the schema of its action, or None. `reply` is what it said instead; `fault`
    says why what it tried is no call, "" if it tried none."""

    call: ActionCall | None
    reply: str = ""
    usage: Usage = field(default_factory=Usage)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """For whom an agent acts, as the service that knows them says: never taken from a conversation.

    `principals` are those of access lists ("customer", "staff"). `own` are values that are theirs, by name
    ({"account": "A-1001"}).
    """

    id: str
    principals: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put halves of characters together, as in a `Message`: no database takes them."""
        object.__setattr__(self, "id", encodable(self.id))


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What came of a call. `value` is what the back-end returned, as JSON; `reference` is its own number for what it
    did, by which it can be undone; `reason` says why it was refused or is not known.
    """

    outcome: ActionOutcome
    value: object = None
    reference: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Event: a model selected a call. `permission` and `reason` are what the policy says of it."""

    call: ActionCall
    permission: Permission
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalNeeded:
    """Event: a call waits for an approval by the `approver`, who has to be shown exactly this call. `token` presents
    it: it is for the one who shows it, and never for a model."""

    call: ActionCall
    token: str
    approver: str


@dataclass(frozen=True, slots=True)
class EffectMade:
    """Event: what came of a call: done, refused, unknown, or a dry run."""

    call: ActionCall
    result: ActionResult


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Event, the last of its turn: a person has to go on. `summary` tells them what was asked for, done and left."""

    reason: str
    summary: str


ActionEvent = Proposed | ApprovalNeeded | EffectMade | HandedOver
