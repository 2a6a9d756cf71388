"""`agents evaluate --tasks tau2:…` with models that play a task's gold path, do nothing, talk for ever or fail."""

from __future__ import annotations

import json
from itertools import cycle

import pytest
from typer.testing import CliRunner

from groundtune.agents.tasks.conversing import OUT_OF_SCOPE, STOP
from groundtune.agents.tasks.tau2.reading import read_tau2
from groundtune.assembly.assembly import Assembly
from groundtune.cli import app
from groundtune.errors import InputError, ModelFailed
from groundtune.project import open_project
from groundtune.testing.fakes import FunctionSelector
from groundtune.values import ActionCall, Completion, Usage

SOME, FEW = 28, 5


class Played(FunctionSelector):
    """Says what the function says, also where it has no tools."""

    def complete(self, conversations, max_tokens=None):
        return [Completion(str(self._selects(each, ())), Usage()) for each in conversations]


@pytest.fixture(scope="module")
def data(shared_data):
    return shared_data / "agents_tau2"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "groundtune.toml").write_text("", encoding="utf-8")
    return tmp_path


@pytest.fixture
def play(monkeypatch, project, data):
    """Evaluate the agent and the customer that two functions play."""

    def played(agent, customer, tasks="telecom", **options):
        models = {None: Played(agent, "fake:agent"), "fake:customer": Played(customer, "fake:c")}
        monkeypatch.setattr(Assembly, "chat_model", lambda _, name=None, adapters=(): models[name])
        from groundtune.comparison.tau2 import evaluate_tau2

        with open_project(project) as opened:
            return evaluate_tau2(opened.assembly, f"tau2:{tasks}@{data}", customer="fake:customer", **options)

    return played


class Gold:
    """Plays both sides of tasks by their gold paths, one task after the other."""

    def __init__(self, tasks):
        self._tasks = iter(tasks)
        self._left = []

    def customer(self, conversation, _):
        if len(conversation) == 2:  # what it was told, and the greeting: a new conversation
            self._task = next(self._tasks)
            self._left = [(gold.side, gold.call) for gold in self._task.gold]
        return self._next("customer") or ("Go on, please." if self._left else STOP)

    def agent(self, *_):
        return self._next("agent") or f"Please do that. {' '.join(self._task.told)}"

    def _next(self, side):
        return self._left.pop(0)[1] if self._left and self._left[0][0] == side else None


def do_nothing(*_):
    return "I cannot help you."


def stop_at_once(*_):
    return OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("name", "parts"), [("telecom", {"checks", "actions"}), ("retail", {"database", "statements"})]
)
def test_the_gold_path_is_worth_everything(play, data, name, parts):
    tasks = read_tau2(data, name).split("test")[:SOME]
    gold = Gold(tasks)
    tried = play(gold.agent, gold.customer, name, split="test", limit=SOME)
    assert [each.id for each in tried.tried if not each.successes] == []
    assert tried.pass_hat == {1: 1.0}
    assert {trial.ended for trial in tried.trials} == {"customer"}
    assert not any(trial.unauthorised for trial in tried.trials)
    assert tried.as_json()["effects"] > 10
    assert set(tried.parts()) == parts
    unjudged = sum(bool(task.statements) for task in tasks)
    assert tried.parts().get("statements", (0, 0, 0))[1:] == (0, unjudged)
    assert (unjudged > 0) == (name == "retail")


@pytest.mark.parametrize(("name", "floor"), [("telecom", 0), ("retail", 4)])
def test_doing_nothing_gets_the_floor(play, name, floor):
    tried = play(do_nothing, stop_at_once, name, split="test", limit=SOME)
    assert tried.success.mean == tried.floor == pytest.approx(floor / SOME)


