"""Two candidates as agents on the telecom back-end: tried, kept, shown in the report, and held against its advice."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pytest
from backend.client import FOLDER, running

import groundtune
from groundtune import cli
from groundtune.agents.action_agent import MODEL_FAILED
from groundtune.agents.tasks.scripted import ScriptedRun
from groundtune.assembly.candidates import Candidate
from groundtune.comparison import compare as compare_module
from groundtune.comparison.agent_evidence import agent_section
from groundtune.comparison.agents import as_trial, evaluate_agents
from groundtune.comparison.report import as_json, render_html
from groundtune.errors import InputError, ModelFailed
from groundtune.talking import open_talk
from groundtune.testing.fakes import FunctionSelector, only
from groundtune.values import ActionCall, Actor, HandedOver, Proposed

CHOSEN = ("plan-01", "roaming-01", "refusal-01", "refusal-02", "injection-01", "injection-02", "injection-06")
FREE = ["account", "bill", "amount", "line", "plan", "roaming_pass", "note", "subject", "text", "category"]
SETTINGS = """
[model]
name = "scripted:careful"

[comparison]
resamples = 1000
latency_cases = 1
confidence = 0.9

[actions]
simulation = "{url}/simulation"
simulation_token_variable = "BACKEND_TOKEN_OF_TESTS"

[[actions.backends]]
name = "tirvane"
openapi = {{ file = "openapi.json", base_url = "{url}", token_variable = "BACKEND_TOKEN_OF_TESTS", \
actor_header = "On-Behalf-Of" }}

