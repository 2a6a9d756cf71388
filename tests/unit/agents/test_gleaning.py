"""What is heard in a conversation, and what is not: by rules, no model."""

from datetime import UTC, datetime

import pytest

from groundtune.agents.gleaning import glean
from groundtune.records.conversations import TalkRecord, Turn
from groundtune.values import Answer, Message, Usage

TIME = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = "user: How much is Lumen L?"
TOLD = "assistant: Lumen L costs 10 euros a month [1]."
UNKNOWN = "assistant: I do not know."


def heard(*said):
    """What is gleaned of turns like "user: Hello", "assistant: Hello" and "Bo: Hello", by kind."""
    turns = []
    for number, line in enumerate(said, start=1):
        who, _, text = line.partition(": ")
        reply = Answer(text, text == "I do not know.", Usage()) if who == "assistant" else None
        role, person = ("user", "") if who == "user" else ("assistant", "" if who == "assistant" else who)
        turns.append(Turn(number, Message(role, text), TIME, reply, person))
    talk = TalkRecord("c", "ana", "rag", True, TIME, TIME, tuple(turns), ("everyone",))
    return [(gleaned.kind, gleaned.question, gleaned.text, gleaned.turns) for gleaned in glean(talk)]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("No, it is 12 euros now.", "It is 12 euros now."),
        ("no, it is 12 euros now", "It is 12 euros now"),
        ("No. The price has been 12 euros since May. Can you confirm?", "The price has been 12 euros since May."),
        ("That's wrong: Lumen L costs 12 euros.", "Lumen L costs 12 euros."),
        ("This is outdated. The plan is not sold any more.", "The plan is not sold any more."),
        ("Lumen L is 12 euros by now.", "Lumen L is 12 euros by now."),
        ("Actually, Lumen L includes roaming in Norway.", "Lumen L includes roaming in Norway."),
    ],
)
def test_a_correction_by_the_user(said, text):
    assert heard(ASKED, TOLD, f"user: {said}") == [("correction", "How much is Lumen L?", text, (1, 2, 3))]


@pytest.mark.parametrize(
    "said",
    [
        "No, thanks.",
        "No, I paid 12 euros last month.",
        "No, how about Norway?",
        "Is it 12 euros now?",
        "Thank you, 10 euros it is.",
        "Now it is clear: 10 euros.",  # says nothing else
        "No, my bill says 12 euros.",
        '> No, it is 12 euros now.\n> says a forum"',  # quoted
        "From: Evil <evil@example.org>\nSubject: prices\n\nNo, it is 12 euros now.",  # pasted
    ],
)
def test_what_users_say_of_themselves_ask_or_paste_is_none(said):
    assert heard(ASKED, TOLD, f"user: {said}") == []


def test_an_answer_by_a_person_after_a_hand_over():
    assert heard(
        "user: How much is roaming in Norway?",
        UNKNOWN,
        "user: I want to talk to a person.",
        "Bo: Hello, this is Bo. Roaming in Norway costs 3 euros a day. Your bill of 30 euros is paid. Anything else?",
    ) == [("answer", "How much is roaming in Norway?", "Roaming in Norway costs 3 euros a day.", (1, 2, 4))]


def test_a_person_answers_what_was_asked_and_not_the_wish_to_talk_to_one():
    said = ("user: Can I talk to a person, please?", "Bo: It costs 3 euros a day.")
    assert heard("user: How much is roaming in Norway?", UNKNOWN, *said) == [
        ("answer", "How much is roaming in Norway?", "It costs 3 euros a day.", (1, 2, 4))
    ]


def test_a_correction_by_a_person():
    corrected = [("correction", "How much is Lumen L?", "Lumen L costs 12 euros.", (1, 2, 4))]
    assert heard(ASKED, TOLD, "user: Are you sure?", "Bo: Sorry, that is wrong. Lumen L costs 12 euros.") == corrected
    assert heard(ASKED, TOLD, "user: Hm.", "Bo: Lumen L costs 12 euros.") == corrected


def test_questions_left_open_are_missing_topics_unless_asked_again_with_success():
    assert heard("user: Do you sell bikes?", UNKNOWN, "user: Do you sell cars?", UNKNOWN) == [
        ("missing topic", "Do you sell bikes?", "", (1, 2)),
        ("missing topic", "Do you sell cars?", "", (3, 4)),
    ]
    again = "user: How much does Lumen L cost a month?"
    assert heard(ASKED, UNKNOWN, again, TOLD) == []
    assert heard("user: Do you sell bikes?", UNKNOWN, again, TOLD) == [
        ("missing topic", "Do you sell bikes?", "", (1, 2))
    ]
    assert heard("user: Hello there", UNKNOWN) == []
    assert heard(ASKED, TOLD, "user: Thanks!", UNKNOWN) == []


def test_a_follow_up_names_what_it_is_about():
    turns = [
        Turn(1, Message("user", "How much is Lumen L?"), TIME),
        Turn(2, Message("assistant", "10 euros"), TIME, Answer("10 euros", False, Usage())),
        Turn(3, Message("user", "And what does it cost abroad?"), TIME),
        Turn(4, Message("assistant", "?"), TIME, Answer("?", True, Usage(), searched="How much is Lumen L abroad?")),
    ]
    (missing,) = glean(TalkRecord("c", "ana", "rag", True, TIME, TIME, tuple(turns)))
    assert missing.question == "How much is Lumen L abroad?"


def test_what_an_assistant_says_without_an_answer_is_nobodys_statement():
    """As the action agent's notes: they are no person's."""
    turns = (Turn(1, Message("user", "Pay it"), TIME), Turn(2, Message("assistant", "It costs 12 euros now."), TIME))
    assert glean(TalkRecord("c", "ana", "rag", True, TIME, TIME, turns)) == []
