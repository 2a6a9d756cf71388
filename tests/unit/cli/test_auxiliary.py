"""Commands that merely use a file for something else go on when it is broken, and say what is missing."""

import json

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.testing.fakes import EchoModel

CASE = {"id": "c1", "question": "What does it cost?", "ideal_answer": "7 euros.", "group": "a", "split": "test"}
GOOD = json.dumps(CASE)
BROKEN = {
    "broken JSON": (GOOD + '\n{"id": ', "benchmark.jsonl:2"),
    "an unknown key": (GOOD + "\n" + json.dumps({**CASE, "id": "c2", "qestion": 1}), "benchmark.jsonl:2"),
    "no JSON object": ("[1, 2]", "benchmark.jsonl:1"),
    "a missing key": (GOOD + '\n\n{"id": "x"}', "benchmark.jsonl:3"),
    "an empty file": ("", "benchmark.jsonl"),
    "blank lines": ("\n\n", "benchmark.jsonl"),
    "an id twice": (GOOD + "\n" + GOOD, "benchmark.jsonl:2"),
    "Latin-1": ('{"id": "caf\xe9"}'.encode("latin-1"), "benchmark.jsonl:1"),
    "UTF-16": (GOOD.encode("utf-16"), "benchmark.jsonl:1"),
    "NUL": (b"\x00\x00", "benchmark.jsonl:1"),
    "a folder": (None, "benchmark.jsonl"),
}


@pytest.fixture
def model(monkeypatch):
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: EchoModel())


def put(path, content):
    path.unlink(missing_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_benchmark_stops_no_question(run, project, kind):
    content, place = BROKEN[kind]
    put(project / "benchmark.jsonl", content)
    assert run("ingest", "--project", project).code == 0
    assert run("search", "pebble plan", "--project", project).code == 0
    asked = run("ask", "What does the pebble plan cost?", "--project", project, "--json")
    assert asked.code == 0
    assert asked.json["answer"]
    assert f"groundtune: warning: {project / place}: " in asked.err
    assert "no threshold is fitted" in asked.err
    assert run("ask", "Hello?", "--candidate", "base", "--project", project).err.count("warning") == 0
    for command in (("benchmark", "stats"), ("benchmark", "check"), ("compare", "base")):
        refused = run(*command, "--project", project)
        assert (refused.code, f"{project / place}: " in refused.err) == (2, True), command


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("kind", ["broken JSON", "an empty file", "a folder"])
def test_the_threshold_that_was_fitted_before_is_used(run, project, kind):
    run("ask", "What does the pebble plan cost?", "--project", project)
    put(project / "benchmark.jsonl", BROKEN[kind][0])
    asked = run("ask", "Who is the king of Spain?", "--project", project, "--json")
    assert "the threshold that was fitted before is used" in asked.err
    assert asked.json["abstained"]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("setting", ["nowhere.jsonl", "documents", "../x/benchmark.jsonl"])
def test_a_benchmark_that_is_named_and_not_there_is_told(run, project, setting):
    asked = run("ask", "What does it cost?", "--project", project, "--set", f"benchmark.cases={setting}")
    assert (asked.code, "no threshold is fitted" in asked.err) == (0, True)


@pytest.mark.usefixtures("model")
def test_a_project_without_a_benchmark_is_told_nothing(run, project):
    (project / "benchmark.jsonl").unlink()
    asked = run("ask", "What does it cost?", "--project", project)
    assert (asked.code, asked.err.count("warning")) == (0, 0)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("file", ["training.jsonl", "preferences.jsonl"])
@pytest.mark.parametrize("kind", ["broken JSON", "Latin-1", "a folder"])
def test_broken_training_data_stops_nothing_that_does_not_train(run, project, file, kind):
    put(project / file, BROKEN[kind][0])
    assert run("ask", "What does the pebble plan cost?", "--project", project).code == 0
    compared = run(
        "compare", "base", "--project", project, "--set", "comparison.resamples=1000", "--set", "comparison.cases=2"
    )
    assert compared.code == 0
