"""`groundtune judge` with a judge behind a server on this machine."""

import json
import math

import pytest

from groundtune.assembly.judges import CALIBRATION, LATEST
from groundtune.http import endpoint as http
from groundtune.records import open_records
from groundtune.testing.endpoint import LocalEndpoint, Response, error, said
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


# --- a judge that names levels by number, among noise ---------------------------------------------


def weighted(shares):
    """A reply whose first token has these probabilities."""
    top = [{"token": token, "logprob": math.log(share)} for token, share in shares.items()]
    first = max(shares, key=shares.get)
    content = [{"token": first, "logprob": math.log(shares[first]), "top_logprobs": top}]
    choice = {"message": {"content": first}, "finish_reason": "stop", "logprobs": {"content": content}}
    return Response([json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}).encode()])


def noisy(form, share):
    """Gives people's level `share` of the probability, in this form, and the rest to letters."""

    def respond(request):
        text = request.body["messages"][-1]["content"]
        kind = next((kind for kind in KINDS if f"<answer>\n{kind}" in text), "poor")
        rest = dict(zip("EDCBA", (0.5, 0.25, 0.12, 0.08, 0.05), strict=True))
        return weighted({form.format(LEVELS[kind]): share} | {each: (1 - share) * part for each, part in rest.items()})

    return respond


@pytest.fixture
def patient(monkeypatch):
    """Waits for no time."""
    backoff = http.Backoff
    monkeypatch.setattr("groundtune.models.openai_compatible.Backoff", lambda: backoff(sleep=lambda _: None))


def judged_by(run, project, respond):
    with LocalEndpoint(respond) as endpoint:
        settings = f'[judge]\nmodels = ["openai:qwen3@{endpoint.url}"]\n'
        (project / "groundtune.toml").write_text(settings, encoding="utf-8")
        found = calibrate(run, project, "--json")
        return found, len(endpoint.requests)


@pytest.mark.parametrize(("form", "share"), [("{}", 0.98), (" {}", 0.7), ("({}", 0.55), ("{}.", 0.9)])
def test_a_judge_that_names_peoples_level_by_its_number_agrees_with_people(run, judged, form, share):
    found, _ = judged_by(run, judged, noisy(form, share))
    one = found.json["scorers"]["judge_accuracy"]
    assert (found.code, one["doubt"], one["unclear"]) == (0, "", 0)
    assert one["agreement"]["weighted_kappa"]["value"] == pytest.approx(1)


SILENT = {
    "noise": (noisy("{}", 0.45), "only 45% of the probability"),
    "evasion": (lambda request: said(Completion("I would rather not say.", Usage())), "'I would rather not say.'"),
    "letters": (lambda request: said(Completion("D", Usage())), "replied 'D'"),
    "a rejected key": (lambda request: error(401, "bad key"), "answered 401: bad key"),
    "no start": (lambda request: error(503, "starting"), "answered 503: starting Tried 5 times."),
    "nonsense": (lambda request: Response([b"<html>"]), "not a chat completion"),
}


@pytest.mark.parametrize(("respond", "words"), SILENT.values(), ids=SILENT)
def test_where_no_judge_call_gives_anything_calibrate_says_why_and_ends_with_1(run, judged, patient, respond, words):
    found, _ = judged_by(run, judged, respond)
    assert found.code == 1
    assert "judge_accuracy gave no score to any answer: " in found.err
    assert words in found.err
    assert found.json["scorers"]["judge_accuracy"]["agreement"]["answers"] == 0
    with open_records("sqlite:///.groundtune/records.db", judged) as records:
        assert records.kept(CALIBRATION, LATEST) is None


@pytest.mark.parametrize(("respond", "words"), SILENT.values(), ids=SILENT)
def test_where_no_judge_call_gives_anything_prefer_says_why_and_ends_with_1(run, judged, patient, respond, words):
    with LocalEndpoint(respond) as endpoint:
        at = f'judge.models=["openai:qwen3@{endpoint.url}"]'
        answers = judged / "answers.jsonl"
        found = run("judge", "prefer", "a", "b", "--project", judged, "--answers", answers, "--json", "--set", at)
    assert found.code == 1
    assert "qwen3 preferred none: " in found.err
    assert words in found.err
    assert found.json["qwen3"]["wins"] == 0


def test_what_was_known_of_a_judge_that_dies_stays_known(run, judged, patient):
    calibrate(run, judged)
    with open_records("sqlite:///.groundtune/records.db", judged) as records:
        before = records.kept(CALIBRATION, LATEST)
    found, _ = judged_by(run, judged, lambda request: error(403, "no"))
    assert found.code == 1
    with open_records("sqlite:///.groundtune/records.db", judged) as records:
        assert records.kept(CALIBRATION, LATEST) == before


def test_a_judge_that_is_down_is_found_down_once(run, judged, patient):
    found, asked = judged_by(run, judged, lambda request: error(500, "oh"))
    assert found.code == 1
    assert asked <= 5 * 8 * 8  # eight rounds of eight at once, five times each
