"""The benchmark's commands: what they print, keep and refuse."""

import json

from groundtune.comparison import compare
from groundtune.comparison.workshop import Workshop
from groundtune.evaluation.scorers import scorers
from groundtune.testing.models import FunctionModel


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_check_warns_of_leaks_with_both_places_and_exits_with_0(run, project):
    asked = read(project / "benchmark.jsonl")[2]["question"]
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": "9."}]
    write(project / "training.jsonl", [{"messages": turns}])
    checked = run("benchmark", "check", "--project", project)
    assert checked.code == 0
    shown = " ".join(checked.out.split())
    assert "benchmark.jsonl:3: c2: the question is asked in training.jsonl:1 too." in shown
    assert "8 cases, 0 problems. 1 warnings." in shown


LIMITS = ("--set", "comparison.resamples=1000", "--set", "comparison.latency_cases=1")


def test_stats_tells_what_can_be_shown_and_leaves_nothing_behind(run, project):
    told = run("benchmark", "stats", "--project", project, "--json").json
    assert told["pilot"] is None
    assert (told["plan"]["cases"], told["plan"]["comparisons"], told["plan"]["fewest_groups"]) == (4, 10, 9)
    assert [one["sd"] for one in told["plan"]["assumed"]] == [0.2, 0.3, 0.4, 0.5]
    assert not (project / ".groundtune").exists()
    shown = " ".join(run("benchmark", "stats", "--project", project).out.split())
    assert "With 4 test cases in 4 groups and 5 candidates (10 comparisons, together 95% sure)" in shown
    assert "With fewer than 9 groups no difference is found" in shown


def test_stats_takes_the_scatter_from_an_earlier_run(run, project, monkeypatch):
    model = FunctionModel(lambda asked: "The brook plan costs 8 euros." if "brook" in asked[-1].content else "No idea.")
    monkeypatch.setattr(Workshop, "chat_model", lambda *_: model)
    monkeypatch.setattr(compare, "all_scorers", lambda settings, names=None: scorers(settings, ["resolution"]))
    assert run("compare", "base", "rag", "--project", project, "--json", *LIMITS).code == 0
    told = run("benchmark", "stats", "--project", project, "--json").json
    assert told["pilot"]["same_benchmark"]
    assert set(told["pilot"]["candidates"]) == {"base", "rag"}
    assert told["plan"]["pilot"]["sd"] == told["pilot"]["sd"] > 0
    rows = read(project / "benchmark.jsonl")
    write(project / "benchmark.jsonl", [*rows, {**rows[1], "id": "new", "group": "new"}])
    changed = run("benchmark", "stats", "--project", project, "--json").json
    assert not changed["pilot"]["same_benchmark"]
    assert changed["pilot"]["sd"] == told["pilot"]["sd"]
    assert "earlier version" in " ".join(run("benchmark", "stats", "--project", project).out.split())
