"""The turns of a conversation, whatever they are called: read, put together, and checked for their order.

Knows the roles of OpenAI, ShareGPT, Gemini, Cohere and Anthropic, weights of the loss, and calls of tools. Knows no
columns: a dialect brings the list of turns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from groundtune.tuning.formats.contents import content_of, sound_text, with_reasoning
from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.tools import calls_of, written_calls
from groundtune.values import Conversation, Message, Role, ToolCall

SpeakerKind = Literal["system", "user", "assistant", "tool", "call"]

ROLES: Mapping[str, SpeakerKind] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter"), "user"),
    **dict.fromkeys(("assistant", "gpt", "model", "chatbot", "ai", "chatgpt"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "tool_response", "function_response", "tool_result"), "tool"),
    **dict.fromkeys(("function_call", "tool_call", "function-call"), "call"),
}
SPEAKER = ("role", "from", "speaker", "author")
SAID = ("content", "value", "text", "parts", "message")
WEIGHT = ("weight", "loss_weight", "train", "training")
_REASONING = ("reasoning_content", "reasoning", "thinking")
_NAMES = ("system", "user", "assistant", "tool")
_WRAPPED = re.compile(r"\A<tool_response>\s*(.*?)\s*</tool_response>\Z", re.DOTALL)  # Hermes
_ROUND = (("user", "human", "input", "question", "prompt"), ("assistant", "gpt", "output", "answer", "response"))
_ORDER = "Alternate user and assistant, end with the assistant; a system message may only come first."


def is_turn(value: object) -> bool:
    """Tell whether `value` looks like one turn of a conversation."""
    return isinstance(value, Mapping) and any(key in value for key in SPEAKER) and any(key in value for key in SAID)


def turns_of(value: object, where: str) -> Conversation:
    """Return the turns of a list, of one turn, or of a list of texts that begins with the user's.

    The order is not checked. Raises `RowRefused`.
    """
    if isinstance(value, Mapping) and any(isinstance(value.get(key), list) for key in SPEAKER):
        value = _transposed(value)
    listed = [value] if isinstance(value, Mapping) else value
    if not isinstance(listed, list) or not listed:
        raise RowRefused(f"`{where}` is {shown(value)}, not a list of turns.", 'Write [{"role", "content"}, ...].')
    if all(isinstance(each, str) for each in listed):
        listed = [
            {"role": "user" if number % 2 == 0 else "assistant", "content": each} for number, each in enumerate(listed)
        ]
    made: list[Message] = []
    for number, turn in enumerate(part for each in listed for part in _rounds(each)):
        for message in _messages(turn, f"{where}.{number}"):
            _append(made, message)
    return tuple(made)


def checked(messages: Conversation, where: str) -> Conversation:
    """Return a whole conversation. Raises `RowRefused` where its order is not one that a model can learn from."""
    reason = _disorder(messages) or (
        f"ends with the {_speaker(messages[-1])}" if messages[-1].role != "assistant" else ""
    )
    if reason:
        roles = ", ".join(message.role for message in messages) or "none"
        raise RowRefused(f"`{where}`: the turns are {roles}: the conversation {reason}.", _ORDER)
    if not any(message.role == "assistant" and message.trained for message in messages):
        raise RowRefused(
            f"`{where}`: each of the assistant's turns has the weight 0, so nothing is learnt.",
            "Give one of them the weight 1, or remove the row.",
        )
    return messages


def checked_prompt(messages: Conversation, where: str) -> Conversation:
    """Return what an answer follows: it ends with the user, or with a tool. Raises `RowRefused`."""
    reason = _disorder(messages)
    if not reason and messages[-1].role not in ("user", "tool"):
        reason = f"ends with the {_speaker(messages[-1])}, so no answer can follow"
    if reason:
        roles = ", ".join(message.role for message in messages) or "none"
        raise RowRefused(
            f"`{where}`: the turns are {roles}: the prompt {reason}.", "End the prompt with the user's turn."
        )
    return messages


def with_system(messages: Conversation, system: str, where: str = "system") -> Conversation:
    """Return the turns behind a system message from another column. Raises `RowRefused` where they have another one."""
    if not system:
        return messages
    if messages and messages[0].role == "system":
        if messages[0].content != system:
            raise RowRefused(
                f"`{where}` says something else than the system message of the conversation.", "Keep one of them."
            )
        return messages
    return (Message("system", system), *messages)


def _transposed(value: Mapping[str, object]) -> list[dict[str, object]]:
    """Return the turns of a table of them, as the library datasets writes sequences: {"role": [...], ...}."""
    columns = {key: each for key, each in value.items() if isinstance(each, list)}
    number = max(map(len, columns.values()))
    return [{key: each[place] for key, each in columns.items() if place < len(each)} for place in range(number)]


def _rounds(turn: object) -> list[object]:
    """Return the turns of a round, {"human": ..., "assistant": ...}; anything else as it is."""
    if not isinstance(turn, Mapping) or any(key in turn for key in SPEAKER):
        return [turn]
    asked, given = (next((key for key in keys if key in turn), None) for keys in _ROUND)
    if asked is None or given is None:
        return [turn]
    return [{"role": "user", "content": turn[asked]}, {"role": "assistant", "content": turn[given]}]


def _messages(turn: object, where: str) -> list[Message]:
    """Return the messages of one turn: none for an empty system message, several for several tools' replies."""
    if not isinstance(turn, Mapping):
        raise RowRefused(f"`{where}` is {shown(turn)}, not a turn.", 'Write {"role": "user", "content": "..."}.')
    speaker, said = _key(turn, SPEAKER), _key(turn, SAID)
    if speaker is None:
        raise RowRefused(f"`{where}` has no `role`.", f"Known roles: {', '.join(_NAMES)}.")
    name = turn[speaker]
    kind = ROLES.get(name.strip().casefold()) if isinstance(name, str) else None
    if kind is None:
        raise RowRefused(
            f"`{where}.{speaker}` is {shown(name)}, which is no role.", f"Known roles: {', '.join(_NAMES)}."
        )
    trained = _trained(turn, where, kind)
    at = f"{where}.{said or 'content'}"
    value = turn[said] if said else None
    if kind == "call":
        return [Message("assistant", "", calls_of(value, at), trained=trained)]
    parts = content_of(value, at)
    content = "\n".join(parts.texts)
    calls = [*parts.calls, *_called(turn, where)]
    if parts.results and kind in ("user", "tool"):
        rest = [Message("user", content)] if content else []
        return [*parts.results, *rest]
    if calls and kind != "assistant":
        raise RowRefused(f"`{where}` calls a tool, but the role is `{name}`.", "Only the assistant calls tools.")
    if kind == "assistant":
        if not calls:
            content, written = written_calls(content)
            calls = list(written)
        content = with_reasoning("\n".join([*parts.reasoning, *_thought(turn, where)]), content)
    elif parts.reasoning:
        raise RowRefused(f"`{where}` holds reasoning, but the role is `{name}`.", "Only the assistant reasons.")
    if kind == "system" and not content:
        return []
    if not content and not calls and kind != "tool":  # a tool may reply nothing
        raise RowRefused(f"`{at}` is empty.", "Write what was said, or remove the row.")
    role: Role = kind
    if kind == "tool":
        content = _WRAPPED.sub(r"\1", content)
        return [Message(role, content, name=_text(turn, "name"), call=_text(turn, "tool_call_id"))]
    return [Message(role, content, tuple(calls), trained=trained)]


