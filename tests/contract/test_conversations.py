"""Conversations in the records, on every database they may stand in: `url` of conftest.py goes through them."""

from datetime import UTC, datetime, timedelta

import pytest

from groundtune.errors import InputError
from groundtune.records import open_records
from groundtune.values import Answer, Message, Usage

ANSWER = Answer("12 euros [1]", abstained=False, usage=Usage(1, 2), support=0.5)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def kept(url, tmp_path):
    times = (START + timedelta(hours=hour) for hour in range(1000))
    with open_records(url, tmp_path, clock=lambda: next(times)) as records:
        yield records.conversations()


def test_turns_come_back_in_order_with_their_answers(kept):
    key = kept.begin("ana", "rag")
    assert kept.add(key, "ana", "user", "What does it cost?") == 1
    assert kept.add(key, "ana", "assistant", "12 euros", ANSWER) == 2
    talk = kept.conversation(key, "ana")
    assert talk.messages == (Message("user", "What does it cost?"), Message("assistant", "12 euros"))
    assert [turn.answer for turn in talk.turns] == [None, ANSWER]
    assert (talk.candidate, talk.ended_at) == ("rag", None)


def test_whatever_is_said_is_kept(kept):
    key = kept.begin("ana", "rag")
    for said in ("NUL \x00", "half \ud800", "\u202eturned", "🦊"):
        kept.add(key, "ana", "user", said)
        kept.add(key, "ana", "assistant", said, ANSWER)
    assert [turn.message.content for turn in kept.conversation(key, "ana").turns][::2] == [
        "NUL \ufffd",
        "half \ufffd",
        "\u202eturned",
        "🦊",
    ]


def test_nobody_reads_or_goes_on_with_the_conversation_of_another(kept):
    key = kept.begin("ana", "rag", consent=True)
    kept.add(key, "ana", "user", "Hello")
    assert kept.conversation(key, "bob") is None
    with pytest.raises(InputError, match="no such conversation"):
        kept.add(key, "bob", "user", "And?")
    kept.end(key, "bob")
    assert kept.conversation(key, "ana").ended_at is None


def test_agents_learn_from_what_ended_and_was_consented_to(kept):
    for consent in (True, False):
        for ends in (True, False):
            key = kept.begin("ana", "rag", consent=consent)
            kept.add(key, "ana", "user", f"{consent} {ends}")
            if ends:
                kept.end(key, "ana")
    (talk,) = kept.ended(START)
    assert talk.messages[0].content == "True True"
    assert kept.ended(START + timedelta(hours=500)) == []
    with pytest.raises(InputError, match="ended"):
        kept.add(talk.id, "ana", "user", "One more")


def test_conversations_are_forgotten_by_user_and_by_time(kept):
    first = kept.begin("ana", "rag")
    kept.add(first, "ana", "user", "Hello")
    second = kept.begin("bob", "rag")
    assert kept.purge(START + timedelta(hours=1)) == 1
    assert kept.conversation(first, "ana") is None
    assert kept.forget("bob") == 1
    assert kept.conversation(second, "bob") is None
