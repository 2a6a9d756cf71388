"""Databases that groundtune 0.1 made, opened by this one: on SQLite, and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from groundtune.errors import StoreError
from groundtune.records import open_records
from groundtune.records.revisions import HEAD, MIGRATIONS, REVISION_TABLE
from groundtune.records.tables import metadata
from groundtune.values import Answer, Failure, Score, Usage

PASSWORD = "postgresql://ana:hunter2@db/x"
BLANK = "postgresql://ana:***@db/x"
VERSION_1 = (  # as groundtune 0.1 made them
    "CREATE TABLE groundtune_schema (version INTEGER NOT NULL, PRIMARY KEY (version))",
    """CREATE TABLE runs (id VARCHAR(32) NOT NULL, candidate TEXT NOT NULL, signature TEXT NOT NULL,
       fingerprint TEXT NOT NULL, part TEXT NOT NULL, settings TEXT NOT NULL, created_at TEXT NOT NULL,
       finished_at TEXT, PRIMARY KEY (id))""",
    """CREATE TABLE comparisons (id {serial} NOT NULL, created_at TEXT NOT NULL, report TEXT NOT NULL,
       PRIMARY KEY (id))""",
    """CREATE TABLE answers (run VARCHAR(32) NOT NULL, case_id TEXT NOT NULL, answer TEXT, failure TEXT,
       saved_at TEXT NOT NULL, PRIMARY KEY (run, case_id),
       CONSTRAINT answered_or_failed CHECK ((answer IS NULL) <> (failure IS NULL)),
       FOREIGN KEY(run) REFERENCES runs (id))""",
    """CREATE TABLE scores (run VARCHAR(32) NOT NULL, signature TEXT NOT NULL, case_id TEXT NOT NULL,
       scorer TEXT NOT NULL, value FLOAT{double}, reason TEXT NOT NULL, failed BOOLEAN NOT NULL,
       PRIMARY KEY (run, signature, case_id), FOREIGN KEY(run) REFERENCES runs (id))""",
)
TIME = "2026-11-26T00:58:41.542269+00:00"
SETTINGS = {"records.url": {"value": PASSWORD, "origin": "file"}, "model.max_tokens": {"value": "24", "origin": "file"}}
REPORT = {"settings": {"records.url": {"value": PASSWORD}}, "notes": [f"kept in {PASSWORD}", "ä"], "margin": 0.02}
SAID = f"Our manual says {PASSWORD}."  # what a model or a document says is left as it is


def run_id(number):
    return f"{number:032}"


ROWS = {
    "runs": [
        {
            "id": run_id(number),
            "candidate": "rag",
            "signature": f"model:{number}",
            "fingerprint": "f",
            "part": "test",
            "settings": json.dumps(SETTINGS),
            "created_at": TIME,
            "finished_at": TIME,
        }
        for number in range(3)
    ],
    "comparisons": [{"id": 1, "created_at": TIME, "report": json.dumps(REPORT, ensure_ascii=False)}],
    "answers": [
        {
            "run": run_id(0),
            "case_id": "a",
            "answer": json.dumps({"text": SAID, "abstained": False, "usage": {}}),
            "failure": None,
            "saved_at": TIME,
        },
        {"run": run_id(0), "case_id": "b", "answer": None, "failure": f"no {PASSWORD}", "saved_at": TIME},
    ],
    "scores": [
        {
            "run": run_id(0),
            "signature": signature,
            "case_id": case,
            "scorer": "exact",
            "value": value,
            "reason": reason,
            "failed": value is None,
        }
        for signature, case, value, reason in (
            ("exact|v1", "a", 1 / 3, ""),
            ("exact|v1", "b", None, f"no {PASSWORD}"),
            (f"judge@{PASSWORD}", "a", 0.5, ""),
            ("judge@postgresql://ana:hunter3@db/x", "a", 0.25, ""),
        )
    ],
}


@contextmanager
def raw(url, folder):
    """The bare database at `url`, in a transaction."""
    parsed = make_url(url.replace("postgresql://", "postgresql+psycopg://"))
    if parsed.get_backend_name() == "sqlite":
        path = folder / parsed.database
        path.parent.mkdir(parents=True, exist_ok=True)
        parsed = parsed.set(database=str(path))
    engine = create_engine(parsed)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def make_version_1(url, folder, statements=VERSION_1, rows=ROWS, version=1):
    words = {"serial": "INTEGER", "double": ""}
    if url.startswith("postgresql"):
        words = {"serial": "SERIAL", "double": "(53)"}
    with raw(url, folder) as connection:
        for statement in statements:
            connection.execute(text(statement.format(**words)))
        if version is not None:
            connection.execute(text("INSERT INTO groundtune_schema VALUES (:version)"), {"version": version})
        for table, given in rows.items():
            names = given[0].keys()
            values = ", ".join(f":{name}" for name in names)
            connection.execute(text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"), given)


def tables(url, folder):
    with raw(url, folder) as connection:
        return set(inspect(connection).get_table_names())


def test_everything_is_there_and_means_the_same(url, tmp_path):
    make_version_1(url, tmp_path)
    with open_records(url, tmp_path) as records:
        runs = records.runs()
        assert [(run.id, run.signature, run.finished_at.isoformat()) for run in runs] == [
            (run_id(number), f"model:{number}", TIME) for number in range(3)
        ]
        assert records.answers(runs[0])["a"] == Answer(SAID, False, Usage())
        assert records.scores(runs[0], "exact|v1")["a"] == Score(1 / 3)
        assert (records.answers(runs[1]), records.scores(runs[1], "exact|v1")) == ({}, {})
        records.save_scores(runs[1], "bleu", "bleu|v1", {"a": Score(0.5, parts=(1.0, 2.0))})
        assert records.scores(runs[1], "bleu|v1") == {"a": Score(0.5, parts=(1.0, 2.0))}
        first = records.latest_comparison()
        assert (first.id, first.created_at.isoformat()) == (1, TIME)
        if url.startswith("sqlite"):  # PostgreSQL counts by itself, and the test gave the first number
            assert records.save_comparison({}).id == 2
    assert tables(url, tmp_path) == {*metadata.tables, REVISION_TABLE}


def test_passwords_are_blanked_in_what_was_stored(url, tmp_path):
    make_version_1(url, tmp_path)
    with open_records(url, tmp_path) as records:
        runs = records.runs()
        assert runs[0].settings == {**SETTINGS, "records.url": {"value": BLANK, "origin": "file"}}
        assert records.latest_comparison().report == {
            "settings": {"records.url": {"value": BLANK}},
            "notes": [f"kept in {BLANK}", "ä"],
            "margin": 0.02,
        }
        assert records.answers(runs[0])["b"] == Failure(f"no {BLANK}")
        assert records.scores(runs[0], "exact|v1")["b"] == Score(None, f"no {BLANK}", failed=True)
        assert len(records.scores(runs[0], f"judge@{BLANK}")) == 1  # of two that differ in the password only


def test_what_the_revisions_make_is_what_the_tables_say(url, tmp_path):
    """Both for a new database and for one of before."""
    for make in (lambda: make_version_1(url, tmp_path), lambda: None):
        with raw(url, tmp_path) as connection:
            for name in (*(table.name for table in reversed(metadata.sorted_tables)), REVISION_TABLE):
                connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        make()
        open_records(url, tmp_path).close()
        with raw(url, tmp_path) as connection:
            context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
            assert compare_metadata(context, metadata) == []
            assert context.get_current_revision() == HEAD


def test_the_newest_revision_is_the_one_that_is_known():
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


@pytest.mark.parametrize("old", [True, False])
def test_processes_that_open_at_once_migrate_once(url, tmp_path, old):
    if old:
        make_version_1(url, tmp_path)
    script = """
