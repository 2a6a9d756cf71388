"""Choosing among options by letter, for endpoints: how options are listed, and what a reply chose.

Pure; knows no endpoint. Letters, because each is one token in every tokenizer, whatever the options say.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence

from groundtune.errors import ModelFailed
from groundtune.values import Conversation, Message

UNCHOSEN = 0.01
"""Probability that the options share which an endpoint without log probabilities did not choose."""
LABEL = re.compile(r"\W*([A-Z])(?![A-Za-z])")


class UnclearReply(ModelFailed):
    """A reply that names none of the options."""


def lettered(options: Sequence[str]) -> dict[str, str]:
    """Return the options by letter. Raises `ModelFailed` unless there are 1 to 26."""
    if not 0 < len(options) <= len(string.ascii_uppercase):
        raise ModelFailed(f"cannot choose among {len(options)} options.", remedy="Give 1 to 26 options.")
    return dict(zip(string.ascii_uppercase, options, strict=False))


def with_options(messages: Conversation, labels: Mapping[str, str]) -> Conversation:
    """Return `messages` with the lettered options after the last one."""
    listed = "\n".join(f"{label}. {option}" for label, option in labels.items())
    last = messages[-1]
    asked = f"{last.content}\n\nOptions:\n{listed}\n\nReply with one letter and nothing else."
    return (*messages[:-1], Message(last.role, asked))


def named(reply: str, labels: Mapping[str, str]) -> dict[str, float]:
    """Return weights that give 1 - `UNCHOSEN` to the letter that a reply begins with, or whose option it repeats.

    Raises `UnclearReply` if it names none.
    """
    match = LABEL.match(reply)
    repeated = [label for label, option in labels.items() if reply.strip().casefold() == option.strip().casefold()]
    chosen = match[1] if match and match[1] in labels else next(iter(repeated), None)
    if chosen is None:
        raise UnclearReply(
            f"was asked for one of {', '.join(labels)} and replied {reply!r}.",
            remedy="Use a model that follows instructions.",
        )
    others = UNCHOSEN / max(1, len(labels) - 1)
    return {label: 1 - UNCHOSEN if label == chosen else others for label in labels}


def shares(weights: Mapping[str, float], labels: Mapping[str, str]) -> dict[str, float]:
    """Return the probability of each option out of the weights of letters; a letter without weight has 0."""
    total = sum(weights.values())
    return {option: weights.get(label, 0.0) / total for label, option in labels.items()}
