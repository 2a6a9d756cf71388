"""`hallucination_rate`: of the questions that the documents do not answer, how many were answered all the same.

    case not answerable, "It costs 8 euros."                 1
    case not answerable, "I do not know." (abstained)        0
    answerable case, or one to be clarified                  unscored

Lower is better. What an answer to a question without an answer says is made up, however true it sounds. Whether an
answer has abstained is what the answerer says (`Answer.abstained`); texts are not searched for phrases, so a question
back to a case without an answer counts as an answer, and so does an answer without content ("The answer is:").
Made-up statements in answers to other questions show in `groundedness`.

Source: as `abstention_recall`, of which it is the rest to 1.
"""

from __future__ import annotations

from groundtune.evaluation.scorers._function import FunctionScorer
from groundtune.evaluation.scorers.abstention import abstention_recall
from groundtune.protocols import ABSTENTION, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

WORDS = Words(
    "Hallucination rate",
    "How many of the questions without an answer were answered anyway. Lower is better.",
    "Declining everything scores 0; made-up parts of other answers are not counted.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return `hallucination_rate`; no setting changes it. `abstention_recall` stands for it in a comparison."""
    name = "hallucination_rate"
    return [
        FunctionScorer(
            name,
            f"{name}|version:1",
            WORDS,
            hallucination_rate,
            higher_is_better=False,
            by_default=frozenset({"score"}),
            needs=ABSTENTION,
            strict=True,
        )
    ]


def hallucination_rate(case: Case, answer: Answer) -> Score:
    """Return 1.0 if a case that cannot be answered was answered, else 0.0; unscored if it can."""
    declined = abstention_recall(case, answer)
    return declined if declined.value is None else Score(1 - declined.value)
