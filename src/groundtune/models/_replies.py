"""What a reply of an OpenAI-compatible endpoint says: text, reasoning, why it ended, tokens, log probabilities.

Liberal: fields may be missing, null or of another type, and each server has its own names for reasoning. Only what
cannot be a chat completion at all is refused. Knows no HTTP. Wire format:
https://platform.openai.com/docs/api-reference/chat; fields of reasoning as vLLM, DeepSeek, OpenRouter, Mistral,
Ollama and LiteLLM send them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groundtune.http.bodies import DONE, decoded, fault_of, frames, loaded
from groundtune.models._options import LABEL_TOKENS, Step, token_text
from groundtune.models._tool_calls import CallPiece, calls_in
from groundtune.reply.reasoning import Parting, joined
from groundtune.values import Completion, FinishReason, Usage

_REASONING_FIELDS = tuple(
    "reasoning_content reasoning reasoning_text thinking thinking_content thoughts thought thinking_blocks "
    "reasoning_details reasoningContent".split()
)
_WORDS_FIELDS = tuple(
    "text thinking reasoning reasoning_content content output_text summary value reasoningText transcript".split()
)
_THOUGHT_TYPES = ("reason", "think", "thought")
_FINISH: dict[str, FinishReason] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_output_tokens", "max_length"), "length"),
    **dict.fromkeys(("content_filter", "safety", "content_filtered", "guardrail_intervened"), "content_filter"),
    **dict.fromkeys(("recitation", "prohibited_content", "blocklist", "sensitive"), "content_filter"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool_calls"),
    "refusal": "refusal",
}
_BROKEN = frozenset({"error", "abort", "aborted", "cancelled", "insufficient_system_resource"})
_MOST_TOKENS = 10**9  # a count beyond it is none
_DEEPEST = 12


class NotACompletion(Exception):
    """Why a reply is no chat completion."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one JSON object of a reply says: the whole of it, or a chunk of a stream.

    `steps` are its first tokens with the likeliest in their place. `finish` is the
    endpoint's word for why it ended, "" while it has not. `fault` is an error that it tells of. `repeats` is true of a
    last chunk that says the whole message once more, `whole` of a reply that is no chunk.
    """

    text: str = ""
    reasoning: str = ""
    finish: str = ""
    refusal: str = ""
    calls: tuple[CallPiece, ...] = ()
    usage: Usage | None = None
    steps: tuple[Step, ...] = ()
    fault: str = ""
    chosen: bool = False
    repeats: bool = False
    whole: bool = False


@dataclass
class Gathered:
    """A reply as its pieces come in: `add` gives what can be shown of the answer."""

    parting: Parting = field(default_factory=Parting)
    thoughts: list[str] = field(default_factory=list)
    finish: str = ""
    refusal: str = ""
    calls: list[CallPiece] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    steps: tuple[Step, ...] = ()
    chosen: bool = False
    heard: bool = False
    fault: str = ""

    def add(self, piece: Piece) -> str:
        """Take the next piece; return the words of the answer that it brings."""
        heard = self.heard and piece.repeats
        self.calls += [] if self.calls and piece.repeats else piece.calls
        self.thoughts += [] if heard else [piece.reasoning]
        self.heard = self.heard or bool(piece.text)
        self.finish = piece.finish or self.finish
        self.refusal += piece.refusal
        self.usage = piece.usage or self.usage
        self.steps = self.steps or piece.steps
        self.chosen = self.chosen or piece.chosen
        self.fault = self.fault or piece.fault
        return self.parting.feed(piece.text) if piece.text and not heard else ""

    @property
    def broken(self) -> str:
        """What went wrong at the endpoint in the middle of the reply, "" if nothing did."""
        if self.finish.lower() in _BROKEN:
            return self.fault or f"it ended with the finish reason {self.finish!r}"
        finished = _FINISH.get(self.finish.lower()) in ("stop", "length")
        return "" if finished and self.text.strip() else self.fault

    @property
    def text(self) -> str:
        """The answer so far; all of it after `parting.end()`."""
        return self.parting.parted.answer

    def completion(self, adjusted: tuple[str, ...] = ()) -> Completion:
        """Return the whole reply; `parting.end()` must have been called."""
        reasoning = joined("".join(self.thoughts), self.parting.parted.reasoning)
        reason, detail = self._reason()
        return Completion(self.text, self.usage, reason, reasoning, detail, adjusted)

    def _reason(self) -> tuple[FinishReason, str]:
        known = _FINISH.get(self.finish.lower())
        if not self.text.strip() and known != "length":
            if self.refusal.strip():
                return "refusal", self.refusal.strip()
            if self.calls and known != "content_filter":
                return "tool_calls", ""
        return known or "other", "" if known else self.finish


def gathered(data: bytes) -> Gathered:
    """Return the whole reply in `data`, which may be a stream of events although none was asked for.

    Raises `NotACompletion` if it is no reply.
    """
    text = decoded(data)
    try:
        objects = [loaded(text)]
    except ValueError as error:
        objects = _events(data, error)
    reply = Gathered()
    for each in objects:
        reply.add(piece_of(each))
    reply.parting.end()
    return reply


def _events(data: bytes, error: ValueError) -> list[Any]:
    events = [event for event in frames([data]) if event != DONE]
    if not events:
        raise NotACompletion("it is empty")
    try:
        return [loaded(event) for event in events]
    except ValueError:
        raise NotACompletion(f"it is not JSON: {error}") from None


def piece_of(said: object) -> Piece:
    """Return what a JSON object of a reply says. Raises `NotACompletion` if it is none."""
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if not isinstance(said, Mapping):
        raise NotACompletion("it is not a JSON object")
    fault = fault_of(said)
    choice = _choice(said)
    message = _message(choice)
    text, among = _content(message.get("content"))
    if not text and isinstance(choice.get("text"), str):
        text = choice["text"]
    return Piece(
        text=text,
        reasoning=_reasoning(message) or among or _reasoning(choice),
        finish=_finish(choice) or ("stop" if said.get("done") is True else ""),
        refusal=_words(message.get("refusal")) or _refused_part(message.get("content")),
        calls=calls_in(message),
        usage=_usage(said),
        steps=_steps(choice.get("logprobs")),
        fault=fault.message if fault else "",
        chosen=bool(choice),
        whole="choices" in said and bool(message) and message is choice.get("message"),
        repeats=isinstance(choice.get("delta"), Mapping) and message is choice.get("message"),
    )


def _choice(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first choice, an empty one if there is none; a reply without choices may be one itself (Ollama)."""
    choices = said.get("choices")
    if isinstance(choices, Mapping):
        return choices
    if choices is not None and not isinstance(choices, list):
        raise NotACompletion("`choices` is not a list")
    first = next((each for each in choices or [] if each is not None), None)
    if first is None:
        return said if isinstance(said.get("message"), Mapping) else {}
    if not isinstance(first, Mapping):
        raise NotACompletion("a choice is not an object")
    return first


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the message of a choice, or what a chunk adds to it."""
    for key in ("delta", "message"):
        message = choice.get(key)
        if isinstance(message, Mapping) and message:
            return message
        if message and not isinstance(message, Mapping):
            raise NotACompletion(f"the {key} of a choice is not an object")
    return {}


def _content(content: object) -> tuple[str, str]:
    """Return the text and the reasoning in a message's content: a text, a part, or a list of parts."""
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return str(content), ""
    if isinstance(content, (str, Mapping)):
        content = [content]
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content if isinstance(content, list) else []:
        kind = str(part.get("type", "")).lower() if isinstance(part, Mapping) else ""
        if any(word in kind for word in _THOUGHT_TYPES) or (isinstance(part, Mapping) and part.get("thought") is True):
            thoughts.append(_words(part))
        elif "refusal" not in kind and "tool" not in kind:
            texts.append(_words(part))
    return "".join(texts), "".join(thoughts)


