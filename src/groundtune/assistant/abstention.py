"""When to say "I do not know": how well passages support an answer, and from which value on to answer.

Pure. Knows no model and no store: it reads the similarity that a store gives and compares words. What a reply says is
recognised in `groundtune.reply`; here stands by which sentences and rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundtune.comparing import common
from groundtune.reply import RULE, says_unknown
from groundtune.sentences import comparable
from groundtune.settings import AssistantSettings
from groundtune.values import Passage, digest

__all__ = ["Fitted", "abstention_signature", "fit_threshold", "says_unknown", "support"]

SIMILARITY_WEIGHT = 0.8


def abstention_signature(settings: AssistantSettings) -> str:
    """Return what changes when other replies count as "I do not know": the rules and the project's own sentences."""
    return f"{RULE}-{digest(settings.unknown, *settings.also_unknown)[:8]}"


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
