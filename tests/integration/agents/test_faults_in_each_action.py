"""The back-end is killed, and its calls are delayed, doubled and cut, in each of its actions, through the agent and its
ledger: there is at most one effect, and what the user hears and what the records say is what stands in its database.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from urllib.parse import urlsplit

import pytest
from _acting import Selecting
from _telecom_changes import CHANGES
from backend.client import FOLDER, running
from backend.faults import Fault, FaultyProxy

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.actions.opening import open_actions
from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.budget import Budget, BudgetLimits
from groundtune.agents.effects import EffectLedger, LedgerTimes
from groundtune.agents.policy import ActionPolicy, ActionRule, Limit
from groundtune.records import open_records
from groundtune.settings.actions import ActionsSettings
from groundtune.values import ActionCall, Actor, EffectMade, HandedOver, Message

ACTORS = {
    customer: Actor(customer, ("customer",), {"account": arguments["account"]})
    for customer, arguments in CHANGES.values()
}
POLICY = ActionPolicy([ActionRule("*", ("customer",), "allow", {"account": Limit(own="account")})])
WAY = {"look_up": "get_effect", "give_up": "void_effect", "reference": "reference"}
IN_TIME, LATE = 1.0, 3.0  # seconds: how long a client waits, and how long a call is held up
TOKEN = "token-of-these-tests"
OUTCOMES = {"double": "done", "cut before": "refused", "cut after": "done", "cut within": "done"}


class WatchingProxy(FaultyProxy):
    """A proxy that counts the changes that it has passed on."""

    changes = 0

    def ask(self, method, path, headers, body):
        reply = super().ask(method, path, headers, body)
        with self._lock:
            self.changes += method != "GET" and not path.startswith("/effects")
        return reply


class Scene:
    """A back-end with a proxy before it that spoils calls, and agents that act there."""

    def __init__(self, records, proxy):
        self.kept, self.proxy = records.effects(), proxy
        self.ledger = EffectLedger(self.kept, Approvals(self.kept), LedgerTimes(lease=0))

    def opened(self, seconds):
        openapi = {"file": "backend/openapi.json", "base_url": self.proxy.url, "token_variable": "BACKEND_TOKEN"}
        backend = {
            "name": "tirvane",
            "openapi": {**openapi, "actor_header": "On-Behalf-Of"},
            "actions": {"*": WAY},
            "seconds": seconds,
        }
        return open_actions(ActionsSettings(backends=[backend]), FOLDER)

    def say(self, operation, actions, talk):
        """Let a customer ask for an action, whose arguments they name, and return the events of the agent."""
        customer, arguments = CHANGES[operation]
        tools = ActionTools(actions, POLICY, self.ledger, Approvals(self.kept), self.kept, ACTORS.get)
        agent = ActionAgent(Selecting(ActionCall(operation, arguments)), tools)
        said = Message("user", f"Please do this: {', '.join(arguments.values())}")
        return list(agent.act((said,), customer, Occasion(talk, "turn 1"), Budget(BudgetLimits())))

    def reconcile(self, actions):
        return self.ledger.reconcile({each.schema.name: each for each in actions}, ACTORS.__getitem__)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The service, in a process of its own."""
    with running(str(tmp_path_factory.mktemp("backend") / "backend.db"), "--simulation") as backend:
        yield backend.client


@pytest.fixture(scope="module")
def scene(started, tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        open_records("sqlite:///records.db", tmp_path_factory.mktemp("records")) as records,
        WatchingProxy(started.url, []) as proxy,
    ):
        patch.setenv("BACKEND_TOKEN", started.token)
        yield Scene(records, proxy)


@pytest.fixture(scope="module")
def right(started):
    """What each action leaves behind when nothing is spoilt."""
    states = {}
    for operation, (customer, arguments) in CHANGES.items():
        started.begin({})
        assert started.call(operation, arguments, customer).status_code == 200
        states[operation] = started.changes()
    return states


def heard(events):
    """What the user hears came of the call. Where that is not known, a person goes on."""
    (made,) = [event for event in events if isinstance(event, EffectMade)]
    assert (made.result.outcome == "unknown") == isinstance(events[-1], HandedOver), events
    return made.result.outcome


@pytest.mark.parametrize("operation", CHANGES)
@pytest.mark.parametrize("fault", OUTCOMES)
def test_a_call_that_is_spoilt_is_one_effect_or_none(started, scene, right, operation, fault):
    started.begin({})
    talk, scene.proxy.changes = f"{operation} {fault}", 0
    scene.proxy.left = [Fault("*", fault)]
    with scene.opened(30) as opened:
        told = heard(scene.say(operation, opened.actions, talk))
    wait_for(lambda: scene.proxy.changes == {"double": 2, "cut before": 0}.get(fault, 1))
    (effect,) = scene.kept.effects(talk)
    assert told == effect.state == OUTCOMES[fault]
    assert started.changes() == (right[operation] if told == "done" else {})


