"""The seams of agents: actions, and models that select one of them. `protocols` has all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from groundtune.protocols import ChatModel
from groundtune.values import ActionResult, ActionSchema, Actor, Conversation, Reach, Selection


@runtime_checkable
class Action(Protocol):
    """Something that can be looked up or done in a back-end, made of a Python function, of an operation of an OpenAPI
    document, or of a tool of an MCP server. `groundtune.testing.actions` is its contract.

    An action neither checks who asks nor whether they may: the policy does, before. It calls the back-end once and
    tries nothing again.
    """

    @property
    def schema(self) -> ActionSchema:
        """What a model is told of it."""
        ...

    @property
    def reach(self) -> Reach:
        """Whether it changes something. What nobody says of an action is "write"."""
        ...

    @property
    def trusted(self) -> bool:
        """Whether what it returns are records of the company, which a later call may rest on. False for whatever
        holds text of strangers."""
        ...

    @property
    def signature(self) -> str:
        """Name, schema and where it goes: all that tells whether it is the action that was approved."""
        ...

    def fault(self, arguments: Mapping[str, object], actor: Actor, key: str) -> str:
        """Return why `perform` would refuse this call before it is sent, "" if it would send it. Changes nothing: a dry
        run is refused by it where the real call would be."""
        ...

    def perform(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Call the back-end once with arguments that fit the schema. `key` is the same for the same effect: a back-end
        that knows it does it once.

        The outcome is "refused" only where it is sure that nothing changed, else "unknown". Raises nothing but bugs.
        """
        ...

    def look_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Return what the back-end knows of a call with `key`: "done", "refused" if it never came or failed, "unknown"
        if the back-end cannot tell or cannot be asked. Changes nothing.
        """
        ...

    def give_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """See to it that a call with `key`, which may still be on its way, takes no effect any more: "refused" if it
        surely will not, "done" if it took effect before, "unknown" if the back-end has no way to or cannot be asked.
        """
        ...

    def undo(self, arguments: Mapping[str, object], actor: Actor, reference: str, key: str) -> ActionResult:
        """Take back what was done under `reference`; "refused" where the back-end has no way to."""
        ...


@runtime_checkable
class SelectingModel(ChatModel, Protocol):
    """A chat model that selects actions. Whatever it is told, it gives a call that fits a schema, or none."""

    def select(self, conversations: Sequence[Conversation], actions: Sequence[ActionSchema]) -> list[Selection]:
        """Return a selection for each conversation, in order. What is no valid call is none, with what was said as its
        reply. Raises `ModelFailed`.
        """
        ...
