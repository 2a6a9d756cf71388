"""Runs against endpoints that refuse, hang, are busy or talk nonsense; a kill in the middle; a case that fails.

All over real HTTP on this machine, through the main job where it can be, with no model.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

import groundtune
from groundtune import cli
from groundtune.comparison import compare as compare_module
from groundtune.evaluation import run as run_module
from groundtune.evaluation.judge import judge as judge_module
from groundtune.http import endpoint as http
from groundtune.testing.endpoint import LocalEndpoint, Request, Response, error, said, streamed
from groundtune.testing.fakes import only
from groundtune.values import Answer, Completion, Failure, Usage

CASES = 24
FEW = {"comparison.resamples": "1000", "comparison.latency_cases": "1"}
JUDGED = "Reply with its number"
BLOCKED = 120.0  # seconds, after which no test waits any more


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Wait a hundredth of what is waited in earnest, and score with what needs no model."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    defaults = {"base": 0.005, "longest": 0.02}
    backoff = http.Backoff
    monkeypatch.setattr("groundtune.models.openai_compatible.Backoff", lambda: backoff(**defaults), raising=True)
    monkeypatch.setattr(compare_module, "all_scorers", only("resolution", "exact"))


@pytest.fixture
def folder(tmp_path):
    lines = [
        {"id": f"c{n}", "question": f"Question {n}?", "ideal_answer": f"Answer {n}.", "group": f"g{n}", "split": "test"}
        for n in range(CASES)
    ]
    (tmp_path / "benchmark.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


def open_at(folder: Path, url: str, judge: str = "", timeout: float = BLOCKED):
    common = f"timeout = {timeout}\nconcurrency = 4\n"
    judges = f'models = ["openai:judge@{judge}"]\n' if judge else ""
    settings = f'[model]\nname = "openai:answers@{url}"\n{common}[judge]\n{judges}{common}'
    (folder / "groundtune.toml").write_text(settings, encoding="utf-8")
    return groundtune.open_project(folder, FEW)


def text(request: Request) -> str:
    return request.body["messages"][-1]["content"]


def patience(respond) -> float:
    """Seconds for a reply: few where none will come."""
    return 0.2 if respond is TROUBLE["hangs"] else BLOCKED


def good(request: Request) -> Response:
    """Judges say 2; all else is answered."""
    completion = Completion("2" if JUDGED in text(request) else "An answer.", Usage(5, 2))
    return streamed([completion.text], completion) if request.body.get("stream") else said(completion)


# --- an endpoint that answers, and one that judges ------------------------------------------------

TROUBLE = {
    "refuses every request": lambda request: error(403, "no"),
    "hangs": lambda request: Response([b"{}"], delay=BLOCKED),
    "is always busy": lambda request: error(429, "busy", {"Retry-After": "0"}),
    "breaks": lambda request: error(500, "oh"),
    "talks nonsense": lambda request: Response([b"\x00\xff<html>"]),
    "answers another question": lambda request: Response([b'{"object": "list", "data": []}']),
}


@pytest.mark.parametrize("respond", TROUBLE.values(), ids=TROUBLE)
def test_a_model_in_trouble_leaves_failures_that_are_counted_and_a_report(folder, respond):
    with LocalEndpoint(respond) as endpoint:
        started = time.monotonic()
        report = open_at(folder, endpoint.url, timeout=patience(respond)).compare(["base"])
        asked = len(endpoint.requests)
    (base,) = report.candidates
    assert base.failed == CASES
    assert (base.scores["resolution"].failed, base.scores["resolution"].mean) == (CASES, None)
    assert report.recommendation.candidate is None
    assert all(isinstance(row.answers["base"], Failure) for row in report.rows)
    assert "not asked, because 8 cases in a row failed" in report.rows[-1].answers["base"].reason
    assert asked <= 2 * (4 + 2 * 2 + 4) * 5  # two slices, whole, in halves and one by one, five times each
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("respond", TROUBLE.values(), ids=TROUBLE)
def test_a_judge_in_trouble_leaves_failed_scores_and_the_rest_of_the_report(folder, respond):
    with LocalEndpoint(good) as answers, LocalEndpoint(respond) as judge:
        report = open_at(folder, answers.url, judge.url, timeout=patience(respond)).compare(["base"])
        asked = len(judge.requests)
    (base,) = report.candidates
    assert base.failed == 0
    assert base.scores["exact"].scored == CASES
    for name in ("judge_accuracy", "judge_relevance", "judge_comprehensiveness"):
        assert (base.scores[name].failed, base.scores[name].scored, base.scores[name].mean) == (CASES, 0, None)
    reasons = {row.scores["base"]["judge_accuracy"].reason for row in report.rows}
    assert any("not asked, because 8 questions in a row failed" in reason for reason in reasons)
    assert asked < 3 * CASES * 5


def test_nobody_listens_at_the_address(folder):
    with LocalEndpoint(good) as answers:
        report = open_at(folder, answers.url, "http://127.0.0.1:9/v1").compare(["base"])
    assert report.candidates[0].scores["judge_accuracy"].failed == CASES
    assert "cannot be reached" in report.rows[0].scores["base"]["judge_accuracy"].reason


def test_an_endpoint_that_recovers_is_waited_for(folder):
    """Every request is refused once with 429 or 503 before it is answered."""
    seen: Counter[str] = Counter()
    lock = threading.Lock()

    def respond(request):
        with lock:
            seen[text(request)] += 1
            first = seen[text(request)] == 1
        if not first:
            return good(request)
        return error(429, "busy", {"Retry-After": "0.01"}) if len(seen) % 2 else error(503, "later")

    with LocalEndpoint(respond) as endpoint:
        report = open_at(folder, endpoint.url, endpoint.url).compare(["base"])
    (base,) = report.candidates
    assert base.failed == 0
    assert base.scores["judge_accuracy"].scored == CASES
    assert base.scores["judge_accuracy"].mean == pytest.approx(0.253125)  # level 2 with 0.99, the others share 0.01


def test_a_case_that_fails_is_counted_shown_and_asked_again(folder):
    """One case cannot be answered, another not be judged: two holes that the report shows, and that can be filled."""
    broken = {"answers": "Question 3?", "judge": "Question 5?"}

    def respond(request):
        kind = "judge" if JUDGED in text(request) else "answers"
        return error(400, "content policy") if broken.get(kind, "\0") in text(request) else good(request)

    with LocalEndpoint(respond) as endpoint:
        report = open_at(folder, endpoint.url, endpoint.url).compare(["base"])
        (base,) = report.candidates
        assert base.failed == 1
        assert (base.scores["exact"].scored, base.scores["exact"].failed) == (CASES - 1, 1)
        assert (base.scores["judge_accuracy"].scored, base.scores["judge_accuracy"].failed) == (CASES - 2, 2)
        rows = {row.case.id: row for row in report.rows}
        assert "content policy" in rows["c3"].answers["base"].reason
        assert rows["c3"].scores["base"]["judge_accuracy"].reason.startswith("no answer:")
        assert "content policy" in rows["c5"].scores["base"]["judge_accuracy"].reason
        broken.clear()
        before = len(endpoint.requests)
        again = open_at(folder, endpoint.url, endpoint.url).compare(["base"])
        asked = [text(request) for request in endpoint.requests[before:]]
    assert again.candidates[0].failed == 0
    assert again.candidates[0].scores["judge_accuracy"].failed == 0
    assert {number for number in range(CASES) if any(f"Question {number}?" in each for each in asked)} == {3, 5}
    assert len(asked) == 1 + 3 + 3  # case 3 answered, then 3 and 5 judged by three rubrics


def test_an_answer_to_which_a_judge_names_no_level_is_unscored_by_itself(folder):
    def respond(request):
        if JUDGED in text(request) and "Question 2?" in text(request):
            return said(Completion("I would rather not say.", Usage(5, 5)))
        return good(request)

    with LocalEndpoint(respond) as endpoint:
        report = open_at(folder, endpoint.url, endpoint.url).compare(["base"])
    accuracy = report.candidates[0].scores["judge_accuracy"]
    assert (accuracy.scored, accuracy.unscored, accuracy.failed) == (CASES - 1, 1, 0)
    assert (
        "the judge was asked for one of 1, 2, 3, 4, 5 and replied 'I would rather not say.'"
        in report.rows[2].scores["base"]["judge_accuracy"].reason
    )


# --- a kill ---------------------------------------------------------------------------------------

COMPARE = """
import groundtune
from groundtune.comparison import compare
from groundtune.testing.fakes import only
compare.all_scorers = only("resolution", "exact")
groundtune.open_project({folder!r}, {flags!r}).compare(["base"])
"""


class Gate:
    """Answers a number of requests of one kind, then keeps all further ones of it waiting until it is opened."""

    def __init__(self, kind: str, number: int) -> None:
        self.kind, self.left = kind, number
        self.answered: list[str] = []
        self.lock = threading.Lock()
        self.opened = False

    def __call__(self, request: Request) -> Response:
        kind = "judge" if JUDGED in text(request) else "answers"
        with self.lock:
            passes = self.opened or kind != self.kind or self.left > 0
            self.left -= kind == self.kind
            if passes:
                self.answered.append(json.dumps(request.body))
        return good(request) if passes else Response([b"{}"], delay=BLOCKED)


def run_until(folder: Path, ready) -> None:
    """Run the main job in a process of its own and kill it as soon as `ready()`."""
    script = COMPARE.format(folder=str(folder), flags=FEW)
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "NO_PROXY": "127.0.0.1"}, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def kept_judgements(folder: Path) -> int:
    """How many judgements the records keep, as another process sees it; none while there are no records yet."""
    path = folder / ".groundtune" / "records.db"
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path)) as raw:
        try:
            return raw.execute("SELECT count(*) FROM kept WHERE kind = 'judgement'").fetchone()[0]
        except sqlite3.OperationalError:  # the tables are being made
            return 0


def repeated(answered: list[str]) -> list[str]:
    """What was answered more than once, the questions asked for latency aside."""
    return [body for body, times in Counter(answered).items() if times > 1 and '"stream"' not in body]


@pytest.mark.parametrize("number", [1, 30])
def test_killed_while_judging_it_judges_nothing_again(folder, number):
    gate = Gate("judge", number)

    def all_remembered():
        return kept_judgements(folder) == number

    with LocalEndpoint(gate) as endpoint:
        open_at(folder, endpoint.url, endpoint.url)
        run_until(folder, all_remembered)
        gate.opened = True
        report = open_at(folder, endpoint.url, endpoint.url).compare(["base"])
    assert report.candidates[0].scores["judge_accuracy"].scored == CASES
    assert repeated(gate.answered) == []
    assert sum(JUDGED in body for body in gate.answered) == 3 * CASES


def test_killed_while_answering_it_answers_again_only_what_was_under_way(folder):
    gate = Gate("answers", 10)  # two slices of four are saved, the third is not

    def two_slices_saved():
        return len(gate.answered) == 10

    with LocalEndpoint(gate) as endpoint:
        project = open_at(folder, endpoint.url)
        run_until(folder, two_slices_saved)
        gate.opened = True
        report = project.compare(["base"])
    assert report.candidates[0].failed == 0
    assert all(isinstance(row.answers["base"], Answer) for row in report.rows)
    assert len(repeated(gate.answered)) <= 2


def test_the_limits_are_what_the_documents_say():
    assert run_module.MOST_FAILURES == judge_module.MOST_FAILURES == 8


# --- dead endpoints and dead judges on the command line -------------------------------------------


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "http://nowhere.invalid/v1", "http://127.0.0.1:1/v1"])
def test_a_dead_endpoint_is_found_dead_once_by_all_candidates_and_judges(folder, monkeypatch, address):
    waited = []
    backoff = http.Backoff
    monkeypatch.setattr("groundtune.models.openai_compatible.Backoff", lambda: backoff(sleep=waited.append))
    report = open_at(folder, address, address).compare(["base"])
    assert report.candidates[0].failed == CASES
    assert len(waited) <= 4 * 4  # four retries of each of the four requests that were under way
    assert "cannot be reached" in report.rows[0].answers["base"].reason


@pytest.mark.parametrize("command", ["compare", "evaluate"])
@pytest.mark.parametrize("respond", TROUBLE.values(), ids=TROUBLE)
def test_where_every_judge_call_fails_the_command_says_why_and_ends_with_1(
    folder, capsys, monkeypatch, respond, command
):
    with LocalEndpoint(good) as answers, LocalEndpoint(respond) as judge:
        open_at(folder, answers.url, judge.url, timeout=patience(respond))
        flags = [part for key, value in FEW.items() for part in ("--set", f"{key}={value}")]
        monkeypatch.setattr(sys, "argv", ["groundtune", command, "base", "--project", str(folder), "--json", *flags])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert "gave no score to any answer" in shown.err
    assert "judge_accuracy" in shown.err
    assert judge.url in shown.err
    assert json.loads(shown.out)["candidates"]["base"]["scores"]["exact"]["scored"] == CASES
