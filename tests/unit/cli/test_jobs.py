"""`groundtune agents work` and `groundtune agents jobs`, as they are typed."""

from datetime import UTC, datetime

import pytest

from groundtune.project import open_project
from groundtune.records.audit import AuditNote
from groundtune.records.effects import EffectRecord
from groundtune.values import EVERYONE, ActionCall, Answer, Usage

TRIED = 9  # times, of ten


@pytest.fixture
def left(project):
    """A project with a conversation to learn from, and a call of which nobody knows what came, as often as may be."""
    with open_project(project) as opened:
        records = opened.assembly.records
        kept = records.conversations()
        key = kept.begin("ana", "rag", consent=True, asker=EVERYONE)
        kept.add(key, "ana", "user", "How much is the pebble plan?")
        kept.add(key, "ana", "assistant", "7 euros.", Answer("7 euros.", False, Usage()))
        kept.add(key, "ana", "user", "No, the pebble plan is 12 euros now.")
        kept.end(key, "ana")
        call = ActionCall("pay_bill", {"bill": "B-17"})
        effect = EffectRecord(
            "e1", key, "ana", call, "pay_bill|1", call.digest, None, "intended", "me", datetime(2026, 1, 1, tzinfo=UTC)
        )
        records.effects().intend(effect, AuditNote("intended", {}, {}))
        for _ in range(TRIED):
            records.jobs().put_back(records.jobs().take(["settle"], "me", 60), "the back-end is down.", 0)
    return project


def told(ran):
    """What was printed, however it is wrapped."""
    return " ".join(ran.out.split())


def test_what_is_left_is_listed_done_and_what_failed_is_said(left, run):
    listed = told(run("agents", "jobs", "--project", left))
    assert "settle e1: open, tried 9 times, due " in listed
    assert "the back-end is down." in listed
    assert "2 jobs" in listed

    worked = run("agents", "work", "--project", left)
    assert worked.code == 1
    assert "Jobs done: 1 to propose. Left: 1 job." in told(worked)
    assert "Failed: settle e1: the action is not there any more" in told(worked)
    assert "work on jobs (2)" in worked.err
    assert run("review", "list", "--project", left, "--json").json["proposals"][0]["text"]

    worked = run("agents", "work", "--project", left, "--json")
    assert (worked.code, worked.json["done"], worked.json["failed"]) == (0, {}, 0)
    assert [(job["state"], job["attempts"]) for job in worked.json["left"]] == [("failed", 10)]
    assert "settle e1: failed, tried 10 times: the action" in told(run("agents", "jobs", "--project", left))

    worked = run("agents", "work", "--again", "--project", left)
    assert worked.code == 0
    assert "To be tried again: settle e1: the action is not there any more" in told(worked)
    (job,) = run("agents", "jobs", "--project", left, "--json").json["jobs"]
    assert (job["state"], job["attempts"]) == ("open", 1)


def test_where_nothing_is_left_it_says_so(project, run):
    assert run("agents", "work", "--project", project).out == "Jobs done: none. Left: 0 jobs.\n"
    assert run("agents", "jobs", "--project", project).out == "0 jobs\n"
