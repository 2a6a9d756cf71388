"""Conversations as token ids: the one place where training and serving render them, so that both agree.

Works on any Hugging Face tokenizer with a chat template; knows nothing of models or of training loops.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundtune.errors import ModelFailed, TuningError
from groundtune.values import Conversation, Message


class Tokenizer(Protocol):
    """The part of a Hugging Face fast tokenizer that is used here."""

    eos_token_id: int | None

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...  # noqa: ANN401, D102

    def __call__(self, text: str, **options: Any) -> Any: ...  # noqa: ANN401, D102


@dataclass(frozen=True, slots=True)
class Rendered:
    """A training conversation: `labels` equals `input_ids` on the assistant's turns and -100 elsewhere."""

    input_ids: list[int]
    labels: list[int]


def prompt_ids(tokenizer: Tokenizer, messages: Conversation) -> list[int]:
    """Return the ids up to the point where the assistant's next turn begins."""
    return _ids(tokenizer, prompt_text(tokenizer, messages))


def prompt_text(tokenizer: Tokenizer, messages: Conversation) -> str:
    """Return the text up to the point where the assistant's next turn begins."""
    return _text(tokenizer, messages, generate=True)


def conversation_ids(tokenizer: Tokenizer, messages: Conversation) -> list[int]:
    """Return the ids of a whole conversation. Raises `ModelFailed` where the template takes none of its forms."""
    return _ids(tokenizer, _text(tokenizer, messages, generate=False))


def turn_ends(tokenizer: Tokenizer, model: Any) -> frozenset[int]:  # noqa: ANN401 -- transformers is untyped here
    """Return the tokens that end a turn: the tokenizer's, and those that only the model's generation settings name."""
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    several = configured if isinstance(configured, list | tuple) else [configured]
    return frozenset(token for token in (*several, tokenizer.eos_token_id) if token is not None)


def closing_id(tokenizer: Tokenizer, ends: Collection[int]) -> int | None:
    """Return which of `ends` the chat template closes an assistant's turn with; if with none, the tokenizer's own."""
    text = _text(tokenizer, (Message("user", "a"), Message("assistant", "b")), generate=False)
    closing = [token for token in _ids(tokenizer, text) if token in ends]
    return closing[-1] if closing else tokenizer.eos_token_id


def training_ids(tokenizer: Tokenizer, messages: Conversation, ends: Collection[int] | None = None) -> Rendered:
    """Render a whole conversation with loss on the assistant's turns only, end-of-turn token included.

    What stands before an assistant's turn is, token for token, the prompt that serving gives. Raises
    `TuningError` where that cannot be: no assistant turn, a template that rewrites earlier turns or does
    not close the assistant's turn with one of the tokens in `ends` (the tokenizer's end-of-sequence token, if None).
    """
    try:
        return _training_ids(tokenizer, messages, {tokenizer.eos_token_id} if ends is None else ends)
    except ModelFailed as error:
        raise TuningError(error.message, remedy=error.remedy) from None


def _training_ids(tokenizer: Tokenizer, messages: Conversation, ends: Collection[int | None]) -> Rendered:
    text = _text(tokenizer, messages, generate=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = [_assistant_span(tokenizer, messages, turn, text) for turn in _assistant_turns(messages)]
    ids: list[int] = list(encoded["input_ids"])
    labels = [
        token if any(start <= left and right <= end for start, end in spans) else -100
        for token, (left, right) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    _check(tokenizer, messages, ids, labels, ends)
    return Rendered(ids, labels)


def _assistant_turns(messages: Conversation) -> list[int]:
    turns = [index for index, message in enumerate(messages) if message.role == "assistant"]
    if not turns:
        raise TuningError(
            "a conversation has no assistant turn, so the model cannot learn from it.",
            remedy="Add the ideal answer, or remove it.",
        )
    return turns


def _assistant_span(tokenizer: Tokenizer, messages: Conversation, turn: int, text: str) -> tuple[int, int]:
    """Return (start, end) in `text` of what the model has to produce for this turn."""
    before = _text(tokenizer, messages[:turn], generate=True)
    until = _text(tokenizer, messages[: turn + 1], generate=False)
    if not (text.startswith(until) and until.startswith(before)):
        raise TuningError(
            "the chat template changes earlier turns when later ones are added, so the loss on single turns "
            "is undefined.",
            remedy="Use conversations with one assistant turn, or a template that only appends.",
        )
    return len(before), len(before) + len(until[len(before) :].rstrip())


def _check(
    tokenizer: Tokenizer,
    messages: Conversation,
    ids: Sequence[int],
    labels: Sequence[int],
    ends: Collection[int | None],
) -> None:
    learned = [label for label in labels if label != -100]
    if not learned:
        raise TuningError("all labels of a conversation are masked.", remedy="Check the chat template.")
    if messages[-1].role == "assistant" and learned[-1] not in ends:
        raise TuningError(
            "the chat template does not end the assistant's turn with an end-of-sequence token of tokenizer or "
            "generation_config.json, so the tuned model would never stop.",
            remedy="Use the tokenizer of an instruction-tuned model.",
        )
    for turn in _assistant_turns(messages):
        prompt = prompt_ids(tokenizer, messages[:turn])
        if list(ids[: len(prompt)]) != prompt:
            raise TuningError(
                "the prompt is tokenized differently in training and in serving.",
                remedy="Remove the white space around the messages.",
            )


def _text(tokenizer: Tokenizer, messages: Sequence[Message], *, generate: bool) -> str:
    """Return what the chat template makes of the messages, in the first form that it takes.

    Some templates refuse a system message (Gemma, Mistral 0.1) or leave it out without a word, and some refuse two
    turns of one speaker in a row. Raises `ModelFailed` where it takes no form.
    """
    refusal, rendered = "", ""
    system = messages[0].content.strip() if messages and messages[0].role == "system" else ""
    for form in (tuple(messages), _folded(messages), _joined(_folded(messages))):
        turns = [{"role": message.role, "content": message.content} for message in form]
        try:
            text = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=generate))
        except Exception as error:
            refusal = refusal or " ".join(str(error).split())
            continue
        if system in text:
            return text
        rendered = rendered or text  # it writes the system message in a way of its own
    if rendered:
        return rendered
    raise ModelFailed(
        f"the model's chat template cannot render a conversation of {', '.join(each.role for each in messages)}: "
        f"{refusal}.",
        remedy="Use conversations in which user and assistant alternate, or a model with another template.",
    )


def _folded(messages: Sequence[Message]) -> Conversation:
    """Return the messages with a system message at the head of the first user turn."""
    if len(messages) < 2 or (messages[0].role, messages[1].role) != ("system", "user"):
        return tuple(messages)
    first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
    return (first, *messages[2:])


def _joined(messages: Sequence[Message]) -> Conversation:
    """Return the messages with turns of one speaker in a row as one turn."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            joined[-1] = Message(message.role, f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(message)
    return tuple(joined)


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
