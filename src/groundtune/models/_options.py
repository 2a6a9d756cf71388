"""Choosing among options: how they are asked for, and how much of the probability of a reply stands on each.

Pure; knows no endpoint. A prompt names one set of labels: options that are single characters, as the numbers of a
rubric's levels, are their own labels, and the prompt must list them itself; others are listed by letter here. Only
labels count. They are recognised in whatever a model wraps them: " 4", "(4)", "**4**", "4.", "Level 4", "４".
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundtune.errors import ModelFailed
from groundtune.values import Choice, Conversation, Message, Usage

UNCHOSEN = 0.01
"""Probability that the options share which an endpoint without log probabilities did not choose."""
LABEL_TOKENS = 8  # a label, what some models put before it, and what shows that it was none, as in "10"
_REPLY = 80  # characters of a reply that are shown
_MARKS = str.maketrans({"\u2581": " ", "\u0120": " ", "\u010a": "\n"})  # of SentencePiece and byte-level BPE
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_LEAD_WORDS = r"(?i:the|my|best|final|correct|answer|level|option|choice|rating|score|grade|number|is|boxed)"
_LEAD = rf"(?:[\W_]*{_LEAD_WORDS}(?![^\W_]))*[\W_]*"
_REASONS = r"(?:because|since|as|stars?|points?)\b"
_NOT_AFTER_DIGIT = (
    r"(?!\s*[.,/&+\u2013\u2212-]\s*\d)"  # "1.5", "4/10", "2-3", "1, 2"
    r"(?!\s*(?:%|percent|(?:out )?of\b|(?:or|and|to)\s*\d))"  # "2 of the facts", "4 or 5"
    rf"(?![ \t]+(?!{_REASONS})[a-z])"  # "2 facts are wrong"
)
_NOT_AFTER_LETTER = (
    r"(?![ \t]+[^\W_])(?!['\u2019][^\W_]|[/&])(?!\s*,\s*[A-Z]\b)"  # "A good answer", "I'd say", "A/B", "A, B"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One token of a reply, and the likeliest ones in its place, itself among them, with their probabilities."""

    chosen: str
    shares: Sequence[tuple[str, float]]


def asked(messages: Conversation, options: Sequence[str]) -> tuple[Conversation, dict[str, str]]:
    """Return the conversation that asks for one of `options`, and the options by their label in it.

    Raises `ModelFailed` for no options, and for more than 26 that are not labels themselves.
    """
    if options and are_labels(options):
        return messages, {option: option for option in options}
    if not 0 < len(options) <= len(string.ascii_uppercase):
        raise ModelFailed(f"cannot choose among {len(options)} options.", remedy="Give 1 to 26 options.")
    labels = dict(zip(string.ascii_uppercase, options, strict=False))
    listed = "\n".join(f"{label}. {option}" for label, option in labels.items())
    last = messages[-1]
    text = f"{last.content}\n\nOptions:\n{listed}\n\nReply with one letter and nothing else."
    return (*messages[:-1], Message(last.role, text)), labels


def are_labels(options: Sequence[str]) -> bool:
    """Tell whether each option is one ASCII letter or digit: one token in every tokenizer, and easy to recognise."""
    return all(len(option) == 1 and option.isascii() and option.isalnum() for option in options)


def choice_of(steps: Iterable[Step], reply: str, labels: Mapping[str, str], usage: Usage) -> Choice:
    """Return what a reply chose: by the probabilities of its first tokens, or by its words where none is a label.

    `mass` is how much probability stands on the labels; 1 where only words are known and they name one.
    """
    weights = _weights(steps, reply, labels)
    mass = sum(weights.values())
    if not mass and (chosen := named(reply, labels)):
        others = UNCHOSEN / max(1, len(labels) - 1)
        weights = {label: 1 - UNCHOSEN if label == chosen else others for label in labels}
        mass = 1.0
    total = sum(weights.values())
    shares = {option: weights.get(label, 0.0) / total if total else 1 / len(labels) for label, option in labels.items()}
    return Choice(shares, usage, min(1.0, mass), " ".join(reply.split())[:_REPLY])


def _unclear(message: str, remedy: str) -> Exception:
    return ModelFailed(message, remedy=remedy)


def certain(
    choice: Choice, labels: Mapping[str, str], failure: Callable[[str, str], Exception] = _unclear
) -> dict[str, float]:
    """Return the probabilities of a choice; if most of the probability stands on other words, raises `failure` of why
    and what to do."""
    doubt = choice.doubt(labels)
    if doubt:
        raise failure(doubt, "Use a model that follows instructions.")
    return dict(choice.probabilities)


def named(reply: str, labels: Mapping[str, str]) -> str | None:
    """Return the label that a reply begins with, or whose option it repeats; None if it names none.

    >>> labels = {"1": "1", "2": "2"}
    >>> [named(text, labels) for text in ("**2**", "Level 1.", "1/2", "10", "1 or 2", "1.5", "It is 2.")]
    ['2', '1', '1', None, None, None, None]
    """
    text = _plain(reply)
    match = re.match(rf"{_LEAD}(?:{'|'.join(_form(label, len(labels)) for label in labels)})", text)
    if match:
        return next(group for group in match.groups() if group)
    bare = _bare(text)
    return next((label for label, option in labels.items() if label != option and bare == _bare(option) != ""), None)


def token_text(token: str, data: object = None) -> str:
    """Return what a token stands for: its bytes, if the endpoint gives them, else its name without tokenizer's marks.

    >>> token_text("\u0120B"), token_text("<0x42>"), token_text("token_id:9", [32, 66])
    (' B', 'B', ' B')
    """
    if isinstance(data, list) and data and all(isinstance(each, int) and 0 <= each < 256 for each in data):
        return bytes(data).decode("utf-8", "replace")
    byte = _BYTE.fullmatch(token)
    return chr(int(byte[1], 16)) if byte else token.translate(_MARKS)


def _weights(steps: Iterable[Step], reply: str, labels: Mapping[str, str]) -> dict[str, float]:
    """Return the probability of each label, after what the model put before it, if anything.

    A label that turned out to begin another word or number ("10", "A good answer") has none.
    """
    steps = list(steps)
    said = reply or "".join(step.chosen for step in steps)
    weights: dict[str, float] = {}
    before, reached = "", 1.0
    for step in steps:
        share_of = dict.fromkeys((text for text, _ in step.shares), 0.0)
        for text, share in step.shares:
            share_of[text] += share
        found = {text: label for text in share_of if (label := named(before + text, labels))}
        for text, label in found.items():
            if text != step.chosen or named(said, labels) == label:
                weights[label] = weights.get(label, 0.0) + reached * share_of[text]
        before += step.chosen
        if step.chosen in found or not re.fullmatch(_LEAD, _plain(before)):
            break
        reached *= share_of.get(step.chosen, 0.0)
    return weights


def _form(label: str, number: int) -> str:
    """Return a pattern for `label`: not part of a word or number, no article, no amount, not one of several."""
    if label.isdigit():
        scale = rf"\s*(?:/|out of|of)\s*{number}(?!\d)"
        return rf"(?<![-\u2212+.,])({label})(?![^\W_])(?:{scale}|{_NOT_AFTER_DIGIT})"
    return rf"({label})(?![^\W_]){_NOT_AFTER_LETTER}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


def _bare(text: str) -> str:
    return _plain(text).strip(string.whitespace + string.punctuation).casefold()