import sys
from pathlib import Path
from groundtune.records import open_records
print("ready", flush=True)
sys.stdin.readline()
with open_records(sys.argv[1], Path(sys.argv[2])) as records:
    print(len(records.runs()))
"""
    command = [sys.executable, "-c", script, url, str(tmp_path)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=60) for process in processes]
    assert [(process.returncode, *end) for process, end in zip(processes, ends, strict=True)] == [
        (0, "3\n" if old else "0\n", "")
    ] * 4


def test_a_migration_that_breaks_changes_nothing(url, tmp_path):
    make_version_1(url, tmp_path)
    with raw(url, tmp_path) as connection:
        connection.execute(text("CREATE TABLE kept (mine INTEGER)"))
    before = tables(url, tmp_path)
    with pytest.raises(StoreError, match="kept"):
        open_records(url, tmp_path)
    assert tables(url, tmp_path) == before
    with raw(url, tmp_path) as connection:
        assert connection.execute(text("SELECT version FROM groundtune_schema")).scalar() == 1
        assert "parts" not in {column["name"] for column in inspect(connection).get_columns("scores")}
        assert "hunter2" in connection.execute(text("SELECT settings FROM runs")).scalar()
        connection.execute(text("DROP TABLE kept"))
    with open_records(url, tmp_path) as records:
        assert len(records.runs()) == 3


def test_tables_that_a_kill_left_half_made_are_made_whole(url, tmp_path):
    make_version_1(url, tmp_path, VERSION_1[:3], rows={}, version=None)
    with open_records(url, tmp_path) as records:
        run = records.run("rag", "s", "f", "test", {})
        records.save_answers(run, {"a": Failure("late")})
        assert records.answers(run) == {"a": Failure("late")}


def test_a_newer_database_is_refused_with_place_and_remedy(url, tmp_path):
    open_records(url, tmp_path).close()
    with raw(url, tmp_path) as connection:
        connection.execute(text(f"UPDATE {REVISION_TABLE} SET version_num = '0099'"))
    place = "records.db" if url.startswith("sqlite") else "postgresql"
    with pytest.raises(StoreError, match=rf"{place}.*revision 0099, but this version .* up to {HEAD}.*Install"):
        open_records(url, tmp_path)
    with raw(url, tmp_path) as connection:
        assert connection.execute(text(f"SELECT version_num FROM {REVISION_TABLE}")).scalar() == "0099"


def test_a_version_that_no_groundtune_had_is_refused(url, tmp_path):
    make_version_1(url, tmp_path, rows={}, version=99)
    with pytest.raises(StoreError, match=r"version 99, but this version .* up to 1"):
        open_records(url, tmp_path)
    assert "groundtune_schema" in tables(url, tmp_path)


def several(*names):
    return {"candidates": {name: {"signature": name} for name in names}, "benchmark": {"fingerprint": "f"}}


@pytest.mark.parametrize(
    ("reports", "found"),
    [
        ([several("base", "rag"), several("rag")], 1),
        ([several("rag"), several("base", "rag"), several("raft"), several("rag")], 2),
        ([several("base", "rag"), several("rag", "raft"), {"candidates": "none"}], 2),
        ([several("rag"), several("raft")], 2),
    ],
)
def test_comparisons_are_told_from_evaluations_by_their_candidates(url, tmp_path, reports, found):
    rows = [{"id": number, "created_at": TIME, "report": json.dumps(each)} for number, each in enumerate(reports, 1)]
    make_version_1(url, tmp_path, rows=ROWS | {"comparisons": rows})
    with open_records(url, tmp_path) as records:
        assert records.latest_comparison("f").id == found
        assert records.latest_comparison("f").report == reports[found - 1]
        assert records.latest_comparison("g") is None
