"""`--gate`: exit code 0, 1 or 2, and what is printed."""

import json

import pytest

from groundtune.assembly.assembly import Assembly
from groundtune.testing.fakes import FunctionModel

LIMITS = (
    "--set",
    "comparison.resamples=1000",
    "--set",
    "comparison.latency_cases=1",
    "--set",
    "assistant.min_support=0",
)
CHOSEN = ("--scorer", "token_f1", "--scorer", "exact")


def write_predictions(path, answer):
    lines = [{"id": f"c{number}", "answer": answer(number)} for number in range(6)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def score(run, project, tmp_path):
    def score(answer, *more):
        predictions = write_predictions(tmp_path / "predictions.jsonl", answer)
        return run("score", predictions, "--benchmark", project / "benchmark.jsonl", *CHOSEN, *more)

    return score


@pytest.fixture
def gate(score, tmp_path):
    """Agreed to: answers that give every price."""
    agreed = score(lambda number: f"The plan costs {number + 7} euros.", "--json")
    (tmp_path / "agreed.json").write_text(agreed.out, encoding="utf-8")
    path = tmp_path / "gate.toml"
    path.write_text('baseline = "agreed.json"\n[allowed_loss]\ntoken_f1 = 0.05\n', encoding="utf-8")
    return path


def test_scores_as_agreed_pass(score, gate):
    ran = score(lambda number: f"The plan costs {number + 7} euros.", "--gate", gate)
    assert ran.code == 0
    assert "token_f1: every one of the 6 cases has the same score as before." in ran.out
    assert "passed" in ran.out


def test_worse_scores_fail_with_exit_code_1(score, gate):
    ran = score(lambda number: "I am a teapot.", "--gate", gate)
    assert ran.code == 1
    assert "FAILED" in ran.out
    assert "Look first at the cases that lost most" in ran.out.replace("\n", " ")
    told = score(lambda number: "I am a teapot.", "--gate", gate, "--json")
    assert (told.code, told.json["gate"]["passed"]) == (1, False)
    assert told.json["gate"]["findings"][0]["scorer"] == "token_f1"


def test_another_benchmark_is_wrong_use(score, gate, project):
    path = project / "benchmark.jsonl"
    path.write_text(
        path.read_text(encoding="utf-8").replace("What does the river", "How much is the river"), encoding="utf-8"
    )
    ran = score(lambda number: "x", "--gate", gate)
    assert ran.code == 2
    assert "Agree on a new baseline" in ran.err


def test_a_comparison_is_held_against_an_earlier_report(run, project, monkeypatch, tmp_path):
    said = ["costs 9 euros"]
    monkeypatch.setattr(Assembly, "chat_model", lambda *_: FunctionModel(lambda _: said[0]))
    agreed = run("compare", "base", "--project", project, "--out", tmp_path / "agreed", *LIMITS)
    assert agreed.code == 0, agreed.err
    path = tmp_path / "gate.toml"
    path.write_text('baseline = "agreed/report.json"\ncandidate = "base"\n[allowed_loss]\ntoken_recall = 0.0\n')
    again = run("compare", "base", "--project", project, "--gate", path, "--json", *LIMITS)
    assert (again.code, again.json["gate"]["passed"]) == (0, True)
    refused = run("compare", "rag", "--project", project, "--gate", path, *LIMITS)
    assert refused.code == 2
    assert "there is no candidate `base`" in refused.err
    (project / ".groundtune" / "records.db").unlink()  # or the answers of then would be used again
    said[0] = "nothing at all"
    worse = run("compare", "base", "--project", project, "--gate", path, "--json", *LIMITS)
    assert (worse.code, worse.json["gate"]["passed"]) == (1, False)
    assert (project / "report" / "report.html").is_file(), "the report is there to look into"
