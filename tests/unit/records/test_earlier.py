"""Answers that earlier versions kept, with `start` and `end` beside the document, mean what they meant."""

import json
import shutil
import sqlite3
from pathlib import Path

from groundtune.records import open_records
from groundtune.records.earlier import with_places
from groundtune.values import Answer, Place

STATE = Path(__file__).parents[2] / "fixtures" / "project_0_1" / "state"


def kept(path):
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT run, case_id, answer FROM answers WHERE answer IS NOT NULL").fetchall()
    return {(run, case): json.loads(answer) for run, case, answer in rows}


def test_the_records_of_0_1_are_read(tmp_path):
    shutil.copy(STATE / "records.db", tmp_path / "records.db")
    written = kept(tmp_path / "records.db")
    places = 0
    with open_records("sqlite:///records.db", tmp_path) as records:
        for run in records.runs():
            for case, answer in records.answers(run).items():
                assert isinstance(answer, Answer)
                before = written[run.id, case]
                assert answer.text == before["text"]
                for now, then in zip(
                    (*answer.passages, *answer.citations), before["passages"] + before["citations"], strict=True
                ):
                    assert now.place == Place(then["start"], then["end"])
                    places += 1
                    rest = {key: getattr(now, key) for key in then}
                    assert rest == then
    assert places > 20


def test_an_answer_of_0_1_is_written_with_places(tmp_path):
    shutil.copy(STATE / "records.db", tmp_path / "records.db")
    with open_records("sqlite:///records.db", tmp_path) as records:
        run = next(run for run in records.runs() if any(a.citations for a in records.answers(run).values()))
        before = records.answers(run)
        records.save_answers(run, before)
        assert records.answers(run) == before
    answers = [answer for (name, _), answer in kept(tmp_path / "records.db").items() if name == run.id]
    assert all("start" not in passage for answer in answers for passage in answer["passages"])


def test_what_has_places_or_is_no_answer_stays():
    for content in ({"passages": [{"place": {"start": 1}}], "citations": [3]}, {"passages": None}, [1], "x", None):
        assert with_places(content) == content
