"""Conversations, questions, answers, and what a model said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from groundtune.text import without_markers
from groundtune.values.knowledge import EVERYONE, Passage, Place, Placed

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


Conversation = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks: `text`, after the turns of `history`.

    `asker` are the principals of who asks, exactly these: ("staff",) does not include "everyone". Without any, no
    document is read.
    """

    text: str
    history: Conversation = ()
    asker: tuple[str, ...] = EVERYONE


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost. Seconds are None where a batch hides them; tokens are the model's own."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float | None = None
    seconds_to_first_token: float | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat model said. `finish_reason` is "length" when the token limit cut it off, and "repetition" when it
    was ended because it went round in circles."""

    text: str
    usage: Usage
    finish_reason: Literal["stop", "length", "repetition", "content_filter", "other"] = "stop"


@dataclass(frozen=True, slots=True)
class Choice:
    """How probable each option is as the next answer (summing to 1), and what it cost to ask."""

    probabilities: Mapping[str, float]
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Citation(Placed):
    """A piece of a document that supports an answer: `quote` is the document's text from `start` to `end`.

    `origin` tells who made the link: the model itself, or groundtune by comparing words afterwards.
    """

    document: str
    place: Place
    quote: str
    origin: Literal["model", "attributed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with its checked citations, or an abstention (`text` then says that it is not known).

    `support` is how well retrieval supported an answer, in [0, 1]; None without retrieval.
    `citations_removed` counts citations the model made up; `truncated` tells that the token limit cut the text off.
    """

    text: str
    abstained: bool
    usage: Usage
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    citations_removed: int = 0
    support: float | None = None
    truncated: bool = False

    @property
    def prose(self) -> str:
        """`text` without citation markers, if it has passages to cite: what is compared with an ideal answer."""
        return without_markers(self.text) if self.passages else self.text


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the passages that an answer will rest on, best first; none where nothing was found."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Event: the next words of the reply, as the model gives them, never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """Event: a citation of the answer, which was checked and holds."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class Answered:
    """Event, always the last: the checked answer. Its text takes the place of the pieces."""

    answer: Answer


Event = Retrieved | TextPiece | Cited | Answered


@dataclass(frozen=True, slots=True)
class Example:
    """A training conversation. Loss is taken on the assistant's turns only. `place` is the file and line it is from."""

    messages: Conversation
    documents: tuple[str, ...] = ()
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    place: str = field(default="", compare=False)
