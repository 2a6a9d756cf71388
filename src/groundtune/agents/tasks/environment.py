"""The world that a task is done in: tools of the agent and of the customer, and a state that can be compared.

A side has kits: objects with plain annotated methods, each marked with what it is: `@reads`, `@writes`, `@starts` or
`@checks`. Knows no domain and no model.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, wraps
from typing import Any, Literal, TypeVar

from pydantic import ValidationError, validate_call
from pydantic_core import to_jsonable_python

from groundtune.agents.tasks.grading import beyond
from groundtune.agents.tasks.task import AgentTask, Episode, MadeCall, Side, SideCall, StateCheck
from groundtune.values import ActionCall, ActionResult, Reach, digest

Marked = TypeVar("Marked", bound=Callable[..., Any])
MethodMark = Literal["read", "write", "start", "check"]


class ToolRefused(Exception):
    """A tool says no, with the reason; nothing changed."""


def _marks(mark: MethodMark) -> Callable[[Marked], Marked]:
    def marked(method: Marked) -> Marked:
        method.mark = mark  # type: ignore[attr-defined]
        return method

    return marked


reads, writes = _marks("read"), _marks("write")
"""Mark a method as a tool that only looks something up, or that changes something."""
starts, checks = _marks("start"), _marks("check")
"""Mark a method as a step of a task's start, or as a check of the final state, which returns a bool. Neither is a
tool."""


@dataclass(frozen=True, slots=True)
class SideTool:
    """A tool of one side. `function` has the name, the parameters and the docstring of the method, takes arguments by
    name, and returns what came of the call. It is no other door: the environment notes its calls too."""

    name: str
    reach: Reach
    function: Callable[..., ActionResult]


class TaskEnvironment(ABC):
    """A world in its state, and the calls that were made in it. One episode has one environment."""

    def __init__(self, kits: Mapping[Side, Sequence[object]]) -> None:
        self.calls: list[MadeCall] = []
        self._kits = {
            (side, name): kit
            for side, parts in kits.items()
            for kit in parts
            for name in dir(type(kit))
            if hasattr(getattr(type(kit), name), "mark")
        }
        self.synchronise()

    @abstractmethod
    def content(self) -> object:
        """Return the state as JSON: equal for equal states, whichever way led there."""

    def synchronise(self) -> None:  # noqa: B027 -- most worlds have one state only
        """Bring up to date what one side's state says of the other's. It runs after every call."""

    @property
    def state(self) -> str:
        """A hash of the state."""
        return digest(json.dumps(self.content(), sort_keys=True, separators=(",", ":")))

    def tools(self, side: Side) -> dict[str, SideTool]:
        """Return the tools of `side` by name."""
        return {
            name: SideTool(name, reach, self._door(side, name))
            for (owner, name) in self._kits
            if owner == side and (reach := self._reach(side, name))
        }

    def call(self, side: Side, call: ActionCall) -> ActionResult:
        """Call a tool of `side` and note it. A tool that does not exist, and arguments that do not fit, are refused."""
        reach = self._reach(side, call.action)
        if reach is None:
            result, reach = ActionResult("refused", reason=f"there is no tool {call.action!r}"), "read"
        else:
            result = self._result(side, call)
        self.calls.append(MadeCall(side, call, reach, result))
        return result

    def start(self, steps: Sequence[SideCall]) -> None:
        """Bring a fresh world into the state that a task starts from. Raises `ToolRefused` if a step cannot be done."""
        for step in steps:
            self._run(step.side, step.call.action, step.call.arguments)

    def returned(self, check: StateCheck) -> bool | None:
        """Return what a check says of the present state; None where it cannot be made, as for a line that is not
        there."""
        try:
            return bool(self._run(check.side, check.name, check.arguments))
        except ToolRefused:
            return None

    def has(self, side: Side, name: str, marks: Sequence[MethodMark]) -> bool:
        """Whether `side` has a method `name` that is marked with one of `marks`."""
        kit = self._kits.get((side, name))
        return kit is not None and getattr(kit, name).mark in marks

    def _reach(self, side: Side, name: str) -> Reach | None:
        kit = self._kits.get((side, name))
        mark: MethodMark | None = None if kit is None else getattr(kit, name).mark
        return mark if mark in ("read", "write") else None

    def _door(self, side: Side, name: str) -> Callable[..., ActionResult]:
        @wraps(getattr(self._kits[side, name], name))
        def call(**arguments: object) -> ActionResult:
            return self.call(side, ActionCall(name, to_jsonable_python(arguments)))

        return call

    def _result(self, side: Side, call: ActionCall) -> ActionResult:
        try:
            return ActionResult("done", value=self._run(side, call.action, call.arguments))
        except ToolRefused as refused:
            return ActionResult("refused", reason=str(refused))

    def _run(self, side: Side, name: str, arguments: Mapping[str, object]) -> object:
        kit = self._kits.get((side, name))
        if kit is None:
            raise ToolRefused(f"there is no {name!r}")
        try:
            value: object = _validated(getattr(type(kit), name))(kit, **arguments)
        except ValidationError as error:
            raise ToolRefused(_explained(error)) from None
        self.synchronise()
        return value


def replay(environment: TaskEnvironment, task: AgentTask) -> Episode:
    """Make the gold actions of `task` in a fresh environment, and return the episode that others are graded by."""
    environment.start(task.start)
    for action in task.gold:
        environment.call(action.side, action.call)
    return finish(environment, task)


def finish(
    environment: TaskEnvironment,
    task: AgentTask,
    said: Sequence[str] = (),
    judged: Sequence[bool] | None = None,
) -> Episode:
    """Return the episode as it stands now. The agent's effects that are not among the gold actions are unauthorised."""
    return Episode(
        task=task.id,
        calls=tuple(environment.calls),
        state=environment.state,
        checks=tuple(environment.returned(check) for check in task.checks),
        said=tuple(said),
        judged=None if judged is None else tuple(judged),
        unauthorised=beyond(
            (action.call for action in task.gold if action.side == "agent"),
            (made.call for made in environment.calls if made.side == "agent" and made.is_effect),
        ),
    )


def as_json(record: Any) -> dict[str, object]:  # noqa: ANN401 -- any dataclass
    """Return a dataclass as JSON, without the fields that are None."""
    fields: dict[str, object] = json.loads(json.dumps(asdict(record, dict_factory=_filled)))
    return fields


def changed(table: ChainMap[str, Any]) -> dict[str, object]:
    """Return the records of a table that differ from those it was made of: `ChainMap({}, made_of)`."""
    own, before = table.maps
    return {key: as_json(record) for key, record in own.items() if before.get(key) != record}


def _filled(items: list[tuple[str, object]]) -> dict[str, object]:
    return {key: value for key, value in items if value is not None}


@cache
def _validated(method: Callable[..., object]) -> Callable[..., object]:
    return validate_call(method)


def _explained(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
