"""From documents to a recommendation with the real built-in models, on a cut-down telecom project.

Killed in the middle and run again, it goes on and loses nothing; run once more, it does nothing again.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

import groundtune
from groundtune.comparison.report import as_json, write_report
from groundtune.models.local import LocalChatModel
from groundtune.tuning import training
from groundtune.values import Answered, Cited, Question, Retrieved, TextPiece

DOCUMENTS = (
    "plans/pebble-and-brook.md",
    "plans/sprig.html",
    "plans/contract-terms.pdf",
    "plans/forge-business.docx",
    "billing/fees.pdf",
    "devices/repair-prices.pdf",
    "faq/billing.json",
    "tickets/mobile-tickets.csv",
)
SETTINGS = """
[project]
name = "Tirvane"
[model]
max_tokens = 24
[knowledge]
passages = 2
chunk_size = 300
[tuning]
steps = 3
evaluate_every = 3
held_out = 4
batch_size = 2
rank = 4
[tuning.raft]
steps = 3
[data]
accept = ["relevance", "names"]  # of 24 lines, few are about the few documents
[comparison]
resamples = 1000
latency_cases = 1
"""
CANDIDATES = ["base", "rag", "tuned", "tuned+rag", "raft"]


def take(lines, wanted, number):
    return [line for line in lines if wanted(line)][:number]


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def project(tmp_path, telecom):
    for name in DOCUMENTS:
        (tmp_path / "documents" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(telecom / "documents" / name, tmp_path / "documents" / name)
    (tmp_path / "groundtune.toml").write_text(SETTINGS, encoding="utf-8")
    cases = read(telecom / "benchmark.jsonl")

    def answerable(split):
        seen = set()

        def wanted(case):
            inside = case["answerable"] and {one["document"] for one in case["passages"]} <= set(DOCUMENTS)
            new = case["group"] not in seen
            if inside and new and case["split"] == split:
                seen.add(case["group"])
                return True
            return False

        return wanted

    chosen = [
        *take(cases, answerable("test"), 7),
        *take(cases, lambda case: not case["answerable"] and case["split"] == "test", 3),
        *take(cases, answerable("development"), 3),
        *take(cases, lambda case: not case["answerable"] and case["split"] == "development", 2),
    ]
    write(tmp_path / "benchmark.jsonl", chosen)
    taught = [line for line in read(telecom / "training.jsonl") if set(line["documents"]) <= set(DOCUMENTS)]
    write(tmp_path / "training.jsonl", taught[:24])
    return tmp_path


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def saved(project):
    """Return when each answer was saved, by (run, case)."""
    database = project / ".groundtune" / "records.db"
    if not database.is_file():
        return {}
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            rows = connection.execute("select run, case_id, saved_at from answers").fetchall()
    except sqlite3.OperationalError:  # the tables are being made
        return {}
    finally:
        if "connection" in locals():
            connection.close()
    return {(run, case): at for run, case, at in rows}


def kill_after_the_first_answers(project):
    """Run `groundtune compare` and kill it as the kernel would; return what had been saved."""
    command = [sys.executable, "-c", "from groundtune.cli import main; main()", "compare", "--project", str(project)]
    with (project / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        try:
            while not saved(project):
                assert running.poll() is None, (project / "log").read_text()
                time.sleep(0.1)
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait()
    return saved(project)


def refuse(*_, **__):
    pytest.fail("something finished was done again")


@pytest.mark.models
@pytest.mark.timeout(1800)
def test_compare_from_documents_to_a_recommendation(project, monkeypatch):
    before = kill_after_the_first_answers(project)
    assert before
    assert not (project / "report").exists()

    report = groundtune.open_project(project).compare()
    after = saved(project)
    assert len(after) == 5 * 10
    assert {key: after[key] for key in before} == before, "what was finished is kept"
    check_report(report, project)

    with monkeypatch.context() as patched:
        for name in ("complete", "stream"):
            patched.setattr(LocalChatModel, name, refuse)
        patched.setattr(training, "_trainer", refuse)
        again = groundtune.open_project(project).compare()
    assert saved(project) == after
    first, second = as_json(report), as_json(again)
    assert first.pop("created_at") < second.pop("created_at")
    assert first == second


def check_report(report, project):
    page, data = write_report(report, project / "report")
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    content = json.loads(data.read_text(encoding="utf-8"))
    assert content["benchmark"]["cases"] == 10
    assert content["benchmark"]["fingerprint"] == groundtune.open_project(project).benchmark.fingerprint
    assert list(content["candidates"]) == CANDIDATES
    for candidate in content["candidates"].values():
        assert {"scores", "latency", "usage"} <= set(candidate)
        assert candidate["failed"] == 0
        resolution = candidate["scores"]["resolution"]
        assert resolution["scored"] == 10
        assert resolution["low"] <= resolution["mean"] <= resolution["high"]
        assert {"rougeL", "bleu", "bertscore_f1", "corpus_bleu"} <= set(candidate["scores"])
        assert candidate["latency"]["seconds"]["n"] == 1
    pairs = [one for one in content["comparisons"] if one["scorer"] == "resolution"]
    assert len(pairs) == 10
    for one in content["comparisons"]:
        assert {"scorer", "baseline", "challenger", "difference", "p_value", "verdict"} <= set(one)
        assert 0 <= one["p_value"] <= 1
    recommendation = content["recommendation"]
    assert {"candidate", "indistinguishable", "more_cases_needed", "reasons"} <= set(recommendation)
    assert recommendation["candidate"] in [None, *CANDIDATES]
    assert recommendation["reasons"]
    assert {curve["adapter"] for curve in content["training"]} == {"tuned", "raft"}


@pytest.mark.models
@pytest.mark.timeout(600)
def test_documents_for_staff_are_answered_from_for_staff_alone(project):
    (project / "groundtune.toml").write_text(f"{SETTINGS}[assistant]\nmin_support = 0.3\n", encoding="utf-8")
    opened = groundtune.open_project(project, {"knowledge.readable_by": ["staff"]})
    opened.ingest()
    question = "How much is the Brook plan a month?"
    assert opened.ask(question).abstained
    assert opened.search(question) == []
    retrieved, *rest, answered = opened.answerer("rag").stream(Question(question, asker=("staff",)))
    assert isinstance(retrieved, Retrieved)
    assert "plans/pebble-and-brook.md" in {passage.document for passage in retrieved.passages}
    pieces = [event for event in rest if isinstance(event, TextPiece)]
    cited = [event for event in rest if isinstance(event, Cited)]
    assert rest == [*pieces, *cited]
    assert pieces
    assert isinstance(answered, Answered)
    answer = opened.ask(question, asker=["staff"])
    assert not answer.abstained
    assert (answer.text, answer.citations) == (answered.answer.text, tuple(event.citation for event in cited))