def _refused_part(content: object) -> str:
    parts = content if isinstance(content, list) else []
    return "".join(_words(part.get("refusal")) for part in parts if isinstance(part, Mapping))


def _reasoning(message: Mapping[str, Any]) -> str:
    """Return the reasoning that stands in a field of its own. Several fields hold the same, so the first one counts."""
    nested = message.get("provider_specific_fields")
    places = (message, nested) if isinstance(nested, Mapping) else (message,)
    return next(filter(None, (_words(place.get(name)) for place in places for name in _REASONING_FIELDS)), "")


def _words(value: object, depth: int = 0) -> str:
    """Return the text in a value of unknown form; what is encrypted or a number has none."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "".join(_words(each, depth + 1) for each in value)
    if isinstance(value, Mapping):
        return next(filter(None, (_words(value.get(name), depth + 1) for name in _WORDS_FIELDS)), "")
    return ""


def _finish(choice: Mapping[str, Any]) -> str:
    for key in ("finish_reason", "stop_reason", "done_reason", "finishReason"):
        if isinstance(choice.get(key), str) and choice[key]:
            return str(choice[key])
    return ""


def _usage(said: Mapping[str, Any]) -> Usage | None:
    """Return the tokens that a reply counts, None where it counts none; what is no count is 0."""
    usage = said.get("usage")
    if not isinstance(usage, Mapping):
        return None
    prompt = _first_count(usage, "prompt_tokens", "input_tokens")
    completion = _first_count(usage, "completion_tokens", "output_tokens")
    if not completion and prompt:
        completion = max(0, _count(usage.get("total_tokens")) - prompt)
    details = [usage.get(key) for key in ("completion_tokens_details", "output_tokens_details", "completion_details")]
    reasoning = _first_count(usage, "reasoning_tokens") or max(
        (_first_count(each, "reasoning_tokens", "thinking_tokens") for each in details if isinstance(each, Mapping)),
        default=0,
    )
    return Usage(prompt, completion, reasoning_tokens=reasoning) if prompt or completion else None


def _first_count(counts: Mapping[str, Any], *names: str) -> int:
    return next(filter(None, (_count(counts.get(name)) for name in names)), 0)


def _count(value: object) -> int:
    """Return a number of tokens; 0 for what is none, as null, -1, "many" or NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0
    return int(number) if math.isfinite(number) and 0 <= number <= _MOST_TOKENS else 0


def _steps(logprobs: object) -> tuple[Step, ...]:
    """Return the first tokens with those in their place, as far as the endpoint gives log probabilities."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    steps = []
    for token in (content if isinstance(content, list) else [])[:LABEL_TOKENS]:
        if not isinstance(token, Mapping) or not isinstance(token.get("token"), str):
            break
        listed = token.get("top_logprobs")
        tops = [each for each in (listed if isinstance(listed, list) else []) if _is_alternative(each)]
        if _is_alternative(token) and all(each["token"] != token["token"] for each in tops):
            tops.append(token)
        shares = [(_token(each), math.exp(min(0.0, float(each["logprob"])))) for each in tops]
        steps.append(Step(_token(token), shares))
    return tuple(steps)


def _token(said: Mapping[str, Any]) -> str:
    return token_text(said["token"], said.get("bytes"))


def _is_alternative(said: object) -> bool:
    return isinstance(said, Mapping) and isinstance(said.get("token"), str) and _is_log_probability(said.get("logprob"))


def _is_log_probability(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value <= 0.01
