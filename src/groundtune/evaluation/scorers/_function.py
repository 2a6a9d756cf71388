"""What the scorers that need no model have in common: a name, a signature and a function.

Three rules hold for every scorer that compares texts. A case without an ideal answer is unscored, because there
is nothing to compare with. An empty answer to any other case is compared like every answer, and scores 0. Of several
ideal answers the one that gives the answer most counts, unless a scorer says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from groundtune.values import Answer, Case, Score

NO_IDEAL_ANSWER = Score(None, "the case has no ideal answer")


@dataclass(frozen=True, slots=True)
class FunctionScorer:
    """A scorer made of a function of case and answer."""

    name: str
    signature: str
    measure: Callable[[Case, Answer], Score]
    higher_is_better: bool = True
    by_default: bool = True

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the value, or unscored with a reason."""
        return self.measure(case, answer)


def text_scorer(name: str, signature: str, compare: Callable[[str, str], float]) -> FunctionScorer:
    """Return a scorer that gives the highest `compare(ideal answer, answer)`."""

    def measure(case: Case, answer: Answer) -> Score:
        if not case.ideal_answers:
            return NO_IDEAL_ANSWER
        prose = answer.prose
        return Score(max(compare(reference, prose) for reference in case.ideal_answers))

    return FunctionScorer(name, signature, measure)
