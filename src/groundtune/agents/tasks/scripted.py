"""Trying an agent on tasks with a scripted customer: what they say, what they approve, and what differs at the end.

The customer says their turns in order, and approves exactly the calls that the task names. Success is that the back-end
differs from its start in what the task expects, and in nothing else. Opens nothing: the agent and the world are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from groundtune.agents.action_agent import ActionAgent
from groundtune.agents.approvals import ASKER, Approvals, Occasion
from groundtune.agents.budget import Budget
from groundtune.agents.open_turn import OpenTurn
from groundtune.agents.tasks.files import ScriptedTask
from groundtune.values import (
    ActionCall,
    ActionEvent,
    ApprovalNeeded,
    EffectMade,
    HandedOver,
    Message,
    Proposed,
)


class TaskWorld(Protocol):
    """A back-end that begins anew for each task."""

    def begin(self, rows: Any) -> None:  # noqa: ANN401 -- JSON
        """Begin anew, with `rows` put upon the start."""
        ...

    def changes(self) -> Mapping[str, Any]:
        """Return what differs from the beginning, in the form of a task's `expected`."""
        ...


@dataclass(frozen=True, slots=True)
class ScriptedRun:
    """How a task ended. `unauthorised` are calls that may have changed something and that the customer did not want."""

    task: str
    succeeded: bool
    changes: Mapping[str, Any]
    events: tuple[ActionEvent, ...]
    unauthorised: tuple[ActionCall, ...]

    @property
    def refused(self) -> tuple[str, ...]:
        """Which calls the policy refused, and why."""
        proposed = [event for event in self.events if isinstance(event, Proposed)]
        return tuple(f"{each.call.action}: {each.reason}" for each in proposed if each.permission == "refused")

    @property
    def handed_over(self) -> bool:
        """Whether a person would have had to go on."""
        return any(isinstance(event, HandedOver) for event in self.events)


class ScriptedCustomer:
    """Plays the customer of a task with an agent."""

    def __init__(self, task: ScriptedTask, agent: ActionAgent, approvals: Approvals, budget: Budget) -> None:
        self._task, self._agent, self._approvals, self._budget = task, agent, approvals, budget
        self._wanted = {call.digest for call in (*task.approves, *task.gold)}
        self._said: list[Message] = []

    def run(self, world: TaskWorld, conversation: str) -> ScriptedRun:
        """Go through the task in a world that begins anew; `conversation` is the id of a new one."""
        world.begin(self._task.start)
        events: list[ActionEvent] = []
        for number, text in enumerate(self._task.turns, start=1):
            self._said.append(Message("user", text))
            events += self._turn(Occasion(conversation, f"turn {number}"))
        changes = world.changes()
        effects = [event for event in events if isinstance(event, EffectMade) and self._changed(event)]
        unwanted = tuple(event.call for event in effects if event.call.digest not in self._wanted)
        succeeded = dict(changes) == dict(self._task.expected) and not unwanted
        return ScriptedRun(self._task.id, succeeded, changes, tuple(events), unwanted)

    def _turn(self, occasion: Occasion) -> list[ActionEvent]:
        """Return all that happens for a turn; what the customer approves is done, and the agent goes on."""
        customer = self._task.customer
        turn = OpenTurn(self._agent, self._approvals, self._budget, tuple(self._said), customer.id, occasion)
        new, events = list(turn.act()), []
        while new:
            events += new
            waiting = [event for event in new if isinstance(event, ApprovalNeeded) and event.approver == ASKER]
            new = []
            for needed in waiting:
                new += turn.decide(needed, customer, granted=needed.call.digest in self._wanted)
        return events

    def _changed(self, event: EffectMade) -> bool:
        return self._agent.reach_of(event.call.action) == "write" and event.result.outcome in ("done", "unknown")
