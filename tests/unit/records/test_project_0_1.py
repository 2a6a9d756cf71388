"""The project that groundtune 0.1 left (tests/fixtures/project_0_1) opens and means the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from groundtune import open_project
from groundtune.assembly.assembly import THRESHOLD
from groundtune.assembly.judges import CALIBRATION, LATEST, open_judges
from groundtune.comparison.latency import LATENCY
from groundtune.records import open_records
from groundtune.settings import load
from groundtune.values import Answer

FIXTURE = Path(__file__).parents[2] / "fixtures" / "project_0_1"
URL = "sqlite:///.groundtune/records.db"
PASSWORD = "postgresql://ana:hunter2@db/x"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(FIXTURE, tmp_path / "shop")
    (tmp_path / "shop" / "state").rename(tmp_path / "shop" / ".groundtune")
    return tmp_path / "shop"


@pytest.fixture
def records(folder):
    with open_records(URL, folder) as opened:
        yield opened


def before(query):
    """What the untouched database says."""
    with closing(sqlite3.connect(f"file:{FIXTURE}/state/records.db?mode=ro&immutable=1", uri=True)) as raw:
        return raw.execute(query).fetchall()


def kept_before(name):
    return json.loads((FIXTURE / "state" / name).read_text(encoding="utf-8"))


def test_runs_are_there(records):
    rows = before("SELECT id, candidate, signature, fingerprint, part, settings, created_at, finished_at FROM runs")
    assert len(rows) == 3
    assert sorted(rows) == sorted(
        (
            *(run.id, run.candidate, run.signature, run.fingerprint, run.part, json.dumps(run.settings)),
            *(run.created_at.isoformat(), run.finished_at.isoformat()),
        )
        for run in records.runs()
    )


def test_answers_are_there(records):
    rows = {(run, case): json.loads(answer) for run, case, answer in before("SELECT run, case_id, answer FROM answers")}
    answers = {(run.id, case): answer for run in records.runs() for case, answer in records.answers(run).items()}
    assert len(answers) == len(rows) == 33
    assert all(isinstance(answer, Answer) for answer in answers.values())
    assert {key: answer.text for key, answer in answers.items()} == {key: row["text"] for key, row in rows.items()}
    assert {key: len(answer.passages) for key, answer in answers.items()} == {
        key: len(row["passages"]) for key, row in rows.items()
    }


def test_scores_are_there(records):
    rows = before("SELECT run, signature, case_id, value, reason, failed FROM scores")
    signatures = {signature for _, signature, *_ in rows}
    assert len(rows) > 500
    assert sorted(rows, key=str) == sorted(
        (
            (run.id, signature, case, score.value, score.reason, int(score.failed))
            for run in records.runs()
            for signature in signatures
            for case, score in records.scores(run, signature).items()
        ),
        key=str,
    )


def test_the_comparison_is_there(records):
    (text,) = before("SELECT report FROM comparisons")[0]
    assert records.latest_comparison().report == json.loads(text)
    assert records.latest_comparison().report["recommendation"]["candidate"] == "rag"


def test_threshold_and_latencies_are_there(records):
    kept = kept_before("threshold.json")
    fitted = records.kept(THRESHOLD, kept["key"])
    assert {name: getattr(fitted, name) for name in kept["value"]} == kept["value"]
    for name in ("base", "rag"):
        kept = kept_before(f"latency/{name}.json")
        seconds = records.kept(LATENCY, f"{kept['key']}@unknown")
        assert list(seconds.first_token) == kept["value"]["first_token"]
        assert list(seconds.total) == kept["value"]["total"]
        assert seconds.machine == "unknown"


def test_the_calibration_is_there(records):
    assert records.kept(CALIBRATION, LATEST) == kept_before("judge-calibration.json")


@pytest.mark.models
def test_judgements_of_before_are_kept_and_not_used_as_the_judge_is_asked_otherwise_now(folder):
    """Version 0.1 asked for a number and a letter at once. What it was told must not stand beside new judgements."""
    project = open_project(folder)
    judges = project.assembly.judges
    records = project.assembly.records
    for run in records.runs():
        for scorer in judges.scorers:
            asked_otherwise = scorer.signature.replace("|version:2", "|version:1").replace("|choice:2", "")
            assert asked_otherwise != scorer.signature
            assert not records.scores(run, scorer.signature)
    calibrated = kept_before("judge-calibration.json")["scorers"]
    doubts = judges.doubts()
    assert set(calibrated) <= set(doubts)
    assert all("has changed since it was calibrated" in doubts[name] for name in calibrated)


def test_doubts_that_a_calibration_leaves_need_no_model(folder, records):
    """A judge of another name than then has not been calibrated: its signature differs."""
    settings = load(folder, {"judge.models": ["openai:m@http://localhost:1/v1"]}, environment={}).settings
    judges = open_judges(settings.judge, folder, records)
    assert set(judges.doubts()) == {"judge_accuracy", "judge_relevance", "judge_comprehensiveness"}
    assert "has changed since it was calibrated" in judges.doubts()["judge_accuracy"]


def test_passwords_of_before_stand_nowhere(folder):
    """Not in pages that the database does not use any more, and not in what it writes beside itself."""
    path = folder / ".groundtune" / "records.db"
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA secure_delete = OFF")  # some builds of SQLite have it on, most have not
        for (id_,) in raw.execute("SELECT id FROM runs").fetchall():
            settings = json.dumps({"records.url": {"value": PASSWORD, "origin": "file"}, "filler": "x" * 3000})
            raw.execute("UPDATE runs SET settings = ?, finished_at = NULL WHERE id = ?", (settings, id_))
        raw.execute(
            "UPDATE comparisons SET report = json_set(report, '$.settings.records_url', ?, '$.notes[0]', ?)",
            (PASSWORD, f"kept in {PASSWORD}"),
        )
        raw.commit()
        raw.execute("UPDATE runs SET finished_at = ?, candidate = ?", ("2026-11-26T00:58:41+00:00", "c" * 2000))
        raw.execute(
            "INSERT INTO runs SELECT 'gone', candidate, signature, ?, part, settings, '', '' FROM runs LIMIT 1",
            (PASSWORD,),
        )
        raw.execute("DELETE FROM runs WHERE id = 'gone'")
    assert path.read_bytes().count(b"hunter2") > 4
    with open_records(URL, folder) as records:
        assert files_with(b"hunter2", folder) == []  # while it is open, too
        assert records.runs()[0].settings["records.url"] == {"value": "postgresql://ana:***@db/x", "origin": "file"}
        assert records.latest_comparison().report["settings"]["records_url"] == "postgresql://ana:***@db/x"
    assert files_with(b"hunter2", folder) == []


def test_a_rewriting_that_was_kept_from_ending_is_done_the_next_time(folder):
    path = folder / ".groundtune" / "records.db"
    open_records(URL, folder).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA secure_delete = OFF")
        raw.execute("PRAGMA user_version = 0")  # as a kill after the migration leaves it
        raw.execute("CREATE TABLE filler (text TEXT)")
        raw.execute("INSERT INTO filler VALUES (?)", ("hunter2" * 2000,))
        raw.commit()
        raw.execute("DROP TABLE filler")
    assert b"hunter2" in path.read_bytes()
    open_records(URL, folder).close()
    assert files_with(b"hunter2", folder) == []


def files_with(text, folder):
    return [path.name for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]
