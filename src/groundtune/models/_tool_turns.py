"""Calls of tools in a conversation, as a chat template takes them, or written out where it takes none.

Whether a template shows tools, calls and replies is found out by rendering a short conversation, not by its name:
many drop them without a word. Where one does, they are written into the turns in Hermes' form
(https://github.com/NousResearch/Hermes-Function-Calling), the same in training and in serving. Knows no tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from groundtune.values import Conversation, Message, ToolCall

Render = Callable[[list[dict[str, Any]], list[dict[str, Any]]], str]  # (turns, tools) -> text

_PROBE: Conversation = (
    Message("user", "probe question"),
    Message("assistant", "", (ToolCall("probe_called", '{"probe_key": "probe value"}'),)),
    Message("tool", "probe reply", name="probe_called"),
    Message("assistant", "probe answer"),
)
_PROBE_TOOL = json.dumps(
    {
        "type": "function",
        "function": {
            "name": "probe_listed",
            "description": "probe description",
            "parameters": {"type": "object", "properties": {"probe_key": {"type": "string"}}, "required": []},
        },
    }
)
_PROBED = ("probe question", "probe_called", "probe_key", "probe value", "probe reply", "probe answer")
_LISTED = ("probe_listed", "probe description")
_INSTRUCTIONS = (
    "# Tools\n\nYou may call one or more of these functions. Their signatures are in <tools></tools>:\n"
    "<tools>\n{tools}\n</tools>\n\n"
    "For each call, write a JSON object with the name and the arguments of the function in <tool_call></tool_call>:\n"
    '<tool_call>\n{{"name": <function-name>, "arguments": <args-json-object>}}\n</tool_call>'
)


@dataclass(frozen=True, slots=True)
class ToolForm:
    """How a chat template takes calls: `as_text`, arguments as JSON text; `none`, no content where nothing is said."""

    as_text: bool
    none: bool

    def turns(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """Return the turns as templates take them.

        Calls get ids of nine letters and digits, by their number, which are all that Mistral's templates accept.
        """
        turns: list[dict[str, Any]] = []
        ids: dict[str, str] = {}
        open_ids: list[str] = []
        number = 0
        for message in messages:
            turn: dict[str, Any] = {"role": message.role, "content": message.content}
            if message.tool_calls:
                new = [f"call{number + place:05d}" for place in range(len(message.tool_calls))]
                number += len(new)
                ids.update({call.id: id for call, id in zip(message.tool_calls, new, strict=True) if call.id})
                open_ids = list(new)
                turn["tool_calls"] = [self._call(*pair) for pair in zip(message.tool_calls, new, strict=True)]
                turn["content"] = message.content or (None if self.none else "")
            if message.role == "tool":
                id = ids.get(message.call) or (open_ids[0] if open_ids else "call00000")
                open_ids = [other for other in open_ids if other != id]
                turn |= {"tool_call_id": id, "name": message.name or _name_of(turns, id)}
            turns.append(turn)
        return turns

    def _call(self, call: ToolCall, id: str) -> dict[str, Any]:
        arguments = call.arguments if self.as_text else json.loads(call.arguments)
        return {"type": "function", "id": id, "function": {"name": call.name, "arguments": arguments}}


def uses_tools(messages: Sequence[Message], tools: Sequence[str]) -> bool:
    """Tell whether anything of a conversation is about tools."""
    return bool(tools) or any(message.tool_calls or message.role == "tool" for message in messages)


def tool_form(render: Render, *, listed: bool) -> ToolForm | None:
    """Return how a template takes calls, or None if it drops some of what is said. `listed`: tools are listed, too."""
    tools = [json.loads(_PROBE_TOOL)] if listed else []
    needed = (*_PROBED, *_LISTED) if listed else _PROBED
    for as_text, none in product((False, True), (False, True)):
        form = ToolForm(as_text, none)
        try:
            text = render(form.turns(_PROBE), tools)
        except Exception:  # a template raises whatever it likes; another form may do
            continue
        # a dictionary that a template prints is Python's, not JSON
        if all(part in text for part in needed) and "'probe_key'" not in text:
            return form
    return None


def written_out(messages: Sequence[Message], tools: Sequence[str]) -> Conversation:
    """Return the conversation without calls: tools stand in the system message, calls and replies in the turns."""
    made: list[Message] = []
    replies = False
    for message in messages:
        if message.role == "tool":
            reply = f"<tool_response>\n{message.content}\n</tool_response>"
            if replies:
                made[-1] = replace(made[-1], content=f"{made[-1].content}\n{reply}")
            else:
                made.append(Message("user", reply))
        elif message.tool_calls:
            calls = "\n".join(map(_written, message.tool_calls))
            made.append(replace(message, content=f"{message.content}\n{calls}".strip(), tool_calls=()))
        else:
            made.append(message)
        replies = message.role == "tool"
    if not tools:
        return tuple(made)
    text = _INSTRUCTIONS.format(tools="\n".join(tools))
    if made and made[0].role == "system":
        return (replace(made[0], content=f"{made[0].content}\n\n{text}"), *made[1:])
    return (Message("system", text), *made)


def left_out(messages: Sequence[Message], text: str) -> str:
    """Return what a template left out of a conversation, empty if nothing. Reasoning of earlier turns may be."""
    for number, message in enumerate(messages, start=1):
        if not _shows(text, message.content.rpartition("</think>")[2]):
            return f"the content of turn {number} ({message.role})"
        for call in message.tool_calls:
            if not _shows(text, call.name) or not all(
                _shows(text, each) for each in _strings(json.loads(call.arguments))
            ):
                return f"the call of `{call.name}` in turn {number}"
    return ""


def _written(call: ToolCall) -> str:
    return f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}\n</tool_call>'


def _shows(text: str, content: str) -> bool:
    plain = content.strip()
    return plain in text or any(json.dumps(plain, ensure_ascii=escaped)[1:-1] in text for escaped in (False, True))


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _strings(each)]
    return [text for each in value for text in _strings(each)] if isinstance(value, list) else []


def _name_of(turns: Sequence[Mapping[str, Any]], id: str) -> str:
    calls = [call for turn in turns for call in turn.get("tool_calls", ())]
    return next((str(call["function"]["name"]) for call in calls if call["id"] == id), "tool")
