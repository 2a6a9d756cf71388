"""What the scorers that need no model have in common: a name, a signature and a function.

Three rules hold for every scorer that compares texts. A case without an ideal answer is unscored, because there
is nothing to compare with. An empty answer to any other case is compared like every answer, and scores 0. Of several
ideal answers the one that gives the answer most counts, unless a scorer says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from groundtune.protocols import EVERYWHERE, TEXT_ALONE, AnswerFact, ScorerDefaults, Use, Words
from groundtune.values import Answer, Case, Score

NEEDS_A_QUESTION_BACK = "the case needs a question back"
NO_IDEAL_ANSWER = Score(None, "the case has no ideal answer")


@dataclass(frozen=True, slots=True)
class FunctionScorer(ScorerDefaults):
    """A scorer made of a function of case and answer."""

    name: str
    signature: str
    words: Words
    measure: Callable[[Case, Answer], Score]
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True
    by_default: frozenset[Use] = EVERYWHERE
    needs: frozenset[AnswerFact] = TEXT_ALONE
    strict: bool = False

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the value, or unscored with a reason."""
        return self.measure(case, answer)


@dataclass(frozen=True, slots=True)
class TextScorer(ScorerDefaults):
    """A scorer that compares pairs of (ideal answer, answer); of several ideal answers the highest value counts."""

    name: str
    signature: str
    words: Words
    compare: Callable[[Sequence[tuple[str, str]]], Sequence[float]]
    by_default: frozenset[Use] = EVERYWHERE

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the value, or unscored where there is no ideal answer."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        texts = [(case.ideal_answers, answer.prose) for case, answer in pairs]
        values = iter(self.compare([(ideal, given) for ideals, given in texts for ideal in ideals]))
        return [Score(max(islice(values, len(ideals)))) if ideals else NO_IDEAL_ANSWER for ideals, _ in texts]


def text_scorer(
    name: str,
    signature: str,
    words: Words,
    compare: Callable[[str, str], float],
    by_default: frozenset[Use] = EVERYWHERE,
) -> TextScorer:
    """Return a scorer that gives `compare(ideal answer, answer)`."""
    return TextScorer(
        name, signature, words, lambda pairs: [compare(ideal, given) for ideal, given in pairs], by_default
    )
