"""Conversations as token ids: the one place where training and serving render them, so that both agree.

Works on any Hugging Face tokenizer with a chat template; knows nothing of models or of training loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundtune.errors import TuningError
from groundtune.values import Conversation, Message


class Tokenizer(Protocol):
    """The part of a Hugging Face fast tokenizer that is used here."""

    eos_token_id: int

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


def training_ids(tokenizer: Tokenizer, messages: Conversation) -> Rendered:
    """Render a whole conversation with loss on the assistant's turns only, end-of-turn token included.

    What stands before an assistant's turn is, token for token, the prompt that serving gives. Raises
    `TuningError` where that cannot be: no assistant turn, a template that rewrites earlier turns or does
    not close the assistant's turn with the end-of-sequence token.
    """
    text = _text(tokenizer, messages, generate=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = [_assistant_span(tokenizer, messages, turn, text) for turn in _assistant_turns(messages)]
    ids: list[int] = list(encoded["input_ids"])
    labels = [
        token if any(start <= left and right <= end for start, end in spans) else -100
        for token, (left, right) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    _check(tokenizer, messages, ids, labels)
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


def _check(tokenizer: Tokenizer, messages: Conversation, ids: Sequence[int], labels: Sequence[int]) -> None:
    learned = [label for label in labels if label != -100]
    if not learned:
        raise TuningError("all labels of a conversation are masked.", remedy="Check the chat template.")
    if messages[-1].role == "assistant" and learned[-1] != tokenizer.eos_token_id:
        raise TuningError(
            "the chat template does not end the assistant's turn with the end-of-sequence token, so the tuned model "
            "would never stop.",
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
    turns = [{"role": message.role, "content": message.content} for message in messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=generate))


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
