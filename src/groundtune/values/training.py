"""What models are tuned with: conversations, pairs of a better and a worse answer, thumbs, and texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from groundtune.values.answers import Conversation


@dataclass(frozen=True, slots=True)
class Example:
    """A training conversation. Loss is taken on those of the assistant's turns that are `trained`.

    `tools` are those that the assistant may call, each as JSON text in OpenAI's form. `place` is the file and line that
    it is from.
    """

    messages: Conversation
    documents: tuple[str, ...] = ()
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two answers to the same conversation, of which somebody preferred `chosen`.

    `prompt` ends with the user's turn; `chosen` and `rejected` are the turns that follow. `group` holds together what
    must not stand on both sides of a split: pairs out of one ranking, one pair judged by several annotators.
    `chosen_first` is whether the annotator saw `chosen` before `rejected`; None where nobody noted it.
    """

    prompt: Conversation
    chosen: Conversation
    rejected: Conversation
    annotator: str = ""
    group: str = ""
    tools: tuple[str, ...] = ()
    place: str = field(default="", compare=False)
    chosen_first: bool | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Thumb:
    """One answer to a conversation, which somebody liked (`good`) or did not."""

    prompt: Conversation
    answer: Conversation
    good: bool
    annotator: str = ""
    group: str = ""
    tools: tuple[str, ...] = ()
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TrainingText:
    """A text without turns, as a corpus holds. `document` is the file that it is from."""

    text: str
    document: str = ""
    place: str = field(default="", compare=False)