@pytest.mark.parametrize("fault", ["delay", "late"])
def test_calls_that_come_when_nobody_waits_for_them_any_more_have_no_effect(started, scene, fault):
    """Of each action, all at once. They were given up, and the users heard it, before they came."""
    started.begin({})
    scene.proxy.left, scene.proxy.changes = [Fault("* /accounts/*", fault, LATE)] * len(CHANGES), 0
    with scene.opened(IN_TIME) as opened:
        told = all_at_once(scene, opened.actions, fault)
    assert scene.proxy.changes == 0
    assert {outcome for _, outcome in told.values()} == {"refused"}
    wait_for(lambda: scene.proxy.changes == len(CHANGES))
    assert {scene.kept.effects(talk)[0].state for talk, _ in told.values()} == {"refused"}
    assert started.changes() == {}


class KillingProxy(FaultyProxy):
    """Kills the service when a change of every action is there: "amid" its work on them, or "around" it, before it got
    every other one, and after it has answered those between."""

    def __init__(self):
        super().__init__("http://127.0.0.1:9", [])
        self.point, self.kill = "", lambda: None
        self.all_there = threading.Barrier(len(CHANGES), lambda: self.kill())
        self._numbers = itertools.count()

    def ask(self, method, path, headers, body):
        call = (method, path, headers, body)
        if not self.point or method == "GET" or path.startswith("/effects"):
            return super().ask(*call)
        if self.point == "amid":
            threading.Thread(target=self.all_there.wait, args=(30,)).start()
            return super().ask(*call)
        if next(self._numbers) % 2:
            super().ask(*call)
        self.all_there.wait(30)
        raise HTTPException("killed")


def test_a_back_end_that_is_killed_in_all_of_its_actions(right, tmp_path, monkeypatch):
    """All are on their way when it dies. Nobody hears what is not so, and once it is there again, all is known."""
    monkeypatch.setenv("BACKEND_TOKEN", TOKEN)
    database, told, states = str(tmp_path / "backend.db"), {}, {}
    with open_records("sqlite:///records.db", tmp_path) as records, KillingProxy() as proxy:
        scene = Scene(records, proxy)
        with scene.opened(30) as opened:
            for point in ("around", "amid", ""):
                with running(database, "--simulation", token=TOKEN) as backend:
                    proxy.target, proxy.point = urlsplit(backend.client.url), ""
                    assert scene.reconcile(opened.actions) == []
                    for operation, (talk, outcome) in told.items():
                        (effect,) = scene.kept.effects(talk)
                        assert outcome in ("unknown", effect.state)
                        states[operation] = effect.state
                    done = [right[operation] for operation, state in states.items() if state == "done"]
                    assert sorted_lists(backend.client.changes()) == sorted_lists(together(done))
                    if point == "amid":  # the one before was "around"
                        assert Counter(states.values()) == {"done": len(CHANGES) / 2, "refused": len(CHANGES) / 2}
                    if point:
                        backend.client.begin({})
                        proxy.point, proxy.kill = point, backend.kill
                        told = all_at_once(scene, opened.actions, point)
    assert set(states.values()) <= {"done", "refused"}


def all_at_once(scene, actions, point):
    """Let each action be asked for, at the same time; return its conversation and what was heard of it."""
    talks = {operation: f"{operation} {point}" for operation in CHANGES}
    with ThreadPoolExecutor(len(CHANGES)) as pool:
        asked = {operation: pool.submit(scene.say, operation, actions, talk) for operation, talk in talks.items()}
    return {operation: (talks[operation], heard(each.result())) for operation, each in asked.items()}


def together(states):
    """Return what changes leave behind together."""
    made = {}
    for state in states:
        for table, kinds in state.items():
            for kind, rows in kinds.items():
                into = made.setdefault(table, {}).setdefault(kind, type(rows)())
                if isinstance(rows, list):
                    into.extend(rows)
                else:
                    for name, fields in rows.items():
                        into[name] = {**into.get(name, {}), **fields}
    return made


def sorted_lists(state):
    return {
        table: {kind: sorted(rows, key=str) if isinstance(rows, list) else rows for kind, rows in kinds.items()}
        for table, kinds in state.items()
    }


def wait_for(holds, seconds=30):
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)
