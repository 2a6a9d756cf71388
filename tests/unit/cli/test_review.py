"""`groundtune review`, as it is typed."""

from datetime import UTC, datetime

import pytest

from groundtune.project import open_project
from groundtune.records.audit import AuditNote
from groundtune.values import EVERYONE, Answer, Usage

QUESTION = "How much is the pebble plan?"
OPEN = "Is there a plan for ships?"


@pytest.fixture
def talked(project, run):
    """A project in which ana corrected a price and asked what nobody knows."""
    assert run("ingest", "--project", project).code == 0
    with open_project(project) as opened:
        kept = opened.learning.conversations
        key = kept.begin("ana", "rag", consent=True, asker=EVERYONE)
        kept.add(key, "ana", "user", QUESTION)
        passages = tuple(opened.search(QUESTION, 1))
        kept.add(key, "ana", "assistant", "7 euros [1].", Answer("7 euros [1].", False, Usage(), passages))
        kept.add(key, "ana", "user", "No, the pebble plan is 12 euros now, ask bo@mail.example.")
        kept.add(key, "ana", "user", OPEN)
        kept.add(key, "ana", "assistant", "I do not know.", Answer("I do not know.", True, Usage()))
        kept.end(key, "ana")
    return project


def test_from_conversation_to_document_and_back(talked, run):
    proposed = run("review", "propose", "--project", talked)
    assert proposed.out == "1 conversation; proposals: 1 correction, 1 missing topic; 1 draft case.\n"
    assert run("review", "propose", "--project", talked, "--json").json["conversations"] == 0
    listed = run("review", "list", "--project", talked, "--json").json["proposals"]
    correction = next(each for each in listed if each["kind"] == "correction")
    assert "[EMAIL]" in correction["text"]
    assert "2 proposals" in run("review", "list", "--project", talked).out

    shown = run("review", "show", correction["id"][:8], "--project", talked)
    for told in ("Said by:     the user; user ana", "everyone", "plans.md", "Personal data was replaced", "Digest:"):
        assert told in shown.out
    by = ["--reviewer", "Rita", "--project", talked]
    refused = run("review", "accept", correction["id"], "--shown", "0" * 32, *by)
    assert refused.code == 2
    assert "not what was shown" in refused.err
    accepted = run("review", "accept", correction["id"], "--shown", correction["digest"], *by, "--json").json
    assert (accepted["state"], accepted["reviewer"]) == ("accepted", "Rita")
    passages = run("search", "pebble plan now", "--project", talked, "--json").json["passages"]
    assert accepted["document"] in {passage["document"] for passage in passages}

    back = run("review", "rollback", correction["id"][:8], *by)
    assert accepted["document"] in back.out
    passages = run("search", "pebble plan now", "--project", talked, "--json").json["passages"]
    assert accepted["document"] not in {passage["document"] for passage in passages}


def test_a_missing_topic_is_written_or_rejected(talked, run):
    run("review", "propose", "--project", talked)
    listed = run("review", "list", "--project", talked, "--json").json["proposals"]
    missing = next(each for each in listed if each["kind"] == "missing topic")
    by = ["--reviewer", "Rita", "--project", talked]
    refused = run("review", "accept", missing["id"], "--shown", missing["digest"], *by)
    assert "--text" in refused.err
    text = ["--text", "Ships need the harbour plan.", "--readable-by", "staff"]
    accepted = run("review", "accept", missing["id"], "--shown", missing["digest"], *text, *by, "--json").json
    assert accepted["readable_by"] == ["staff"]
    assert run("search", "harbour", "--project", talked, "--as", "staff", "--json").json["passages"]
    rejected = run("review", "reject", missing["id"], *by)
    assert "decided before" in rejected.err


def test_wrong_use_is_explained(project, run):
    assert "there is no state `new`" in run("review", "list", "--state", "new", "--project", project).err
    assert "no proposal `abc`" in run("review", "show", "abc", "--project", project).err
    assert run("review", "list", "--project", project).out == "0 proposals\n"


def test_a_user_is_forgotten_wherever_they_left_traces(talked, run):
    run("review", "propose", "--project", talked)
    with open_project(talked) as opened:
        effects = opened.assembly.records.effects()
        effects.note("ana", AuditNote("looked up", {}, {"call": "bill of ana"}))
        assert effects.audit("ana")[0].personal == {"call": "bill of ana"}
    erased = run("agents", "forget", "ana", "--project", talked, "--json")
    assert erased.json == {"user": "ana", "proposals": 2, "conversations": 1, "feedback": 0}
    with open_project(talked) as opened:
        assert opened.learning.conversations.ended(datetime.min.replace(tzinfo=UTC)) == []
        assert opened.assembly.records.effects().audit("ana")[0].personal is None
    assert run("agents", "audit", "--project", talked).code == 0
    assert "0 proposals" in run("agents", "forget", "bob", "--project", talked).out
