"""When to say "I do not know": how well passages support an answer, and from which value on to answer.

Pure. Knows no model and no store: it reads the similarity that a store gives and compares words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundtune.text import content_words
from groundtune.values import Passage

_OPENINGS = (
    "i do not know",
    "i don't know",
    "i do not have that information",
    "i don't have that information",
    "i do not have information",
    "i don't have information",
    "i do not have enough information",
    "i don't have enough information",
    "the passages do not answer",
    "the passages do not contain",
    "the documents do not answer",
    "the documents do not contain",
    "there is no information",
)
_SPACE = re.compile(r"\s+")


def says_unknown(text: str, unknown: str) -> bool:
    """Tell whether a model's reply is that it does not know.

    It is if it begins with the sentence that it was told to use (`unknown`), with that sentence's first part, or
    with one of a short list of openings. Only openings count: "..., but I do not know" is an answer with a reserve.
    """
    reply = _plain(text)
    asked_for = _plain(unknown)
    first_sentence = asked_for.split(". ")[0].rstrip(".")
    return bool(first_sentence and reply.startswith(first_sentence)) or reply.startswith(_OPENINGS)


def support(passages: Sequence[Passage], question: str) -> float:
    """Return in [0, 1] how well `passages` support an answer to `question`; 0 without passages."""
    if not passages:
        return 0.0
    asked = set(content_words(question))
    found = {word for passage in passages for word in content_words(f"{passage.heading} {passage.text}")}
    coverage = len(asked & found) / len(asked) if asked else 0.0
    known = [passage.similarity for passage in passages if passage.similarity is not None]
    if not known:
        return coverage
    return (max(0.0, min(1.0, max(known))) + coverage) / 2


@dataclass(frozen=True, slots=True)
class Fitted:
    """From which support on to answer, and how that did on the `n` cases that it was fitted on.

    `sensitivity` is the share of answerable cases that are answered, `specificity` the share of unanswerable ones
    that are not; None where there was no such case. `note` says why there is no threshold, or is empty.
    """

    threshold: float
    sensitivity: float | None
    specificity: float | None
    n: int
    note: str = ""


def fit_threshold(supports: Sequence[float], answerable: Sequence[bool]) -> Fitted:
    """Return the threshold with the best balanced accuracy, (sensitivity + specificity) / 2, on development cases.

    Candidates are 0 (always answer) and the midpoints between observed supports; of equals the lowest is taken, which
    answers most. Without both kinds of case nothing can be fitted: the threshold is 0 and `note` says so.
    """
    cases = list(zip(supports, answerable, strict=True))
    values = sorted(set(supports))
    if all(answerable) or not any(answerable):
        missing = "unanswerable" if all(answerable) and cases else "answerable"
        note = f"No {missing} case in the development part: every question with passages is answered."
        return Fitted(0.0, 1.0 if any(answerable) else None, None if all(answerable) else 0.0, len(cases), note)
    candidates = [0.0, *((low + high) / 2 for low, high in pairwise(values))]
    accuracies = [sum(_rates(cases, candidate)) for candidate in candidates]
    threshold = candidates[accuracies.index(max(accuracies))]
    note = "" if threshold else "Support does not tell answerable from unanswerable cases: all are answered."
    return Fitted(threshold, *_rates(cases, threshold), len(cases), note)


def _rates(cases: Sequence[tuple[float, bool]], threshold: float) -> tuple[float, float]:
    """Return (sensitivity, specificity) of answering from `threshold` on."""
    answered = [value >= threshold for value, answerable in cases if answerable]
    refused = [value < threshold for value, answerable in cases if not answerable]
    return sum(answered) / len(answered), sum(refused) / len(refused)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text.replace("’", "'")).strip().lstrip("\"'*").casefold()
