"""The values of agent evaluation: a task, what happened in an episode, and a grade. Nothing here opens anything.

A task names its tools, its start and its checks; an environment (`environment.py`) has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from groundtune.values import ActionCall, ActionResult, Reach

Side = Literal["agent", "customer"]
"""Who calls a tool. A customer may have tools too, as those of a phone."""

RewardPart = Literal["database", "checks", "actions", "told", "statements"]
"""What an episode may be rewarded for: the same database as after the gold actions, checks of the final state, the
gold actions themselves, texts that the agent said, and statements about the talk that a judge found true."""


@dataclass(frozen=True, slots=True)
class CustomerGoal:
    """What whoever plays the customer is told. The agent never sees it."""

    reason: str
    known: str = ""
    unknown: str = ""
    instructions: str = ""
    persona: str = ""


@dataclass(frozen=True, slots=True)
class SideCall:
    """A call and who makes it."""

    side: Side
    call: ActionCall


@dataclass(frozen=True, slots=True)
class GoldAction:
    """A call of the gold path. `compared` are the arguments that a call must share with it to count as the same; None
    are all."""

    side: Side
    call: ActionCall
    compared: tuple[str, ...] | None = None

    def is_met_by(self, made: SideCall) -> bool:
        """Whether `made` is this action."""
        if (made.side, made.call.action) != (self.side, self.call.action):
            return False
        if self.compared is None:
            return dict(made.call.arguments) == dict(self.call.arguments)
        return all(made.call.arguments.get(name) == self.call.arguments.get(name) for name in self.compared)


@dataclass(frozen=True, slots=True)
class StateCheck:
    """A named check of one side's final state, with what it must return."""

    side: Side
    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    expected: bool = True


@dataclass(frozen=True, slots=True)
class AgentTask:
    """A customer's goal in a world, and what is rewarded.

    `start` are calls that bring a fresh environment into the task's state; they may name what is no tool. `told` are
    texts that the agent should say, `statements` are sentences about the talk for a judge.
    """

    id: str
    domain: str
    goal: CustomerGoal
    start: tuple[SideCall, ...] = ()
    gold: tuple[GoldAction, ...] = ()
    checks: tuple[StateCheck, ...] = ()
    told: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    rewarded: tuple[RewardPart, ...] = ("database",)


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A call that was made, what its tool could change, and what came of it."""

    side: Side
    call: ActionCall
    reach: Reach
    result: ActionResult

    @property
    def is_effect(self) -> bool:
        """Whether it may have changed something: a write that was not refused."""
        return self.reach == "write" and self.result.outcome in ("done", "unknown")


@dataclass(frozen=True, slots=True)
class Episode:
    """One try at a task, as it ended.

    `state` is the hash of the final state. `checks` are what the task's checks returned, in their order, None where one
    could not be made. `said` is what the agent said to the customer. `judged` says of each statement whether a judge
    found it true; None without a judge. `unauthorised` are effects of the agent that the task does not allow.
    """

    task: str
    calls: tuple[MadeCall, ...]
    state: str
    checks: tuple[bool | None, ...] = ()
    said: tuple[str, ...] = ()
    judged: tuple[bool, ...] | None = None
    unauthorised: tuple[ActionCall, ...] = ()


@dataclass(frozen=True, slots=True)
class PartGrade:
    """0 or 1 for one part of the reward; None if it could not be scored, with the reason."""

    part: RewardPart
    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TaskGrade:
    """What an episode is worth."""

    task: str
    parts: tuple[PartGrade, ...]

    @property
    def reward(self) -> float | None:
        """The product of all parts that were scored, from 0 to 1; None if none was. Where parts are `unscored`, it is
        the most that the reward can be."""
        values = [part.value for part in self.parts if part.value is not None]
        return prod(values) if values else None

    @property
    def unscored(self) -> tuple[PartGrade, ...]:
        """The parts that could not be scored."""
        return tuple(part for part in self.parts if part.value is None)

    def value(self, part: RewardPart) -> float | None:
        """The value of one part; None if it was not scored or is not rewarded."""
        return next((graded.value for graded in self.parts if graded.part == part), None)
