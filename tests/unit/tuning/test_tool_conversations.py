"""Conversations with calls of tools: how techniques take them."""

import logging
from types import SimpleNamespace

import pytest

from groundtune.assistant.prompts import closed_book_messages
from groundtune.errors import TuningError
from groundtune.settings import AssistantSettings
from groundtune.tuning import instruction, sources
from groundtune.values import Example, Message, ToolCall

CALLED = Example(
    (
        Message("system", "theirs"),
        Message("user", "q1"),
        Message("assistant", "a1", trained=False),
        Message("user", "q2"),
        Message("assistant", "", (ToolCall("f"),)),
        Message("tool", "1"),
        Message("assistant", "a2"),
    ),
    tools=('{"type": "function", "function": {"name": "f"}}',),
    place="t.jsonl:1",
)
PLAIN = Example((Message("user", "q"), Message("assistant", "a")))
ENDS_WITH_CALL = Example((Message("user", "q"), Message("assistant", "", (ToolCall("f"),))))


def test_instruction_puts_the_served_prompt_before_calls_and_answer():
    task = SimpleNamespace(
        examples=lambda: [CALLED],
        closed_book=lambda question: closed_book_messages(AssistantSettings(), "Shop", question),
    )
    (made,) = instruction.conversations(task)
    assert made.messages[0].content != "theirs"
    assert made.messages[1:] == CALLED.messages[1:]
    assert made.tools == CALLED.tools


def test_raft_leaves_out_what_tools_answer_and_says_so(caplog):
    caplog.set_level(logging.WARNING)
    assert sources.answered_at_once([CALLED, PLAIN, ENDS_WITH_CALL]) == [PLAIN]
    assert "2 of 3 training conversations call tools" in caplog.text
    caplog.clear()
    assert sources.answered_at_once([PLAIN]) == [PLAIN]
    assert not caplog.records


def test_raft_refuses_data_that_only_tools_answer():
    with pytest.raises(TuningError, match="answered by calling tools") as raised:
        sources.answered_at_once([CALLED])
    assert raised.value.place == "t.jsonl:1"
