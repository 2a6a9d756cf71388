"""`groundtune judge` with a judge behind a server on this machine."""

import json

import pytest

from groundtune.assembly.judges import CALIBRATION, LATEST
from groundtune.records import open_records
from groundtune.testing.endpoint import LocalEndpoint, said
from groundtune.values import Completion, Usage

LEVELS = {"good": "5", "fair": "3", "poor": "1"}
KINDS = tuple(LEVELS)


def judge(request):
    """Give what the answer says of itself; of two, prefer the first."""
    text = request.body["messages"][-1]["content"]
    kind = next((kind for kind in KINDS if f"<answer>\n{kind}" in text), None)
    return said(Completion(LEVELS[kind] if kind else "1", Usage(100, 1)))


@pytest.fixture
def judged(project, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LocalEndpoint(judge) as endpoint:
        settings = f'[judge]\nmodels = ["openai:qwen3@{endpoint.url}"]\nprice_in = 1\nprice_out = 2\n'
        (project / "groundtune.toml").write_text(settings, encoding="utf-8")
        cases = [
            {"id": f"c{n}", "question": f"Question {n}?", "ideal_answer": "Yes.", "group": f"g{n}"} for n in range(20)
        ]
        every = [(case["id"], candidate, KINDS[n % 3]) for n, case in enumerate(cases) for candidate in ("a", "b")]
        write(project / "benchmark.jsonl", cases)
        write(
            project / "answers.jsonl",
            [{"id": id_, "candidate": one, "answer": f"{kind} {one}"} for id_, one, kind in every],
        )
        values = {"good": 3, "fair": 2, "poor": 1}
        write(
            project / "ratings.jsonl",
            [
                {"case": id_, "candidate": one, "rater": "ada", "criterion": "accuracy", "value": values[kind]}
                for id_, one, kind in every
            ],
        )
        yield project


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def calibrate(run, project, *more):
    files = ("--ratings", project / "ratings.jsonl", "--answers", project / "answers.jsonl")
    return run("judge", "calibrate", "--project", project, *files, "--scale", "1,3", *more)


def test_calibrate_prints_one_document_and_keeps_it(run, judged):
    found = calibrate(run, judged, "--json")
    assert found.code == 0
    one = found.json["scorers"]["judge_accuracy"]
    assert one["doubt"] == ""
    assert one["agreement"]["weighted_kappa"]["value"] == pytest.approx(1)
    assert one["agreement"]["answers"] == 40
    assert one["ceiling"]["alpha"] == {"value": None, "low": None, "high": None}
    assert {rate["candidate"] for rate in one["pass_rates"]} == {"a", "b"}
    assert one["position"]["first"] == one["position"]["pairs"] == 20
    with open_records("sqlite:///.groundtune/records.db", judged) as records:
        assert records.kept(CALIBRATION, LATEST) == found.json


def test_calibrate_says_it_to_people(run, judged):
    found = calibrate(run, judged)
    assert found.code == 0
    text = " ".join(found.out.split())
    assert "judge_accuracy (openai:qwen3@" in text
    assert "May be used in the recommendation." in text
    assert "the position decided 20 of 20 pairs asked in both orders (100%): 20 times the first answer" in text
    assert "80 questions, 8,000 tokens in, 80 tokens out, cost 0.01 at the prices in `[judge]`." in text
    again = calibrate(run, judged)
    assert "tokens in" not in again.out


def test_prefer_counts_flips_as_ties(run, judged):
    arguments = ("judge", "prefer", "a", "b", "--project", judged, "--answers", judged / "answers.jsonl")
    found = run(*arguments, "--criterion", "relevance", "--json").json["qwen3"]
    assert (found["wins"], found["ties"], found["losses"], found["flips"]) == (0, 20, 0, 20)
    shown = " ".join(run(*arguments).out.split())
    assert "qwen3: a is better in 0 cases, b in 0; 20 ties (20 of them because the order decided)." in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scale", "1"), "not two numbers"),
        (("--scale", "5,1"), "does not start with the lowest value"),
        (("--scale", "1,2"), "the scale goes from 1 to 2"),
        (("--ratings", "none.jsonl"), "no such file"),
        (("--set", "judge.models=[]"), "there is no judge"),
        (("--set", "judge.rubrics=none.toml"), "no such file"),
    ],
)
def test_wrong_use_ends_with_2_and_a_remedy(run, judged, arguments, words):
    found = calibrate(run, judged, *arguments)
    assert found.code == 2
    assert words in found.err
