"""A dry run is the real path but for the call, with actions of a function, an OpenAPI document and an MCP server: the
same events, the same approvals, the same refusals, and the same entries in the audit log but for their kinds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from _acting import Selecting
from _pay_service import DOCUMENT, serving

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.actions.opening import open_actions
from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.budget import Budget, BudgetLimits
from groundtune.agents.effects import EffectLedger
from groundtune.agents.policy import ActionPolicy, ActionRule, Limit
from groundtune.records import open_records
from groundtune.settings.actions import ActionsSettings
from groundtune.values import ActionCall, Actor, ApprovalNeeded, EffectMade, Message

ANA, TURN = Actor("ana", ("customer",)), Occasion("talk", "turn 1")
KINDS = {"rehearsed": "intended", "rehearsal settled": "settled"}
ODD_SERVER = Path(__file__).parents[2] / "fixtures" / "_odd_mcp_server.py"
FUNCTIONS = '''
from pathlib import Path
from typing import Annotated
from pydantic import AfterValidator
from groundtune.agents.actions import action


def no_zero(text: str) -> str:
    if text.startswith("0"):
        raise ValueError("it begins with a zero")
    return text


@action()
def order(item: Annotated[str, AfterValidator(no_zero)], key: str) -> str:
    """Order an item."""
    with Path(__file__).with_name("ordered").open("a") as file:
        file.write(f"{item}\\n")
    return "ordered"
'''
RULES = [
    ActionRule("*", ("customer",), "allow", {"item": Limit(one_of=("I-7", "0-7"))}),
    ActionRule("*", ("customer",), "allow", {"paymentId": Limit(one_of=("p0", "..", "p9"))}),
    ActionRule("*", ("customer",), "approve", {"bill": Limit(one_of=("B-1",))}),
]
CASES = {  # what is selected, what comes of it, and who refuses it
    "function": (ActionCall("order", {"item": "I-7"}), "done"),
    "function, refused by an annotation": (ActionCall("order", {"item": "0-7"}), "refused"),
    "function, refused by a rule": (ActionCall("order", {"item": "I-8"}), "refused"),
    "operation": (ActionCall("cancel", {"paymentId": "p0"}), "done"),
    "operation, refused as no step of a path": (ActionCall("cancel", {"paymentId": ".."}), "refused"),
    "operation, refused by its schema": (ActionCall("cancel", {"paymentId": 5}), "refused"),
    "tool": (ActionCall("pay", {"bill": "B-1"}), "done"),
    "tool, refused as it has changed": (ActionCall("pay", {"bill": "B-1"}), "refused"),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """The actions of three back-ends, what they change, and their folder."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "shop.py").write_text(FUNCTIONS, encoding="utf-8")
    (folder / "pay.yaml").write_text(DOCUMENT, encoding="utf-8")
    command = [sys.executable, str(ODD_SERVER), str(folder)]
    with serving() as server:

        def settings(approved):
            openapi = {"file": "pay.yaml", "base_url": server.url}
            mcp = {"command": command, "start_seconds": 30, "approved": approved}
            backends = [
                {"name": "shop", "functions": "shop.py"},
                {"name": "bank", "openapi": openapi, "only": ["cancel"]},
                {"name": "odd", "mcp": mcp, "only": ["pay"]},
            ]
            return ActionsSettings(backends=backends)

        with open_actions(settings({}), folder) as before:
            (pay,) = [each.tool for each in before.refused if each.name == "odd: pay"]
        with open_actions(settings({"pay": pay.digest}), folder) as opened:

            def state():
                files = [folder / name for name in ("ordered", "paid")]
                return [path.read_text() if path.exists() else "" for path in files], dict(server.payments)

            yield opened.actions, state, folder


def run(actions, call, folder, rehearse):
    """Return the events of a turn in which a call is selected, and what is approved, and the audit log."""
    with open_records(f"sqlite:///{'dry' if rehearse else 'real'}.db", folder) as records:
        kept = records.effects()
        approvals = Approvals(kept)
        ledger, who = EffectLedger(kept, approvals), {"ana": ANA}.get
        tools = ActionTools(actions, ActionPolicy(RULES), ledger, approvals, kept, who, rehearse)
        agent, budget = ActionAgent(Selecting(call), tools), Budget(BudgetLimits())
        said = (Message("user", "Cancel p0 or p9 or .., order I-7 or 0-7 or I-8, or pay B-1."),)
        events = list(agent.act(said, "ana", TURN, budget))
        if isinstance(events[-1], ApprovalNeeded):
            token = events[-1].token
            events[-1] = replace(events[-1], token="")  # it is made by chance
            events.append(agent.approved(token, ANA, call.digest, TURN, budget))
        return events, kept.audit("ana")


def comparable(events, entries):
    """The same without what comes by chance, and without what the back-end returned."""
    events = [replace(each, result=results_of(each)) if isinstance(each, EffectMade) else each for each in events]
    told = []
    for entry in entries:
        body = {name: value for name, value in entry.body.items() if name not in ("key", "approval")}
        if body.get("outcome") == "rehearsed":
            body["outcome"] = "done"
        told.append((KINDS.get(entry.kind, entry.kind), body))
    return events, told


def results_of(event):
    result = event.result
    return ("done", "") if result.outcome in ("done", "rehearsed") else (result.outcome, result.reason)


@pytest.mark.parametrize("case", CASES)
def test_a_dry_run_is_the_real_path_but_for_the_call(opened, tmp_path, case):
    actions, state, folder = opened
    call, outcome = CASES[case]
    if "changed" in case:
        (folder / "changed").touch()
        next(each for each in actions if each.schema.name == "pay").server.close()  # the next session has another tool
    before = state()
    dry = run(actions, call, tmp_path, rehearse=True)
    assert state() == before
    real = run(actions, call, tmp_path, rehearse=False)
    assert (state() != before) == (outcome == "done")
    assert comparable(*dry) == comparable(*real)
    assert real[0][-1].result.outcome == outcome
    assert dry[0][-1].result.outcome == ("rehearsed" if outcome == "done" else "refused")
