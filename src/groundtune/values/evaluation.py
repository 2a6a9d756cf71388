"""Cases, scores, and what statistics make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from groundtune.values._digest import digest
from groundtune.values.answers import Conversation, Question
from groundtune.values.knowledge import EVERYONE

Split = Literal["development", "test"]
UNEXPECTED = "unexpected"
"""The tag of cases that ask something unusual; raters are asked how well the answer dealt with that."""


def drawn_split(group: str, development_share: float) -> Split:
    """Return the side of a group that names none: drawn by a hash of its name, the same on every machine."""
    share = int(digest("split", group)[:8], 16) / 2**32
    return "development" if share < development_share else "test"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the answer to a case stands. `quote` None means the whole document."""

    document: str
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One benchmark question with its ideal answer, or several. Cases of one `group` are not independent.

    `asker` are the principals that the question is asked with. `clarify` means that the question can only be answered
    by a question back; such a case is not answerable, and its ideal answer is that question.
    """

    id: str
    question: str
    ideal_answer: str
    evidence: tuple[Evidence, ...]
    answerable: bool
    group: str
    split: Split
    history: Conversation = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    status: Literal["draft", "approved", "rejected"] = "approved"
    other_ideal_answers: tuple[str, ...] = ()
    asker: tuple[str, ...] = EVERYONE
    clarify: bool = False

    @property
    def asked(self) -> Question:
        """What a candidate is asked."""
        return Question(self.question, self.history, self.asker)

    @property
    def ideal_answers(self) -> tuple[str, ...]:
        """All that are not blank: what scorers call references."""
        return tuple(text for text in (self.ideal_answer, *self.other_ideal_answers) if text.strip())


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer gave. `value` None is unscored (the metric does not apply), with the `reason` why.

    `failed` means that it should have been scored and could not be. Neither is ever counted as zero. With a value,
    `reason` is what the scorer has to say for it, if anything. `parts` are what adds up over cases where the scorer's
    number is not the mean of its values, as n-gram counts do for corpus BLEU; empty otherwise.
    """

    value: float | None
    reason: str = ""
    failed: bool = False
    parts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that the candidate could not answer, with the reason: a value in the results, never a gap."""

    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `scored` cases with its 95 % interval; None throughout where no case was scored."""

    mean: float | None
    low: float | None
    high: float | None
    scored: int
    unscored: int = 0
    failed: int = 0


Verdict = Literal["better", "worse", "equivalent", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus baseline on the cases that both have a score for, by one scorer.

    `p_value` is two-sided and already corrected for the number of comparisons. `more_cases_needed` is
    None unless the verdict is "cannot tell".

    `least` and `most` bound the mean difference over all cases that either was scored or failed on: each missing
    score is the lowest, or the highest, of the scale (Manski 1990, jstor.org/stable/2006592). None where
    nothing can be compared, and for numbers that are no means. `robust` is whether the verdict would stand
    whatever the missing scores were; always true without missing ones.
    """

    scorer: str
    baseline: str
    challenger: str
    difference: Estimate
    p_value: float
    verdict: Verdict
    more_cases_needed: int | None = None
    least: float | None = None
    most: float | None = None
    robust: bool = True
