"""The seam of an environment: tools by side, calls that are noted, a state that is equal whichever way led there."""

from __future__ import annotations

import inspect
from collections import ChainMap
from dataclasses import dataclass, replace
from typing import get_type_hints

import pytest

from groundtune.agents.tasks.environment import (
    TaskEnvironment,
    ToolRefused,
    as_json,
    changed,
    checks,
    finish,
    reads,
    replay,
    starts,
    writes,
)
from groundtune.agents.tasks.task import AgentTask, CustomerGoal, GoldAction, SideCall, StateCheck
from groundtune.values import ActionCall, ActionResult


@dataclass(frozen=True, slots=True)
class Jar:
    sweets: int
    label: str | None = None


class Shelf:
    def __init__(self) -> None:
        self.jars = ChainMap[str, Jar]({}, {"red": Jar(3), "blue": Jar(0)})

    @reads
    def look(self, jar: str) -> dict[str, object]:
        """Look into a jar."""
        if jar not in self.jars:
            raise ToolRefused(f"there is no {jar} jar")
        return as_json(self.jars[jar])

    @writes
    def put(self, jar: str, sweets: int = 1) -> dict[str, object]:
        """Put sweets into a jar, or take them out."""
        self.look(jar)
        self.jars[jar] = replace(self.jars[jar], sweets=self.jars[jar].sweets + sweets)
        return self.look(jar)

    @starts
    def empty(self, jar: str) -> None:
        """Empty a jar."""
        self.jars[jar] = Jar(0)

    @checks
    def has(self, jar: str, sweets: int) -> bool:
        """Whether so many are left."""
        return self.look(jar)["sweets"] == sweets

    def hidden(self) -> None:
        """No tool."""


class Eyes:
    def __init__(self) -> None:
        self.sees = 0

    @reads
    def stare(self) -> int:
        """Count all sweets."""
        return self.sees


class Kitchen(TaskEnvironment):
    def __init__(self) -> None:
        self.shelf, self.eyes = Shelf(), Eyes()
        super().__init__({"agent": (self.shelf,), "customer": (self.eyes,)})

    def content(self) -> object:
        return changed(self.shelf.jars)

    def synchronise(self) -> None:
        self.eyes.sees = sum(jar.sweets for jar in self.shelf.jars.values())


def call(name: str, **arguments: object) -> ActionCall:
    return ActionCall(name, arguments)


def test_tools_say_what_they_are() -> None:
    kitchen = Kitchen()
    tools = kitchen.tools("agent")
    assert {name: tool.reach for name, tool in tools.items()} == {"look": "read", "put": "write"}
    assert set(kitchen.tools("customer")) == {"stare"}
    put = tools["put"].function
    assert str(inspect.signature(put)) == "(jar: 'str', sweets: 'int' = 1) -> 'dict[str, object]'"
    assert get_type_hints(put)["sweets"] is int
    assert (put.__name__, put.__doc__) == ("put", "Put sweets into a jar, or take them out.")


def test_calls_are_noted_whichever_door_they_come_through() -> None:
    kitchen = Kitchen()
    assert kitchen.tools("agent")["put"].function(jar="red", sweets=2) == ActionResult("done", value={"sweets": 5})
    assert kitchen.call("agent", call("look", jar="red")) == ActionResult("done", value={"sweets": 5})
    assert kitchen.call("customer", call("stare")).value == 5
    refused = kitchen.tools("agent")["put"].function(jar="green")
    assert refused == ActionResult("refused", reason="there is no green jar")
    assert [(made.side, made.call.action, made.reach, made.result.outcome) for made in kitchen.calls] == [
        ("agent", "put", "write", "done"),
        ("agent", "look", "read", "done"),
        ("customer", "stare", "read", "done"),
        ("agent", "put", "write", "refused"),
    ]


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (call("put"), "jar: Missing required argument"),
        (call("put", jar="red", sweets="many"), "sweets: Input should be a valid integer"),
        (call("put", jar="red", spoons=1), "spoons: Unexpected keyword argument"),
        (call("put", self="red", jar="red"), "self: Got multiple values for argument"),
        (call("stare"), "there is no tool 'stare'"),  # it is the customer's
        (call("empty", jar="red"), "there is no tool 'empty'"),
        (call("hidden"), "there is no tool 'hidden'"),
        (call("__init__"), "there is no tool '__init__'"),
        (call("put", jar="green"), "there is no green jar"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(action: ActionCall, reason: str) -> None:
    kitchen = Kitchen()
    before = kitchen.state
    result = kitchen.call("agent", action)
    assert result.outcome == "refused"
    assert reason in result.reason
    assert kitchen.state == before
    assert not kitchen.calls[0].is_effect


def test_equal_states_are_equal_whichever_way_led_there() -> None:
    one_way, other_way, untouched = Kitchen(), Kitchen(), Kitchen()
    one_way.call("agent", call("put", jar="red", sweets=2))
    one_way.call("agent", call("put", jar="blue"))
    for jar in ("blue", "red", "red"):
        other_way.call("agent", call("put", jar=jar))
    assert one_way.state == other_way.state != untouched.state
    one_way.call("agent", call("put", jar="red", sweets=-2))
    one_way.call("agent", call("put", jar="blue", sweets=-1))
    assert one_way.state == untouched.state


def test_an_episode() -> None:
    task = AgentTask(
        "t",
        "kitchen",
        CustomerGoal("I want a sweet in each jar."),
        start=(SideCall("agent", call("empty", jar="red")),),
        gold=(GoldAction("agent", call("put", jar="red")), GoldAction("agent", call("put", jar="blue"))),
        checks=(
            StateCheck("agent", "has", {"jar": "red", "sweets": 1}),
            StateCheck("agent", "has", {"jar": "green", "sweets": 1}),
            StateCheck("agent", "has", {}),
        ),
    )
    gold = replay(Kitchen(), task)
    assert gold.checks == (True, None, None)
    assert gold.unauthorised == ()
    kitchen = Kitchen()
    kitchen.start(task.start)
    for jar in ("red", "red", "blue"):
        kitchen.call("agent", call("put", jar=jar))
    episode = finish(kitchen, task, said=["Done."], judged=[True])
    assert (episode.said, episode.judged) == (("Done.",), (True,))
    assert episode.state != gold.state
    assert episode.unauthorised == (call("put", jar="red"),)


def test_a_start_that_cannot_be_made_is_an_error() -> None:
    with pytest.raises(ToolRefused, match="there is no 'shake'"):
        Kitchen().start((SideCall("agent", call("shake")),))
