"""Conversations to learn from: lists of turns, and columns of a question and an answer.

OpenAI's and Mistral's `messages`, ShareGPT's `conversations`, Gemini's `contents`, Anthropic's and Bedrock's `system`
beside them; prompt and completion (TRL, Together), Alpaca, question and answer under their usual names;
self-instruct's `instances`, axolotl's `segments`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from groundtune.tuning.formats.columns import RowColumns, said
from groundtune.tuning.formats.contents import sound_text
from groundtune.tuning.formats.dialect import DataDialect, TrainingRow
from groundtune.tuning.formats.human_assistant import is_written, written_turns
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.tools import tools_of
from groundtune.tuning.formats.turns import checked, checked_prompt, is_turn, turns_of, with_system
from groundtune.values import Conversation, Example, Message

CHAT = ("messages", "conversations", "conversation", "contents", "dialog", "dialogue", "turns", "chat")
ASK = ("prompt", "question", "query", "instruction", "input", "inputs", "input_text", "problem")
ANSWER = ("completion", "response", "answer", "output", "output_text", "targets", "solution")
_USER, _ASSISTANT = ("user", "human"), ("assistant", "gpt")  # alone they may be names of people
_CONTEXT = ("context",)
_CONTROL = re.compile(r"</?s>|<\|[^|<>]+\|>|\[/?INST\]|<(?:start|end)_of_turn>|<</?SYS>>")


def prompt_of(columns: RowColumns) -> tuple[Conversation, tuple[str, ...]]:
    """Return (what an answer follows, tools), out of the columns that hold it. Earlier answers in it are not trained.

    Raises `RowRefused` where there is none, or where several columns say different things.
    """
    tools = columns.tools()
    chats = [key for key in CHAT if columns.filled(key)]
    if chats and not any(map(columns.filled, ASK)):
        key = chats[0]
        turns = _untrained(columns.turns(key))
    else:
        key, value = _asking(columns)
        if isinstance(value, Mapping) and "messages" in value:  # OpenAI's preferences
            turns = _untrained(turns_of(value["messages"], f"{key}.messages"))
            tools = tools or tools_of(value.get("tools"), f"{key}.tools")
        elif isinstance(value, str) and is_written(value):
            turns = _untrained(written_turns(value, key))
        else:
            turns = _untrained(said(value, key, "user"))
    turns = (*_history(columns), *turns) if turns[0].role != "system" else (turns[0], *_history(columns), *turns[1:])
    return checked_prompt(with_system(turns, columns.system()), key), tools


def example(columns: RowColumns, messages: Conversation, key: str, tools: tuple[str, ...]) -> list[TrainingRow]:
    """Return a whole conversation as an example, with what the row says of it."""
    documents, source = columns.documents(), columns.name(("source",))
    if columns.values.get("metadata") is not None and isinstance(columns.values["metadata"], Mapping):
        columns.used.add("metadata")
        own = {str(name): str(value) for name, value in columns.values["metadata"].items()}
    else:
        own = {}
    return [Example(checked(messages, key), documents, source, own, tools, place=columns.place)]


def _asking(columns: RowColumns) -> tuple[str, object]:
    """Return (name, value) of what is asked: Alpaca's `instruction` with its `input`, dolly's with its `context`."""
    joined = [key for key in ("instruction", "input") if columns.there(key)]
    if len(joined) == 2 and isinstance(columns.values["instruction"], str) and columns.filled("instruction"):
        columns.used.update(joined)
        parts = [columns.text(("instruction",)), columns.text(("input",))]
        others = [key for key in ASK if key not in joined and columns.filled(key) and columns.values[key] not in parts]
        if others:
            raise RowRefused(f"ambiguous: `instruction` and `{others[0]}` both ask.", "Keep one of them.")
        key, value = "instruction", _with_lines(*parts)
    else:
        key, listed = columns.take(ASK if any(map(columns.there, ASK)) else _USER, "what is asked")
        if not isinstance(listed, str):
            return key, listed
        value = listed
    return key, _with_lines(value, columns.text(_CONTEXT))


def _with_lines(first: str, second: str) -> str:
    # as LLaMA-Factory joins `instruction` and `input`
    return f"{first}\n{second}" if second else first


def _history(columns: RowColumns) -> Conversation:
    """Return Alpaca's earlier rounds: pairs of a question and an answer, or turns."""
    if not columns.filled("history"):
        columns.used.add("history")
        return ()
    value = columns.values["history"]
    columns.used.add("history")
    if isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        return turns_of([text for pair in value for text in pair], "history")
    if isinstance(value, list) and all(is_turn(each) for each in value):
        return turns_of(value, "history")
    raise RowRefused(f"`history` is {shown(value)}, not a list of rounds.", 'Write [["question", "answer"], ...].')


