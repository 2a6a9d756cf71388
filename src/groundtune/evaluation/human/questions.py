"""What raters are asked, in words: the questions on one answer with their scales, and the choice among answers.

Knows no study, sheet or file.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundtune.values import UNEXPECTED

LOWEST, HIGHEST = 1, 5
PREFERENCE = "preference"
EQUAL, NONE = "equal", "none"  # choices besides the labels: no answer is better than the others; all are unusable


@dataclass(frozen=True, slots=True)
class RatingQuestion:
    """A question on one answer; `anchors` say what 1 to 5 mean."""

    criterion: str
    text: str
    anchors: tuple[str, str, str, str, str]


QUESTIONS = (
    RatingQuestion(
        "intuitive",
        "Was the answer intuitive: easy to understand and to act on?",
        ("not understandable", "hard to follow", "clear with some effort", "clear", "clear at once, and what to do"),
    ),
    RatingQuestion(
        "appropriate",
        "Was it appropriate in context: did it suit what was asked, and what was said before?",
        ("beside the point", "mostly beside the point", "suits in part", "suits, with small flaws", "suits exactly"),
    ),
    RatingQuestion(
        UNEXPECTED,
        "The question is an unusual one. How well did the answer deal with that?",
        ("thrown off by it", "badly", "so-so", "well", "as a very good member of staff would"),
    ),
)
BEST = (
    f"Which answer would you prefer? Write its letter, `{EQUAL}` if none is better than the others, "
    f"or `{NONE}` if you would not want any of them."
)
INTRODUCTION = (
    "You see questions as customers asked them, each with one or more answers. Read all answers to a question, then "
    "rate each one on its own, from 1 to 5. You need no expert knowledge: judge as if you had asked the question and "
    "received the answer. Letters are assigned at random for every question: A in one question is unrelated to A in "
    "the next. Skip what you cannot judge. Some questions appear again later; please do not look back."
)


def asked(unexpected: bool) -> tuple[RatingQuestion, ...]:
    """Return the questions on an answer of an item that is an unexpected query, or is not."""
    return tuple(question for question in QUESTIONS if unexpected or question.criterion != UNEXPECTED)


def instructions() -> str:
    """Return all of it as plain text, to go with sheets that cannot show it."""
    lines = [INTRODUCTION, ""]
    for question in QUESTIONS:
        where = " (only where the column is not marked –)" if question.criterion == UNEXPECTED else ""
        lines.append(f"{question.criterion}{where}: {question.text}")
        lines += [f"  {number} = {words}" for number, words in enumerate(question.anchors, start=LOWEST)]
    return "\n".join([*lines, f"best: {BEST}", "comment: anything you want to say about this answer.", ""])
