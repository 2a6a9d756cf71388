"""What one turn says: text, or parts of text, reasoning and calls. What cannot be trained on is refused by name.

Parts come in OpenAI's form (`{"type": "text", "text": ...}`), LLaMA-Factory's (`value` for `text`), Anthropic's
(`tool_use`, `tool_result`, `thinking`), Bedrock's and Gemini's (`{"text": ...}` without a type).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from groundtune.tuning.formats.refusal import RowRefused, shown
from groundtune.tuning.formats.tools import calls_of
from groundtune.values import Message, ToolCall

_TEXT = frozenset({"text", "input_text", "output_text", "refusal"})
_REASONING = frozenset({"reasoning", "thinking", "think"})
_CALLS = frozenset({"tool_call", "tool_use", "function_call"})
_TO_TEXT = "Write text, in quotation marks."


@dataclass(slots=True)
class TurnContent:
    """What a turn says, taken apart."""

    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[Message] = field(default_factory=list)


def content_of(value: object, where: str) -> TurnContent:
    """Return what `value` says; `where` names it in reasons. Raises `RowRefused` for images and sound."""
    parts = TurnContent()
    if value is None:
        return parts
    for number, part in enumerate(value if isinstance(value, list) else [value]):
        at = f"{where}.{number}" if isinstance(value, list) else where
        if isinstance(part, str):
            parts.texts.append(sound_text(part, at))
        elif isinstance(part, Mapping):
            _add(part, at, parts)
        else:
            raise RowRefused(f"`{at}` is {shown(part)}, not text.", _TO_TEXT)
    return parts


def sound_text(value: object, where: str) -> str:
    """Return text without white space around it. Raises `RowRefused` for what is no text, or cannot be encoded."""
    if not isinstance(value, str):
        raise RowRefused(f"`{where}` is {shown(value)}, not text.", _TO_TEXT)
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            wrong = value[error.start]
            raise RowRefused(
                f"`{where}` holds half a character ({wrong!a}).", "Write the character itself, or both of its halves."
            ) from None
    return value.strip()


def with_reasoning(reasoning: str, text: str) -> str:
    r"""Return what a model writes that thinks first: the form that most of them use, and that serving takes apart.

    >>> with_reasoning("2 and 2", "4")
    '<think>\n2 and 2\n</think>\n\n4'
    """
    return f"<think>\n{reasoning}\n</think>\n\n{text}".strip() if reasoning else text


def _add(part: Mapping[str, object], where: str, parts: TurnContent) -> None:
    kind = str(part.get("type", "") or "").casefold()
    if not kind and isinstance(part.get("text"), str):  # Bedrock, Gemini
        kind = "text"
    if kind in _TEXT:
        parts.texts.append(sound_text(_first(part, "text", "value", "content", "refusal"), where))
    elif kind in _REASONING:
        parts.reasoning.append(sound_text(_first(part, "value", "text", "thinking", "reasoning", "content"), where))
    elif kind in _CALLS:
        parts.calls += calls_of(_first(part, "value", "tool_call", default=part), where)
    elif kind == "tool_result":
        result = content_of(part.get("content"), f"{where}.content")
        parts.results.append(Message("tool", "\n".join(result.texts), call=str(part.get("tool_use_id") or "")))
    else:
        name = kind or ", ".join(map(str, part)) or "empty"
        raise RowRefused(
            f"`{where}` is a part of the type `{name}`, which cannot be trained on.",
            "Training reads text only. Describe it in words, or remove the row.",
        )


def _first(part: Mapping[str, object], *keys: str, default: object = None) -> object:
    return next((part[key] for key in keys if part.get(key) is not None), default)
