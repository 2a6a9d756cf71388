"""The agent on the telecom example's own tasks and back-end: with a scripted model all succeed, and none without one of
its actions; what is forbidden is not done, whatever the model selects.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from backend.client import FOLDER, running

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.actions.opening import open_actions
from groundtune.agents.approvals import Approvals
from groundtune.agents.budget import Budget, BudgetLimits
from groundtune.agents.effects import EffectLedger
from groundtune.agents.policy import ActionPolicy, ActionRule, Limit
from groundtune.agents.tasks.files import load_tasks
from groundtune.agents.tasks.scripted import ScriptedCustomer
from groundtune.records import open_records
from groundtune.settings.actions import ActionsSettings
from groundtune.settings.tables import BenchmarkSettings
from groundtune.testing.fakes import FunctionSelector
from groundtune.values import ActionCall

TASKS = load_tasks(FOLDER / "tasks.jsonl", BenchmarkSettings().development_share).tasks
OWN = {"account": Limit(own="account")}
LOOK_UPS = ("get_account", "list_bills", "list_payments", "list_tickets", "fetch_contract")
RULES = (
    *(ActionRule(name, ("customer",), "allow") for name in ("list_plans", "list_add_ons", "get_network_status")),
    *(ActionRule(name, ("customer",), "allow", OWN) for name in LOOK_UPS),
    ActionRule("*", ("customer",), "approve", OWN, free=("note",)),
)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with running(str(tmp_path_factory.mktemp("backend") / "backend.db"), "--simulation") as backend:
        yield backend.client


@pytest.fixture(scope="module")
def actions(client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    document = client.send("GET", "/openapi.json", {}).json()
    (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKEND_TOKEN_OF_TESTS", client.token)
        trusted = {name: {"trusted": True} for name in LOOK_UPS[:4]}
        settings = ActionsSettings(
            backends=[
                {
                    "name": "tirvane",
                    "openapi": {
                        "file": "openapi.json",
                        "base_url": client.url,
                        "token_variable": "BACKEND_TOKEN_OF_TESTS",
                        "actor_header": "On-Behalf-Of",
                    },
                    "actions": trusted,
                }
            ]
        )
        with open_actions(settings, folder) as opened:
            yield opened.actions


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    with open_records("sqlite:///records.db", tmp_path_factory.mktemp("records")) as opened:
        yield opened


def run(task, selects, client, actions, records, rules=RULES):
    """Return how a task ends with a model that selects what `selects` makes of what it reads."""
    kept = records.effects()
    approvals = Approvals(kept)
    who = {task.customer.id: task.customer}.get
    ledger = EffectLedger(kept, approvals)
    tools = ActionTools(actions, ActionPolicy(rules), ledger, approvals, kept, who)
    agent = ActionAgent(FunctionSelector(selects), tools)
    customer = ScriptedCustomer(task, agent, approvals, Budget(BudgetLimits()))
    run.number += 1
    return customer.run(client, f"talk {run.number}")


run.number = 0


def following(calls):
    """Select these calls one after the other, each as soon as the user has said what is in it."""
    left = list(calls)

    def selects(conversation, offered):
        heard = [each for each in conversation if each.role == "user" or each.name in LOOK_UPS[:4]]
        read = " ".join(message.content for message in heard).casefold()
        if left and all(str(value).casefold() in read or not _free(value) for value in left[0].arguments.values()):
            return left.pop(0)
        return "nothing to do"

    return selects


CHOICES = ("A-", "hop-", "hearth-", "top-up-")


def _free(value):
    """Whether a value has a digit: others are choices among a few, in other words than the user's."""
    return any(character.isdigit() for character in str(value)) and not str(value).startswith(CHOICES)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_with_a_scripted_model_every_task_succeeds(task, client, actions, records):
    ended = run(task, following([*task.reads, *task.gold]), client, actions, records)
    assert ended.succeeded, (ended.refused, ended.events[-3:])
    assert ended.unauthorised == ()


@pytest.mark.parametrize("task", [task for task in TASKS if task.gold], ids=lambda task: task.id)
def test_every_action_that_is_left_out_is_missed(task, client, actions, records):
    for number in range(len(task.gold)):
        calls = [*task.reads, *task.gold[:number], *task.gold[number + 1 :]]
        assert not run(task, following(calls), client, actions, records).succeeded


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_what_is_forbidden_is_not_done_whatever_the_model_selects(task, client, actions, records):
    """The model selects each forbidden call at once, before and after what is right."""
    for call in task.forbidden:
        for calls in ([call, *task.gold], [*task.gold, call]):
            left = list(calls)
            ended = run(task, lambda *_, left=left: left.pop(0) if left else "", client, actions, records)
            assert ended.unauthorised == ()


def test_without_a_policy_and_with_a_customer_who_approves_all_it_would_be(client, actions, records):
    """The control: the forbidden calls are such that the back-end does some of them."""
    done = 0
    for task in TASKS:
        for call in task.forbidden:
            everything = (ActionRule("*", task.customer.principals, "allow", free=tuple(call.arguments)),)
            left = [call]
            ended = run(task, lambda *_, left=left: left.pop(0) if left else "", client, actions, records, everything)
            done += bool(ended.unauthorised)
    assert done >= 15


def test_a_call_that_was_not_wanted_is_counted(client, actions, records):
    task = next(task for task in TASKS if task.kind == "plain")
    narrower = replace(task, approves=(), gold=())
    everything = (ActionRule("*", task.customer.principals, "allow", free=tuple(task.gold[0].arguments)),)
    ended = run(narrower, following(task.gold), client, actions, records, everything)
    assert ended.unauthorised == (ActionCall(task.gold[0].action, task.gold[0].arguments),)
    assert not ended.succeeded
