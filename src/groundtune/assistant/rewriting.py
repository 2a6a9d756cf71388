"""What a question is searched with: a follow-up ("And abroad?") names what it is about only in the turns before it.

By rule, or by a chat model that is asked for a stand-alone question and falls back on the rule where its reply cannot
be one. Knows no store and no passages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from groundtune.protocols import ChatModel
from groundtune.reply.reasoning import parted
from groundtune.sentences import comparable
from groundtune.text import as_data
from groundtune.values import Message, Question, digest

RULE_VERSION = 1
"""Raised when the rule, or the check of what a model wrote, gives another text than before."""

INSTRUCTIONS = (
    "Rewrite the last message so that it can be understood without the conversation: put the names of things in place "
    "of words that refer to them. Keep its language and its other words. Do not answer it. "
    "Reply with the rewritten message only."
)
TURNS = 4  # messages before the question that the model reads
TURN_CHARACTERS = 500  # of each
MOST_TOKENS = 64
MOST_CHARACTERS = 300
_ASKING = ("?", "？", "؟")

Way = Literal["none", "rule", "model"]


class QuestionRewriting:
    """Turns questions into what is searched with, as `[knowledge] rewrite` says. `model` is called when it is needed.

    "model" without a model is "rule".
    """

    def __init__(self, way: Way, model: Callable[[], ChatModel] | None = None) -> None:
        self._way: Way = "rule" if way == "model" and model is None else way
        self._model = model

    @property
    def signature(self) -> str:
        """All that can change what is searched with."""
        if self._way == "none":
            return "none"
        if self._way == "rule" or self._model is None:
            return f"rule-{RULE_VERSION}"
        prompt = digest(INSTRUCTIONS, str(TURNS), str(TURN_CHARACTERS), str(MOST_TOKENS))[:12]
        return f"model-{RULE_VERSION}|prompt:{prompt}|{self._model().signature}"

    def __call__(self, questions: Sequence[Question]) -> list[str]:
        """Return what to search for, in order; a question without earlier turns is its own text.

        Raises `ModelFailed`.
        """
        if self._way == "none":
            return [question.text for question in questions]
        texts = [by_rule(question) for question in questions]
        following = [place for place, question in enumerate(questions) if _earlier(question)]
        if self._way == "rule" or self._model is None or not following:
            return texts
        replies = self._model().complete([_prompt(questions[place]) for place in following], MOST_TOKENS)
        for place, reply in zip(following, replies, strict=True):
            texts[place] = checked(parted(reply.text).answer, questions[place]) or texts[place]
        return texts


def by_rule(question: Question) -> str:
    """Return the question, after the user's turn before it."""
    return "\n".join([*_earlier(question)[-1:], question.text])


def checked(reply: str, question: Question) -> str:
    """Return the first line of a model's reply if it can be the question in other words, else nothing.

    It is neither long nor about something else: half of its content words stand in the conversation, and it has half of
    the question's own. What was asked with a question mark still has one: else it is likely an answer.
    """
    line = next((line.strip() for line in reply.splitlines() if line.strip()), "").strip('"')
    said, asked = comparable(line), comparable(question.text)
    known = asked | comparable("\n".join(turn.content for turn in question.history))
    related = 2 * len(said & known) >= len(said) and 2 * len(said & asked) >= len(asked)
    asks = line.endswith(_ASKING) or not question.text.rstrip().endswith(_ASKING)
    return line if said and related and asks and len(line) <= MOST_CHARACTERS else ""


def _earlier(question: Question) -> list[str]:
    """Return what the user said before."""
    return [turn.content for turn in question.history if turn.role == "user"]


def _prompt(question: Question) -> tuple[Message, ...]:
    turns = [turn for turn in question.history if turn.role in ("user", "assistant")][-TURNS:]
    talk = "\n".join(f"{turn.role}: {as_data(turn.content[:TURN_CHARACTERS], 'conversation')}" for turn in turns)
    last = as_data(question.text, "conversation")
    told = f"<conversation>\n{talk}\n</conversation>\n\nLast message: {last}"
    return Message("system", INSTRUCTIONS), Message("user", told)
