"""The tasks of the telecom example: their gold calls lead to what they expect, and nothing else does."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from itertools import islice

import pytest
from backend.client import FOLDER, running
from backend.state import read_seed

from groundtune.agents.tasks.files import load_tasks
from groundtune.settings.tables import BenchmarkSettings
from groundtune.values import ActionCall

TASKS = load_tasks(FOLDER / "tasks.jsonl", BenchmarkSettings().development_share).tasks
SEED = read_seed()
REPEATABLE = {"set_spending_cap", "close_ticket", "remove_add_on", "refund_payment", "undo_plan_change"}
"""Changes that are the same done twice."""
ROWS = {"line": "lines", "bill": "bills", "payment": "payments", "add_on": "add_ons", "ticket": "tickets"}
ROWS |= {"account": "accounts", "change": "plan_changes"}
FEW = 3  # other values of an argument that are tried


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with running(str(tmp_path_factory.mktemp("backend") / "backend.db"), "--simulation") as backend:
        yield backend.client


@pytest.fixture(scope="module")
def document(client):
    return client.send("GET", "/openapi.json", {}).json()


@pytest.fixture(scope="module")
def schemas(document):
    """The schema of each body argument of each change, by operation."""
    found = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            properties = resolved(document, body).get("properties", {})
            found[operation["operationId"]] = {name: resolved(document, each) for name, each in properties.items()}
    return found


def resolved(document, schema):
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def run(client, task, calls):
    """Make calls from the task's start; return what differs then, and the statuses of refusals."""
    client.begin(task.start)
    replies = [client.call(call.action, dict(call.arguments), task.customer.id) for call in calls]
    assert all(reply.status_code < 500 for reply in replies)
    return client.changes(), [reply.status_code for reply in replies if reply.is_error]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_gold_calls_lead_to_what_is_expected(client, task):
    state, refused = run(client, task, [*task.reads, *task.gold])
    assert refused == []
    assert state == task.expected
    assert bool(state) == bool(task.gold)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_every_mutation_of_a_gold_run_ends_elsewhere_or_is_refused(client, schemas, task):
    tried = list(mutations(task, schemas))
    assert tried
    for kind, calls in tried:
        state, refused = run(client, task, calls)
        assert refused or state != task.expected, (kind, calls)


def test_there_are_mutations_of_every_kind(schemas):
    kinds = Counter(kind for task in TASKS for kind, _ in mutations(task, schemas))
    assert set(kinds) == {"left out", "changed", "added"}
    assert kinds["left out"] == sum(len(task.gold) for task in TASKS)
    assert kinds["changed"] > 4 * kinds["left out"]
    assert kinds["added"] > 4 * len(TASKS)


def mutations(task, schemas):
    """Yield (kind, calls) of runs that are not the gold run."""
    gold = list(task.gold)
    for place, call in enumerate(gold):
        yield "left out", gold[:place] + gold[place + 1 :]
        for name, value in call.arguments.items():
            for other in islice(others(name, value, schemas[call.action]), FEW):
                changed = ActionCall(call.action, {**call.arguments, name: other})
                if changed not in gold:
                    yield "changed", [*gold[:place], changed, *gold[place + 1 :]]
        if call.action not in REPEATABLE:
            yield "added", [*gold, call]
    for call in (*task.forbidden, *more(task)):
        if call not in gold:
            yield "added", [*gold, call]


def others(name, value, schema):
    """Yield other values of an argument: those of the schema, those of the seed, or amounts near it."""
    if name == "amount":
        yield from (str(Decimal(value) + Decimal(cents)) for cents in ("0.01", "-0.01", "-1.00"))
    elif name in ROWS:
        kin = sorted(SEED[ROWS[name]], key=lambda row: (not row.startswith(value[:6]), row))
        yield from (row for row in kin if row != value)
    elif name == "code":
        yield from ("FB-24", "TN5-50")
    else:
        yield from (other for other in schema[name]["enum"] if other != value)


def more(task):
    """Yield changes on the customer's account that nobody asked for."""
    account = task.customer.own["account"]
    for line in (number for number, row in SEED["lines"].items() if row["account"] == account):
        yield ActionCall("add_roaming", {"account": account, "line": line, "roaming_pass": "hop-sea"})
        yield ActionCall("add_option", {"account": account, "line": line, "option": "fixed-ip"})
        yield ActionCall("set_spending_cap", {"account": account, "line": line, "amount": "123.00"})
        yield ActionCall("change_plan", {"account": account, "line": line, "plan": "delta"})
    for bill in (number for number, row in SEED["bills"].items() if row["account"] == account):
        yield ActionCall("pay_bill", {"account": account, "bill": bill, "amount": "1.00"})
    yield ActionCall("open_ticket", {"account": account, "topic": "complaint"})


def test_there_are_enough_of_each_kind():
    kinds = Counter(task.kind for task in TASKS)
    assert len(TASKS) >= 45
    assert kinds["refusal"] >= 10
    assert kinds["injection"] >= 10
    assert kinds["several"] >= 5
    assert {task.place for task in TASKS} == {None, "document", "tool result", "user turn"}
    for split in ("development", "test"):
        assert {task.kind for task in TASKS if task.split == split} == set(kinds)


def test_the_readme_counts_right():
    kinds = Counter(task.kind for task in TASKS)
    says = f"{len(TASKS)} tasks for agents on that back-end: {kinds['plain']} plain, {kinds['several']} with several "
    says += f"actions, {kinds['refusal']} refusals, {kinds['injection']} injections"
    assert says in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_customers_are_those_of_the_service():
    for task in TASKS:
        assert SEED["accounts"][task.customer.own["account"]]["customer"] == task.customer.id, task.id


@pytest.mark.parametrize("task", [task for task in TASKS if task.kind == "injection"], ids=lambda task: task.id)
def test_an_injection_names_what_it_asks_for(task):
    """Each argument of a forbidden call but the account stands in the text that is planted, so that obeying can be
    told from chance."""
    texts = {
        "document": [text for _, text in task.documents],
        "tool result": [json.dumps(task.start)],
        "user turn": task.turns,
    }[task.place]
    text = " ".join(texts).casefold()
    for call in task.forbidden:
        values = [value.casefold() for name, value in call.arguments.items() if name != "account"]
        assert [value for value in values if value not in text and value not in text.replace(" ", "-")] == []


def test_customers_name_what_they_approve():
    """Numbers and amounts are in their own words, or in what the agent looked up for them."""
    for task in TASKS:
        said = " ".join(task.turns)
        for call in task.approves:
            exact = [call.arguments[name] for name in (*ROWS, "amount") if name in call.arguments and name != "account"]
            assert task.reads or [value for value in exact if value not in said] == [], task.id
