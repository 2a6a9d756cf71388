"""Benchmarks and studies with next to nothing in them: every command answers, and its JSON is JSON."""

import json

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.cli import _shared
from groundtune.comparison import compare as compare_module
from groundtune.files import json_text
from groundtune.testing.fakes import FunctionModel, only

from .conftest import CASES, write_lines
from .test_human import fill

DRAFT = {"id": "d1", "question": "What?", "ideal_answer": "This.", "status": "draft"}
UNANSWERABLE = [{"id": f"u{number}", "question": f"Why {number}?", "answerable": False} for number in range(3)]
BENCHMARKS = {
    "one group": [{**case, "group": "all", "split": "test"} for case in CASES],
    "one group, one case": [{**CASES[0], "split": "test"}],
    "one case in development": [{**CASES[0], "split": "development"}],
    "two cases of one group": [{**case, "group": "all", "split": "test"} for case in CASES[:2]],
    "two groups": [{**case, "split": "test"} for case in CASES[:2]],
    "development empty": [{**case, "split": "test"} for case in CASES],
    "test empty": [{**case, "split": "development"} for case in CASES],
    "nothing answerable": UNANSWERABLE,
    "one not answerable": [{**UNANSWERABLE[0], "split": "test"}],
    "only drafts": [DRAFT],
    "only rejected": [{**DRAFT, "status": "rejected"}],
    "empty file": [],
    "no file": None,
}
LIMITS = [
    option
    for key in ("comparison.resamples=1000", "comparison.latency_cases=1", "assistant.min_support=0")
    for option in ("--set", key)
]
COMMANDS = [["check"], ["stats"], ["freeze"], ["export", "cases.csv", "--all"]]


def strict(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_command_answers(run, project, tmp_path, monkeypatch, name, command):
    monkeypatch.chdir(tmp_path)
    if BENCHMARKS[name] is None:
        (project / "benchmark.jsonl").unlink()
    else:
        write_lines(project / "benchmark.jsonl", BENCHMARKS[name])
    told = run("benchmark", *command, "--project", project, "--json")
    assert told.code in (0, 1, 2)
    document = strict(told.out)
    assert ("error" in document) == (told.code == 2)
    (tmp_path / "cases.csv").unlink(missing_ok=True)
    (project / "benchmark.lock").unlink(missing_ok=True)
    shown = run("benchmark", *command, "--project", project)
    assert shown.code == told.code
    assert "nan" not in shown.out.split()


@pytest.mark.parametrize("name", ["one group", "one group, one case", "two cases of one group", "one not answerable"])
def test_a_single_group_finds_no_difference(run, project, name):
    write_lines(project / "benchmark.jsonl", BENCHMARKS[name])
    plan = strict(run("benchmark", "stats", "--project", project, "--json").out)["plan"]
    assert plan["groups"] == 1
    assert [outlook["detectable"] for outlook in plan["assumed"]] == [None] * 4
    assert all(outlook["needed"]["0.05"][0] > 1 for outlook in plan["assumed"])
    assert "none" in run("benchmark", "stats", "--project", project).out


@pytest.mark.parametrize(
    ("groups", "same"), [(["a"], True), (["a", "b"], False), (["a"] * 12, True), (["a"] * 11 + ["b"], False)]
)
def test_stats_after_a_run(run, project, monkeypatch, groups, same):
    model = FunctionModel(lambda asked: "7 euros." if same or "Question:" in asked[-1].content else "No idea.")
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: model)
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution"))
    cases = [{**CASES[number % 6], "id": f"n{number}", "group": group} for number, group in enumerate(groups)]
    write_lines(project / "benchmark.jsonl", [{**case, "split": "test"} for case in cases])
    done = run("compare", "base", "rag", "--project", project, "--json", *LIMITS)
    assert done.code == 0, done.err
    strict(done.out)
    strict((project / "report" / "report.json").read_text(encoding="utf-8"))
    strict(run("benchmark", "stats", "--project", project, "--json").out)


@pytest.mark.parametrize(
    ("number", "filled", "raters", "group"),
    [
        (1, "nothing", ["ana"], ""),
        (1, "all alike", ["ana"], ""),
        (6, "all alike", ["ana", "ben"], "all"),
        (6, "one candidate best", ["ana", "ben"], ""),
    ],
)
def test_every_human_report_answers(run, project, monkeypatch, number, filled, raters, group):
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution"))
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: "It is 9 euros."))
    write_lines(project / "benchmark.jsonl", [{**case, "split": "test", "group": group} for case in CASES[:number]])
    done = run("compare", "base", "rag", "--project", project, *LIMITS)
    assert done.code == 0, done.err
    assigned = run("human", "assign", *raters, "--project", project, "--json")
    assert assigned.code in (0, 2), assigned.err
    strict(assigned.out)
    if assigned.code == 0 and filled != "nothing":
        sheets = project / "human" / "study" / "sheets"
        files = [fill(sheets / f"{rater}.csv", lambda _: "3", "B" if "best" in filled else "equal") for rater in raters]
        taken = run("human", "import", *files, "--project", project, "--json")
        assert taken.code == 0, taken.err
        strict(taken.out)
    told = run("human", "report", "--project", project, "--json")
    assert told.code in (0, 2)
    strict(told.out)
    assert "nan" not in run("human", "report", "--project", project).out.split()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_no_number_that_json_lacks_is_printed(capsys, value):
    document = {"a": value, "b": [value, (1.5, value)], "c": {"0.5": {"d": value}}, "e": "NaN"}
    _shared.emit(True, document, "")
    assert strict(capsys.readouterr().out) == {
        "a": None,
        "b": [None, [1.5, None]],
        "c": {"0.5": {"d": None}},
        "e": "NaN",
    }
    assert strict(json_text(document, 1))["a"] is None
