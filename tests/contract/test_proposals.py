"""Proposals in the records, on every database they may stand in: `url` of conftest.py goes through them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from groundtune.records import open_records
from groundtune.records.proposals import Proposal

START = datetime(2026, 1, 1, tzinfo=UTC)
PROPOSAL = Proposal(
    "p1",
    "correction",
    "What is it?",
    "12 € “now”",
    "ana",
    "c1",
    (1, 2, 3),
    ("everyone",),
    rests_on=("a.md",),
)


@pytest.fixture
def kept(url, tmp_path):
    times = (START + timedelta(hours=hour) for hour in range(1000))
    with open_records(url, tmp_path, clock=lambda: next(times)) as records:
        yield records.proposals()


def test_a_proposal_comes_back_as_it_was_quarantined(kept):
    assert kept.take("c1", [PROPOSAL])
    (record,) = kept.records()
    assert (record.proposal, record.state, record.document, record.reviewer) == (PROPOSAL, "quarantined", "", "")
    assert record.proposal.digest == PROPOSAL.digest
    assert replace(PROPOSAL, readable_by=("staff",)).digest != PROPOSAL.digest


def test_a_conversation_is_taken_once_whoever_takes_it_first(kept):
    with ThreadPoolExecutor(4) as workers:
        mine = [replace(PROPOSAL, id=f"p{number}") for number in range(8)]
        taken = list(workers.map(lambda proposal: kept.take("c1", [proposal]), mine))
    assert sum(taken) == 1
    assert len(kept.records()) == 1
    assert kept.taken() == {"c1"}


def test_what_gave_nothing_is_taken_too(kept):
    assert kept.take("c2", [])
    assert not kept.take("c2", [PROPOSAL])
    assert kept.records() == []


def test_a_proposal_is_decided_once(kept):
    kept.take("c1", [PROPOSAL])
    edited = replace(PROPOSAL, text="13 euros")
    assert kept.accept(edited, "learned/p1.md", "Rita")
    assert not kept.accept(PROPOSAL, "learned/p1.md", "Otto")
    assert not kept.reject("p1", "Otto")
    (record,) = kept.records(("accepted",))
    assert (record.proposal, record.document, record.reviewer) == (edited, "learned/p1.md", "Rita")
    assert kept.roll_back({"p1"}, "Otto") == 1
    assert kept.roll_back({"p1"}, "Otto") == 0
    assert kept.records(("accepted",)) == []


def test_what_is_old_goes_unless_it_was_accepted_and_a_user_is_forgotten(kept):
    kept.take("c1", [PROPOSAL, replace(PROPOSAL, id="p2"), replace(PROPOSAL, id="p3", user="bob")])
    kept.accept(PROPOSAL, "learned/p1.md", "Rita")
    assert kept.purge(START) == 0
    assert kept.taken() == {"c1"}
    assert kept.purge(START + timedelta(days=1)) == 2
    assert kept.taken() == set()
    assert [record.proposal.id for record in kept.records(user="ana")] == ["p1"]
    assert kept.erase({"p1"}) == 1
    assert kept.records() == []


def test_conversations_know_who_read_as_what_and_which_turns_a_person_said(url, tmp_path):
    with open_records(url, tmp_path) as records:
        kept = records.conversations()
        key = kept.begin("ana", "rag", asker=["everyone", "staff"])
        kept.add(key, "ana", "user", "Hello")
        kept.add(key, "ana", "assistant", "Hello, this is Bo.", person="Bo")
        talk = kept.conversation(key, "ana")
        assert talk.asker == ("everyone", "staff")
        assert [turn.person for turn in talk.turns] == ["", "Bo"]
        assert kept.conversation(kept.begin("ana", "rag"), "ana").asker == ()
