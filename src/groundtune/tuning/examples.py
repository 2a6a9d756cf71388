"""Training conversations: read from `training.jsonl`, kept apart for early stopping, identified by a hash.

Knows nothing of models, prompts or documents' content.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from groundtune.errors import InputError, TuningError
from groundtune.files import read_jsonl
from groundtune.values import Example, Message, Question, digest

Row = TypeVar("Row")


class _ConversationTurn(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1, pattern=r"\S")


class _ConversationLine(BaseModel):
    """One line of `training.jsonl`."""

    model_config = ConfigDict(extra="forbid")
    messages: list[_ConversationTurn] = Field(min_length=2)
    documents: list[str] = []
    source: str = ""


def load_examples(path: Path) -> list[Example]:
    """Return the conversations of `path`, each once. Raises `InputError` with file and line."""
    examples: dict[str, Example] = {}
    for number, line in read_jsonl(path, _ConversationLine):
        messages = tuple(Message(turn.role, turn.content.strip()) for turn in line.messages)
        _check_turns(messages, path, number)
        examples.setdefault(
            _identity(messages),
            Example(messages, tuple(line.documents), line.source, place=f"{path}:{number}"),
        )
    if not examples:
        raise InputError("contains no conversation.", place=path, remedy="Add training conversations, one per line.")
    return list(examples.values())


def last_question(example: Example) -> Question:
    """Return the last question of a conversation with the turns before it, without a system message."""
    turns = tuple(message for message in example.messages[:-1] if message.role != "system")
    return Question(turns[-1].content, turns[:-1])


def hold_out(examples: Sequence[Row], number: int, rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """Return (training, held out): `number` conversations are held out, but at most a fifth and at least one.

    Raises `TuningError` for fewer than two conversations.
    """
    if len(examples) < 2:
        raise TuningError(
            f"too few training conversations for early stopping: {len(examples)}. At least 2 are needed.",
            remedy="Add conversations to the training data.",
        )
    order = rng.permutation(len(examples))
    kept = max(1, min(number, len(examples) // 5))
    return [examples[index] for index in order[kept:]], [examples[index] for index in order[:kept]]


def data_hash(examples: Sequence[Example]) -> str:
    """Identify a set of conversations, whatever their order."""
    return digest(*sorted(_identity(example.messages) for example in examples))


def _identity(messages: Sequence[Message]) -> str:
    return digest(*(part for message in messages for part in (message.role, message.content)))


def _check_turns(messages: Sequence[Message], path: Path, line: int) -> None:
    turns = [message.role for message in messages if message.role != "system"]
    expected = ["user", "assistant"] * (len(turns) // 2)
    if turns != expected or any(message.role == "system" for message in messages[1:]):
        raise InputError(
            f"the turns are {', '.join(message.role for message in messages)}.",
            place=path,
            line=line,
            remedy="Alternate user and assistant, end with the assistant; a system message may only come first.",
        )
