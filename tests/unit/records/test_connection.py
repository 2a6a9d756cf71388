"""Where the records are kept, what survives a kill, and how a database that refuses is reported."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from threading import Timer

import pytest

from groundtune.errors import SettingsError, StoreError
from groundtune.records import connection, open_records
from groundtune.values import Answer, Failure, Usage

URL = "sqlite:///records.db"


def test_a_relative_path_starts_at_the_project_folder_and_its_folders_are_made(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    open_records("sqlite:///.groundtune/records.db", tmp_path).close()
    assert (tmp_path / ".groundtune" / "records.db").is_file()


def test_an_absolute_path_is_taken_as_it_is(tmp_path):
    open_records(f"sqlite:///{tmp_path}/elsewhere.db", tmp_path / "project").close()
    assert (tmp_path / "elsewhere.db").is_file()


def test_readers_do_not_wait_for_a_writer(tmp_path):
    open_records(URL, tmp_path).close()
    with sqlite3.connect(tmp_path / "records.db") as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


@pytest.mark.parametrize("url", ["records.db", "sqlite://", "sqlite:///:memory:", "floppy:///a.db"])
def test_a_url_that_cannot_be_used_is_a_setting_to_correct(url, tmp_path):
    with pytest.raises(SettingsError, match=r"records.url.*Use sqlite"):
        open_records(url, tmp_path)


def test_a_file_that_is_no_database_is_named_with_a_remedy(tmp_path):
    (tmp_path / "records.db").write_bytes(b"these are not the records " * 100)
    with pytest.raises(StoreError, match=r"records.db: .*not a database.*move it elsewhere"):
        open_records(URL, tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    open_records(URL, tmp_path).close()
    with sqlite3.connect(tmp_path / "records.db") as raw:
        raw.execute("UPDATE groundtune_revision SET version_num = '0099'")
    raw.close()
    with pytest.raises(StoreError, match=r"records.db: .*revision 0099, but this version .* up to 0009.*Install"):
        open_records(URL, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"file/deeper: .*cannot be created.*\[records\] url"):
        open_records("sqlite:///file/deeper/records.db", tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="making a file unchangeable for the user tests need not be root")
def test_a_path_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "records.db").mkdir()
    with pytest.raises(StoreError, match=r"records.db: .*unable to open.*writable"):
        open_records(URL, tmp_path)


def test_a_database_that_another_process_holds_is_named_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "LOCK_SECONDS", 0.1)
    with open_records(URL, tmp_path) as records:
        holder = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"records.db: .*locked.*rerun the command"):
            records.run("rag", "signature", "fingerprint", "test", {})
        holder.execute("ROLLBACK")
        holder.close()
        assert records.run("rag", "signature", "fingerprint", "test", {}).candidate == "rag"


def test_a_database_that_another_process_is_making_is_waited_for(tmp_path):
    """SQLite by itself does not wait where it switches to its write-ahead log."""
    maker = sqlite3.connect(tmp_path / "records.db", isolation_level=None, check_same_thread=False)
    maker.execute("CREATE TABLE first (id INTEGER)")
    maker.execute("BEGIN IMMEDIATE")
    end = Timer(0.5, maker.execute, ["COMMIT"])
    end.start()
    with open_records(URL, tmp_path) as records:
        assert records.runs() == []
    end.join()
    maker.close()


def test_an_answer_that_was_tampered_with_is_named(tmp_path):
    with open_records(URL, tmp_path) as records:
        run = records.run("rag", "signature", "fingerprint", "test", {})
        records.save_answers(run, {"case-7": Answer("yes", False, Usage())})
        with sqlite3.connect(tmp_path / "records.db") as raw:
            raw.execute("UPDATE answers SET answer = '{}'")
        raw.close()
        with pytest.raises(StoreError, match="case-7"):
            records.answers(run)


def test_a_save_that_breaks_keeps_nothing_of_it(tmp_path):
    with open_records(URL, tmp_path) as records:
        run = records.run("rag", "signature", "fingerprint", "test", {})
        records.save_answers(run, {"a": Failure("first")})
        with sqlite3.connect(tmp_path / "records.db") as raw:
            raw.execute(
                "CREATE TRIGGER full BEFORE INSERT ON answers WHEN NEW.case_id = 'b' "
                "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
            )
        raw.close()
        with pytest.raises(StoreError, match=r"disk is full.*Free some disk space"):
            records.save_answers(run, {"a": Failure("second"), "b": Failure("third")})
        assert records.answers(run) == {"a": Failure("first")}


def test_what_was_saved_before_a_kill_is_there_after_it(tmp_path):
    script = """
import os, sys
from pathlib import Path
from groundtune.records import open_records
from groundtune.values import Answer, Usage
records = open_records("sqlite:///records.db", Path(sys.argv[1]))
run = records.run("rag", "signature", "fingerprint", "test", {})
for case in range(5):
    records.save_answers(run, {str(case): Answer("yes", False, Usage())})
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert killed.returncode == -9
    with open_records(URL, tmp_path) as records:
        run = records.run("rag", "signature", "fingerprint", "test", {})
        assert list(records.answers(run)) == ["0", "1", "2", "3", "4"]