def _called(turn: Mapping[str, object], where: str) -> list[ToolCall]:
    made: list[ToolCall] = []
    for key in ("tool_calls", "function_call"):
        if turn.get(key):
            made += calls_of(turn[key], f"{where}.{key}")
    return made


def _thought(turn: Mapping[str, object], where: str) -> list[str]:
    key = next((key for key in _REASONING if turn.get(key)), None)
    return [] if key is None else [sound_text(turn[key], f"{where}.{key}")]


def _trained(turn: Mapping[str, object], where: str, kind: SpeakerKind) -> bool:
    """Return whether loss is taken on a turn: without a weight, on every turn of the assistant."""
    key = next((key for key in WEIGHT if turn.get(key) is not None), None)
    if key is None:
        return True
    weight = turn[key]
    if not isinstance(weight, bool | int | float) or weight not in (0, 1):
        raise RowRefused(
            f"`{where}.{key}` is {shown(weight)}: a turn is trained (1) or not (0).", "Write 0 or 1, or leave it out."
        )
    if weight and kind not in ("assistant", "call"):
        raise RowRefused(
            f"`{where}.{key}` is {shown(weight)} on a turn of the {kind}: loss is taken on the assistant's turns only.",
            "Write 0, or leave it out.",
        )
    return bool(weight) or kind not in ("assistant", "call")


def _append(made: list[Message], message: Message) -> None:
    """Add a turn; what the assistant says and calls in a row is one turn of it, as models write it."""
    last = made[-1] if made else None
    if last is not None and _one_turn(last, message):
        text = "\n\n".join(part for part in (last.content, message.content) if part)
        made[-1] = replace(last, content=text, tool_calls=(*last.tool_calls, *message.tool_calls))
        return
    made.append(message)


def _one_turn(last: Message, message: Message) -> bool:
    calls = last.role == message.role == "assistant" and bool(message.tool_calls)
    return calls and last.trained == message.trained and not (last.tool_calls and message.content)


def _disorder(messages: Conversation) -> str:
    """Return what is wrong with the order of the turns, empty if nothing is."""
    if not messages:
        return "has no turns"
    before: Message | None = None
    for number, message in enumerate(messages):
        if message.role == "system":
            if number:
                return f"has a system message at turn {number + 1}"
            continue
        wrong = _misplaced(message, before)
        if wrong:
            return f"{wrong} at turn {number + 1}"
        before = message
    return "has no turns besides the system message" if before is None else ""


def _misplaced(message: Message, before: Message | None) -> str:
    if before is None:
        return "" if message.role == "user" else f"begins with the {_speaker(message)}"
    called = before.role == "assistant" and bool(before.tool_calls or "<tool_call>" in before.content)
    if message.role == "tool":
        return "" if called or before.role == "tool" else "has a tool's reply without a call"
    if message.role == "user":
        if before.role == "assistant":
            return "has a call that no tool replied to" if called else ""
        return (
            "has a tool's reply and the user in a row"
            if before.role == "tool"
            else "has two turns of the user in a row"
        )
    return "has two turns of the assistant in a row" if before.role == "assistant" else ""


def _speaker(message: Message) -> str:
    return "tool" if message.role == "tool" else message.role


def _key(turn: Mapping[str, object], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in turn), None)


def _text(turn: Mapping[str, object], key: str) -> str:
    value = turn.get(key)
    return value if isinstance(value, str) else ""