def test_two_trials_and_what_was_made_is_not_made_again(play, data):
    tasks = read_tau2(data, "telecom").split("base")[:FEW]
    gold = Gold([*tasks, *tasks])
    left = FEW + 3  # the trial after these fails: the model does not answer any more

    def failing(conversation, actions):
        nonlocal left
        left -= len(conversation) == 2
        if left < 0:
            raise ModelFailed("the line is dead.")
        return gold.customer(conversation, actions)

    cut = play(gold.agent, failing, trials=2, limit=FEW)
    assert len(cut.failed) == FEW - 3
    assert set(cut.failed) == {"the line is dead."}
    assert cut.pass_hat == {1: 1.0}, "what failed is no trial"
    rest = Gold(tasks[3:])
    whole = play(rest.agent, rest.customer, trials=2, limit=FEW)
    assert whole.pass_hat == {1: 1.0, 2: 1.0}
    assert whole.failed == []
    again = play(do_nothing, pytest.fail, trials=2, limit=FEW)
    assert again == whole
    assert play(do_nothing, stop_at_once, trials=3, limit=1).pass_hat[2] == pytest.approx(1 / 3)


def test_what_the_customer_does_not_end_is_no_success(play):
    words = cycle(["Well.", "Really?"])
    tried = play(do_nothing, lambda *_: next(words), "retail", split="test", limit=3)
    assert {trial.ended for trial in tried.trials} == {"steps"}
    assert {trial.steps for trial in tried.trials} == {200}
    assert tried.success.mean == 0 < tried.floor


@pytest.mark.parametrize("call", [ActionCall("fly"), ActionCall("get_bills_for_customer", {"id": "no"})])
def test_calls_that_are_none_end_it(play, call):
    tried = play(lambda *_: call, lambda *_: "Please help.", limit=1)
    (trial,) = tried.trials
    assert (trial.ended, trial.effects, trial.succeeded) == ("faults", 0, False)


def test_the_customer_has_the_phone_and_the_agent_the_policy(play, data):
    asked = []

    def agent(conversation, actions):
        asked.append(("agent", conversation, {action.name for action in actions}))
        return "Is the airplane mode on?"

    def customer(conversation, actions):
        asked.append(("customer", conversation, {action.name for action in actions}))
        seen = [message.content for message in conversation if message.role == "tool"]
        if len(asked) == 3:
            return ActionCall("check_status_bar")
        return STOP if seen else "My mobile data is slow."

    play(agent, customer, limit=1)
    sides = [side for side, *_ in asked]
    assert sides == ["customer", "agent", "customer", "customer"]
    domain = read_tau2(data, "telecom")
    (_, first, phone), (_, heard, tools), _, (_, last, _) = asked
    assert len(phone) == 30
    assert len(tools) == 13
    assert domain.split("base")[0].goal.reason in first[0].content
    assert domain.policy in heard[0].content
    assert [message.content for message in heard[1:]] == ["My mobile data is slow."]
    assert [message.role for message in last[-2:]] == ["assistant", "tool"]


def test_the_command(play, project, data, monkeypatch):
    play(do_nothing, stop_at_once, limit=1)  # so that models are scripted
    named = ["agents", "evaluate", "--project", str(project), "--customer", "fake:customer", "--limit", "3", "--tasks"]
    shown = CliRunner().invoke(app, [*named, f"tau2:telecom@{data}", "--split", "test", "--trials", "2"])
    assert shown.exit_code == 0, shown.output
    assert "3 of 40 tasks of telecom, test; agent fake:agent, customer fake:c." in shown.output
    assert "pass^1 0.00, pass^2 0.00" in shown.output
    assert "doing nothing 0.00" in shown.output
    printed = CliRunner().invoke(app, [*named, f"tau2:retail@{data}", "--json"])
    told = json.loads(printed.stdout)
    assert (told["tasks"], told["split"], len(told["tried"]), told["limits"]["steps"]) == (
        "tau2:retail",
        "base",
        3,
        200,
    )
    for wrong in ("tau2:banking@x", "tau2:telecom", "telecom@x"):
        refused = CliRunner().invoke(app, [*named, wrong])
        assert isinstance(refused.exception, InputError) or "names no tasks" in refused.output
