"""When to say "I do not know": how well passages support an answer, and from which value on to answer.

Pure. Knows no model and no store: it reads the similarity that a store gives and compares words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundtune.comparing import common
from groundtune.sentences import comparable
from groundtune.values import Passage

SIMILARITY_WEIGHT = 0.8
_APOLOGY = re.compile(
    r"(?:(?:i'm|i am|we're|we are) )?(?:(?:very |so )?sorry|unfortunately|i apologi[sz]e)[,.;:!]? (?:but )?"
)
_OPENINGS = re.compile(
    r"""(?:
    (?:i|we)\ do\ not\ (?:know|have\ (?:(?:that|this|any|enough)\ )?(?:information|details|an\ answer))
    | (?:i|we)\ cannot\ (?:answer|find\ (?:that|this|any))
    | (?:i|we)\ can\ only\ help\ with
    | that\ is\ not\ something\ (?:i|we)\ (?:have|know)
    | the\ (?:provided\ |numbered\ )?(?:passages|documents)\ do\ not\ (?:answer|contain|mention|provide|say)
    | there\ is\ no\ information
    )\b""",
    re.VERBOSE,
)
_FULL_FORMS = {"don't": "do not", "can't": "cannot", "can not": "cannot", "isn't": "is not", "that's": "that is"}
_SPACE = re.compile(r"\s+")


def says_unknown(text: str, unknown: str, others: Sequence[str] = ()) -> bool:
    """Return whether a model's reply is that it does not know.

    It does if it begins, an apology aside, with the first sentence of what it was told to say (`unknown`), with one
    of the project's `others` or with one of a short list of openings. Only openings count: "It costs €9, but I do not
    know since when" is an answer.
    """
    reply = _plain(text)
    own = (_plain(unknown).split(". ")[0].rstrip("."), *map(_plain, others))
    return any(opening and reply.startswith(opening) for opening in own) or _OPENINGS.match(reply) is not None


def support(passages: Sequence[Passage], question: str) -> float:
    """Return in [0, 1] how well `passages` support an answer to `question`; 0 without passages.

    0.8 · the highest similarity of a passage + 0.2 · the share of the question's content words that stand in any of
    them; the share alone from a store without similarities. Weights were chosen by area under the curve of answerable
    against unanswerable questions in development parts, over a grid of weights, similarities and shares.
    """
    if not passages:
        return 0.0
    asked = comparable(question)
    covered = {word for passage in passages for word in comparable(f"{passage.heading}\n{passage.text}")}
    share = len(common(asked, covered)) / len(asked) if asked else 0.0
    known = [passage.similarity for passage in passages if passage.similarity is not None]
    if not known:
        return share
    return SIMILARITY_WEIGHT * max(0.0, min(1.0, max(known))) + (1 - SIMILARITY_WEIGHT) * share


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


def fit_threshold(supports: Sequence[float], answerable: Sequence[bool], least_answered: float) -> Fitted:
    """Return the threshold that stops most unanswerable development cases and lets `least_answered` of the others by.

    Candidates are 0 (always answer) and the midpoints between observed supports; of equals the lowest is taken, which
    answers most. Bounding what is refused in vain is the plain form of choosing a point on the risk-coverage curve
    (El-Yaniv & Wiener 2010, jmlr.org/papers/v11/el-yaniv10a.html). Without both kinds of case nothing can be fitted:
    the threshold is 0 and `note` says so.
    """
    cases = list(zip(supports, answerable, strict=True))
    if all(answerable) or not any(answerable):
        missing = "unanswerable" if all(answerable) and cases else "answerable"
        note = f"No {missing} case in the development part: every question with passages is answered."
        return Fitted(0.0, 1.0 if any(answerable) else None, None if all(answerable) else 0.0, len(cases), note)
    candidates = [0.0, *((low + high) / 2 for low, high in pairwise(sorted(set(supports))))]
    rates = {candidate: _rates(cases, candidate) for candidate in candidates}
    allowed = [candidate for candidate in candidates if rates[candidate][0] >= least_answered]
    threshold = max(allowed, key=lambda candidate: (rates[candidate][1], -candidate))
    note = "" if threshold else "Support does not tell answerable from unanswerable cases: all are answered."
    return Fitted(threshold, *rates[threshold], len(cases), note)


def _rates(cases: Sequence[tuple[float, bool]], threshold: float) -> tuple[float, float]:
    """Return (sensitivity, specificity) of answering from `threshold` on."""
    answered = [value >= threshold for value, answerable in cases if answerable]
    refused = [value < threshold for value, answerable in cases if not answerable]
    return sum(answered) / len(answered), sum(refused) / len(refused)


def _plain(text: str) -> str:
    """Return `text` in small letters, without an apology before it, short forms written out."""
    plain = _SPACE.sub(" ", text.replace("’", "'")).strip().lstrip("\"'*").casefold()
    for short, full in _FULL_FORMS.items():
        plain = plain.replace(short, full)
    return _APOLOGY.sub("", plain, count=1) if _APOLOGY.match(plain) else plain