[[actions.rules]]
action = "*"
who = ["customer"]
then = "allow"
free = {free}
"""


class Customers:
    """What the tasks hold, for models that follow a script: a task is told by the first thing that its customer says.
    `fails` are tasks in which the model does not answer."""

    def __init__(self, tasks):
        self.tasks = {task["turns"][0]: task for task in tasks}
        self.fails = set()

    def following(self, key):
        def selects(conversation, actions):
            _, *users = [message for message in conversation if message.role == "user"]  # the first says what is theirs
            task = self.tasks[users[0].content]
            if task["id"] in self.fails:
                raise ModelFailed("no reply.")
            steps = task["forbidden"][:1] + task["gold"] if key == "forbidden" else task["gold"]
            made = sum(message.role == "tool" for message in conversation)
            if len(users) > 1 or made >= len(steps):
                return "nothing to do"
            return ActionCall(steps[made]["action"], steps[made]["arguments"])

        return selects


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with running(str(tmp_path_factory.mktemp("backend") / "backend.db"), "--simulation") as backend:
        yield backend.client


@pytest.fixture
def tasks():
    rows = [json.loads(line) for line in (FOLDER / "tasks.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["id"] in CHOSEN]


@pytest.fixture
def bench(tmp_path, client, tasks, installed, monkeypatch):
    """Open a project whose base model does what is right, and the candidate `careless` also what is forbidden."""
    models = Customers(tasks)
    made = {
        "scripted:careful": FunctionSelector(models.following("gold"), "scripted:careful"),
        "scripted:careless": FunctionSelector(models.following("forbidden"), "scripted:careless"),
    }
    installed("models", "scripted_models", groundtune_model=lambda settings, folder: made.get(settings.name))
    careless = Candidate("careless", model="scripted:careless")
    installed("candidates", "scripted_candidates", groundtune_candidates=lambda: [careless])
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution", "exact"))
    monkeypatch.setenv("BACKEND_TOKEN_OF_TESTS", client.token)
    document = client.send("GET", "/openapi.json", {}).json()
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "documents").mkdir()
    cases = [
        {"id": f"c{n}", "question": f"How is plan {n}?", "ideal_answer": "Good.", "split": "test"} for n in range(8)
    ]
    (tmp_path / "benchmark.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases), encoding="utf-8")

    def write(rows=tasks, settings=SETTINGS):
        (tmp_path / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        text = settings.format(url=client.url, free=json.dumps(FREE))
        (tmp_path / "groundtune.toml").write_text(text, encoding="utf-8")

    write()
    opened = []

    def project(progress=lambda *_: None):
        opened.append(groundtune.open_project(tmp_path, progress=progress))
        return opened[-1]

    yield project, write, made, models
    for each in opened:
        each.close()


def agents_of(project, *names):
    """What the report would say of these candidates as agents."""
    assembly = project.assembly
    section = agent_section(assembly, [assembly.candidate(name) for name in names], datetime.now(UTC))
    return {result.name: result for result in section.candidates}


@pytest.fixture
def command(monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["groundtune", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        return capsys.readouterr().out

    return command


def test_candidates_are_tried_kept_and_shown(bench, command):
    project, _, made, _ = bench
    first = project()
    before = agents_of(first, "base", "careless")
    assert {result.state for result in before.values()} == {"not tried"}

    evaluations = evaluate_agents(first.assembly, ["base", "rag", "careless"])
    assert [evaluation.candidates for evaluation in evaluations] == [("base", "rag"), ("careless",)]
    report = project().compare(["base", "careless"])
    base, careless = report.agents.candidates
    assert (base.state, base.may_act, base.success.mean, base.unauthorised) == ("tried", True, 1.0, 0)
    assert (careless.state, careless.may_act) == ("tried", False)
    assert careless.unauthorised >= 3
    assert careless.kinds["injection"].trials == base.injected == 3
    assert report.agents.comparisons[0].scorer == "task success"
    assert (report.recommendation.candidate, report.recommendation.may_act) == ("base", True)
    page = render_html(report)
    assert all(f"<li>{example}</li>" in page for example in careless.examples)
    assert as_json(report)["agents"]["candidates"][1]["may_act"] is False

    asked = {name: len(model.asked) for name, model in made.items()}
    alone = project().compare(["careless"])
    assert (alone.recommendation.candidate, alone.recommendation.may_act) == ("careless", False)
    assert "Do not let careless act" in alone.recommendation.reasons[0]
    printed = command("agents", "evaluate", "base", "careless", "--json", "--project", first.folder)
    (evaluated, _) = json.loads(printed)["evaluations"]
    assert evaluated["success"] == as_json(report)["agents"]["candidates"][0]["success"], "of the same confidence"
    assert "careless, not wanted: injection-01: add_roaming with " in command(
        "agents", "evaluate", "base", "careless", "--project", first.folder
    )
    assert {name: len(model.asked) for name, model in made.items()} == asked, "what was tried is not tried again"


def test_an_evaluation_goes_on_where_it_was_interrupted(bench):
    project, _, made, models = bench

    def interrupt(stage, done, total):
        if "trying tasks" in stage and done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_agents(project(interrupt).assembly)
    result = agents_of(project(), "base")["base"]
    assert (result.tasks, result.may_act) == (3, None)
    models.fails = {"injection-01"}
    (evaluation,) = evaluate_agents(project().assembly)
    failed = [task.id for task in evaluation.tried if task.trials[0].failed]
    assert failed == ["injection-01"]
    assert agents_of(project(), "base")["base"].may_act is None, "a task in which the model failed tells nothing"
    models.fails, done = set(), []
    made["scripted:careful"].asked.clear()
    evaluate_agents(project(lambda *_: done.append(1)).assembly)
    first_turns = {conversation[2].content for conversation in made["scripted:careful"].asked}
    assert first_turns == {text for text, task in models.tasks.items() if task["id"] == "injection-01"}
    assert agents_of(project(), "base")["base"].may_act is True


def test_more_trials_give_pass_hat_k_and_again_tries_anew(bench):
    project, _, made, _ = bench
    evaluate_agents(project().assembly, trials=2)
    assert agents_of(project(), "base")["base"].pass_hat == {1: 1.0, 2: 1.0}
    made["scripted:careful"].asked.clear()
    evaluate_agents(project().assembly, again=True)
    assert made["scripted:careful"].asked
    assert agents_of(project(), "base")["base"].pass_hat == {1: 1.0}


def test_what_changed_since_is_said(bench, tasks):
    project, write, _, _ = bench
    evaluate_agents(project().assembly)
    write(settings=SETTINGS.replace("[actions]\n", "[actions]\ncalls = 9\n"))
    result = agents_of(project(), "base")["base"]
    assert (result.state, result.changed, result.may_act) == ("out of date", ("the rules",), None)

    write(rows=[*tasks[:-1], {**tasks[-1], "turns": ["Something else.", *tasks[-1]["turns"]]}])
    result = agents_of(project(), "base")["base"]
    assert (result.state, result.tasks, result.may_act) == ("tried", len(tasks) - 1, None), "one task is another"

    write(rows=[])
    report = project().compare(["base"])
    assert report.agents is None
    assert any("tasks.jsonl" in note for note in report.notes)


def test_a_candidate_that_was_not_tuned_is_refused(bench):
    project, *_ = bench
    with pytest.raises(InputError, match="has not been tuned yet"):
        evaluate_agents(project().assembly, ["tuned"])


def test_in_a_conversation_the_candidates_own_model_selects(bench, tasks):
    project, *_ = bench
    task = next(task for task in tasks if task["id"] == "injection-01")
    customer = Actor(task["customer"]["id"], ("customer",), task["customer"]["own"])
    selected = {}
    for name in ("base", "careless"):
        with open_talk(project(), name, customer) as talk:
            events = [event for event in talk.say(task["turns"][0]) if isinstance(event, Proposed)]
            selected[name] = [event.call.arguments["roaming_pass"] for event in events]
    assert selected == {"base": ["hop-3"], "careless": ["hop-world", "hop-3"]}


def test_a_trial_with_an_unauthorised_effect_counts_even_if_the_model_failed_then():
    call = ActionCall("pay_bill", {"bill": "B-1"})
    gone = HandedOver(f"{MODEL_FAILED}: no reply", "")
    assert as_trial(ScriptedRun("t", False, {}, (gone,), ())).failed
    trial = as_trial(ScriptedRun("t", False, {}, (gone,), (call,)))
    assert (trial.failed, trial.unauthorised, trial.handed_over) == ("", (call.text,), True)
