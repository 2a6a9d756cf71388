"""Tools and their calls, in the forms in which data sets write them.

OpenAI's and Mistral's (`{"type": "function", "function": {...}}`, arguments as JSON text or as an object), the flat
form of ShareGPT and LLaMA-Factory (`{"name", "arguments"}`), Anthropic's (`input_schema`, `input`), and Hermes' calls
inside the text (`<tool_call>{...}</tool_call>`, https://github.com/NousResearch/Hermes-Function-Calling).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.values import ToolCall

_WRITTEN = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_LIKE = 'Write it like {"name": "get_price", "arguments": {"plan": "Brook"}}.'


def tools_of(value: object, where: str) -> tuple[str, ...]:
    """Return tools as JSON text in OpenAI's form; `where` is the key that they stand under. Raises `RowRefused`."""
    loaded = _loaded(value, where) if isinstance(value, str) else value
    if loaded is None or loaded == "":
        return ()
    listed = loaded if isinstance(loaded, list) else [loaded]
    return tuple(_tool(each, f"{where}.{number}") for number, each in enumerate(listed))


def calls_of(value: object, where: str) -> tuple[ToolCall, ...]:
    """Return the calls in JSON text, in an object, or in a list of objects. Raises `RowRefused`."""
    loaded = _loaded(value, where) if isinstance(value, str) else value
    listed = loaded if isinstance(loaded, list) else [loaded]
    if not listed:
        raise RowRefused(f"`{where}` holds no call.", _LIKE)
    return tuple(_call(each, where) for each in listed)


def written_calls(text: str) -> tuple[str, tuple[ToolCall, ...]]:
    r"""Return (text before, calls) of a turn that ends with calls in Hermes' form; all of the text where it does not.

    >>> written_calls('I look.\n<tool_call>{"name": "f", "arguments": {}}</tool_call>')
    ('I look.', (ToolCall(name='f', arguments='{}', id=''),))
    """
    first = text.find("<tool_call>")
    if first < 0 or _WRITTEN.sub("", text[first:]).strip():
        return text, ()
    try:
        calls = [_call(_loaded(loaded[1], "tool_call"), "tool_call") for loaded in _WRITTEN.finditer(text)]
    except RowRefused:
        return text, ()
    return text[:first].strip(), tuple(calls)


def _tool(value: object, where: str) -> str:
    if isinstance(value, str):
        value = _loaded(value, where)
    inner = value.get("function", value) if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str) or not inner["name"]:
        raise RowRefused(
            f"`{where}` is {shown(value)}, which has no `name`.",
            'Write a tool like {"name": "get_price", "description": "...", "parameters": {...}}.',
        )
    described = dict(inner)
    if "input_schema" in described:
        described["parameters"] = described.pop("input_schema")
    return json.dumps({"type": "function", "function": described}, ensure_ascii=False, default=str)


def _call(value: object, where: str) -> ToolCall:
    if isinstance(value, str):
        value = _loaded(value, where)
    if not isinstance(value, Mapping):
        raise RowRefused(f"`{where}` is {shown(value)}, not a call.", _LIKE)
    inner = value.get("function", value)
    if isinstance(inner, str):  # {"function": "get_price", "arguments": ...}
        inner = {**value, "name": inner}
    if not isinstance(inner, Mapping) or not isinstance(inner.get("name"), str) or not inner["name"]:
        raise RowRefused(f"`{where}` is {shown(value)}, a call without `name`.", _LIKE)
    given = next((inner[key] for key in ("arguments", "parameters", "input", "args") if key in inner), None)
    if isinstance(given, str):
        given = _loaded(given, f"{where}.arguments")
    given = {} if given in (None, "") else given
    if not isinstance(given, Mapping):
        raise RowRefused(f"`{where}.arguments` is {shown(given)}, not an object.", _LIKE)
    id = value.get("id") or inner.get("id") or ""
    return ToolCall(inner["name"], json.dumps(given, ensure_ascii=False, default=str), str(id))


def _loaded(text: str, where: str) -> object:
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RowRefused(f"`{where}` is {shown(text)}, which is not JSON: {error}.", _LIKE) from None