def _untrained(messages: Conversation) -> Conversation:
    return tuple(replace(message, trained=False) if message.role == "assistant" else message for message in messages)


def _read_chat(columns: RowColumns) -> list[TrainingRow]:
    key, _ = columns.take(CHAT, "the conversation")
    messages = with_system(columns.turns(key), columns.system())
    return example(columns, messages, key, columns.tools())


def _read_answer(columns: RowColumns) -> list[TrainingRow]:
    prompt, tools = prompt_of(columns)
    key, value = columns.take(ANSWER if any(map(columns.there, ANSWER)) else _ASSISTANT, "the answer")
    if isinstance(value, list) and value and not any(is_turn(each) for each in value):
        raise RowRefused(
            f"`{key}` is a list of {len(value)}, and does not say which of them is the answer.",
            "Write one answer as text; two as `chosen` and `rejected`; several as `ranking`, the best one first.",
        )
    return example(columns, (*prompt, *said(value, key, "assistant")), key, tools)


def _open(columns: RowColumns) -> bool:
    """Tell whether the turns of a row wait for an answer, so that `completion` is that."""
    key = next(key for key in CHAT if columns.there(key))
    try:
        return columns.turns(key)[-1].role in ("user", "tool")
    except RowRefused:
        return True


def _read_instances(columns: RowColumns) -> list[TrainingRow]:
    instruction = columns.text(("instruction",))
    columns.used.add("instances")
    listed = columns.values["instances"]
    if not isinstance(listed, list) or not listed:
        raise RowRefused(f"`instances` is {shown(listed)}, not a list.", 'Write [{"input", "output"}].')
    made: list[TrainingRow] = []
    for number, each in enumerate(listed):
        if not isinstance(each, Mapping) or "output" not in each:
            raise RowRefused(f"`instances.{number}` is {shown(each)}.", 'Write {"input": "...", "output": "..."}.')
        asked = _with_lines(instruction, sound_text(each.get("input") or "", f"instances.{number}.input"))
        answer = said(each["output"], f"instances.{number}.output", "assistant")
        made += example(columns, (*said(asked, "instruction", "user"), *answer), "instances", ())
    return made


def _read_segments(columns: RowColumns) -> list[TrainingRow]:
    """Read axolotl's `input_output`: texts with (`label`) and without loss, written for one chat template.

    They are a conversation where they alternate and hold none of a template's marks.
    """
    columns.used.add("segments")
    listed = columns.values["segments"]
    remedy = 'Write {"messages": [{"role", "content"}]}, with "weight": 0 on turns that must not be trained.'
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) and "text" in each for each in listed):
        raise RowRefused(f"`segments` is {shown(listed)}, not a list of texts.", remedy)
    made: list[Message] = []
    for number, each in enumerate(listed):
        text = sound_text(each["text"], f"segments.{number}.text")
        mark = _CONTROL.search(text)
        if mark:
            raise RowRefused(f"`segments.{number}` holds `{mark.group()}`, which belongs to one chat template.", remedy)
        if text:
            made.append(Message("assistant" if each.get("label") else "user", text))
    return example(columns, tuple(made), "segments", ())


DIALECTS = (
    DataDialect("messages", (CHAT,), _read_chat),
    DataDialect("prompt and completion", (ASK, ANSWER), _read_answer),
    DataDialect("user and assistant", (_USER, _ASSISTANT), _read_answer),
    DataDialect("messages and completion", (CHAT, ("completion",)), _read_answer, over=("messages",), fits=_open),
    DataDialect("self-instruct", (("instruction",), ("instances",)), _read_instances),
    DataDialect("segments", (("segments",),), _read_segments),
)
