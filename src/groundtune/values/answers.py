"""Conversations, questions, answers, and what a model said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from groundtune.text import encodable, without_markers
from groundtune.values.knowledge import EVERYONE, Passage, Place, Placed

LEAST_MASS = 0.5
"""The probability that must stand on the options of a choice: below, the model said something else."""

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that a model asks for. `arguments` is the text of a JSON object; `id` tells calls apart."""

    name: str
    arguments: str = "{}"
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    An assistant's turn may call tools, with or without words. A turn of the role "tool" is what a tool replied: `name`
    is the tool, `call` the id of the call, where they are known. Training takes no loss on a turn that is not
    `trained`.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    name: str = ""
    call: str = ""
    trained: bool = True

    def __post_init__(self) -> None:
        """Put halves of characters together, or U+FFFD in their place: no tokenizer, store or endpoint takes them."""
        object.__setattr__(self, "content", encodable(self.content))


Conversation = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks: `text`, after the turns of `history`.

    `asker` are the principals of who asks, exactly these: ("staff",) does not include "everyone". Without any, no
    document is read. `done` is what agents did for them in this conversation, a line each.
    """

    text: str
    history: Conversation = ()
    asker: tuple[str, ...] = EVERYONE
    done: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Put halves of characters together, as in a `Message`: a terminal and a browser may send them."""
        object.__setattr__(self, "text", encodable(self.text))


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost. Seconds are None where a batch hides them; tokens are the model's own.

    `reasoning_tokens` are those of `completion_tokens` that went into reasoning, 0 where nobody counted them.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float | None = None
    seconds_to_first_token: float | None = None
    reasoning_tokens: int = 0


FinishReason = Literal["stop", "length", "repetition", "content_filter", "tool_calls", "refusal", "other"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat model said. `finish_reason` is "length" when the token limit cut it off, and "repetition" when it
    was ended because it went round in circles.

    `reasoning` is what it wrote down before it answered; `text` has none of it. `finish_detail` are an endpoint's own
    words for the end: an unknown finish reason, or a refusal. `adjusted` says what was asked otherwise than the
    settings say, because the endpoint refuses it.
    """

    text: str
    usage: Usage
    finish_reason: FinishReason = "stop"
    reasoning: str = ""
    finish_detail: str = ""
    adjusted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Put halves of characters together, as in a `Message`: an endpoint may send them."""
        object.__setattr__(self, "text", encodable(self.text))
        object.__setattr__(self, "reasoning", encodable(self.reasoning))


@dataclass(frozen=True, slots=True)
class Choice:
    """How probable each option is as the next answer (summing to 1), and what it cost to ask.

    `mass` is how much of the probability stood on the options before the rest was left out; `reply` what the model
    said, cut short.
    """

    probabilities: Mapping[str, float]
    usage: Usage = Usage()
    mass: float = 1.0
    reply: str = ""

    def doubt(self, labels: Collection[str] = ()) -> str:
        """Return why this is no choice, empty if it is one: less than `LEAST_MASS` stood on what was asked for.

        `labels` are what the options were called in the question, if not by their own names.
        """
        if self.mass >= LEAST_MASS:
            return ""
        options = ", ".join(labels or self.probabilities)
        return (
            f"was asked for one of {options} and replied {self.reply!r}: only {self.mass:.0%} of the probability was "
            "on what was asked for."
        )


@dataclass(frozen=True, slots=True)
class Citation(Placed):
    """A piece of a document that supports an answer: `quote` is the document's text from `start` to `end`.

    `origin` tells who made the link: the model itself, or groundtune by comparing words afterwards. `heading` is what
    its passage stands under: a value of a table is understood with the names of its row and columns. `fingerprint` is
    that of the document's revision that was cited; empty if an earlier groundtune wrote the answer down.
    """

    document: str
    place: Place
    quote: str
    origin: Literal["model", "attributed"]
    heading: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with its checked citations, or an abstention (`text` then says that it is not known).

    `support` is how well retrieval supported an answer, in [0, 1]; None without retrieval.
    `citations_removed` counts citations the model made up; `truncated` tells that the token limit cut the text off.
    `reasoning` is what the model wrote down before it answered: it is shown and counted, never scored. `adjusted` says
    what was asked of an endpoint otherwise than the settings say, because it refuses it. `searched` is what was
    searched with: a question after others may need words of theirs. It is empty without retrieval.
    """

    text: str
    abstained: bool
    usage: Usage
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    citations_removed: int = 0
    support: float | None = None
    truncated: bool = False
    reasoning: str = ""
    adjusted: tuple[str, ...] = ()
    searched: str = ""

    @property
    def prose(self) -> str:
        """`text` without citation markers, if it has passages to cite: what is compared with an ideal answer."""
        return without_markers(self.text) if self.passages else self.text


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Event: the passages that an answer will rest on, best first; none where nothing was found for `searched`."""

    passages: tuple[Passage, ...]
    searched: str = ""


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
