"""Abstention as two scorers whose means are precision and recall of saying "I do not know".

    case not answerable, answer abstained       precision 1, recall 1
    case not answerable, answer given           precision unscored, recall 0
    case answerable, answer abstained           precision 0, recall unscored
    case to be clarified, answer abstained      precision 0.5, recall unscored: a question back is better

An answer has abstained if the answerer says so (`Answer.abstained`); texts are not searched for phrases.

Source: the usual definition with "cannot be answered" as the positive class, as in Rajpurkar et al., "Know What You
Don't Know", ACL 2018.
"""

from __future__ import annotations

from groundtune.evaluation.scorers._function import NEEDS_A_QUESTION_BACK, FunctionScorer
from groundtune.protocols import ABSTENTION, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

PRECISION = Words("Abstention precision", "How often “I do not know” was the right reply.", "Based on few cases.")
RECALL = Words(
    "Abstention recall",
    "How many of the questions without an answer it declined.",
    "Declining everything scores full marks.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return both abstention scorers; no setting changes them."""
    measures = {
        "abstention_precision": (PRECISION, abstention_precision),
        "abstention_recall": (RECALL, abstention_recall),
    }
    return [
        FunctionScorer(name, f"{name}|version:1", words, measure, needs=ABSTENTION, strict=True)
        for name, (words, measure) in measures.items()
    ]


def abstention_precision(case: Case, answer: Answer) -> Score:
    """Return 1.0 if an answer that abstained was right to, 0.5 if it should have asked back, else 0.0.

    Unscored if it did not abstain.
    """
    if not answer.abstained:
        return Score(None, "did not abstain")
    return Score(0.5 if case.clarify else float(not case.answerable))


def abstention_recall(case: Case, answer: Answer) -> Score:
    """Return 1.0 if a case that cannot be answered was not answered, else 0.0.

    Unscored if it can, or needs a question back.
    """
    if case.answerable:
        return Score(None, "the case is answerable")
    if case.clarify:
        return Score(None, NEEDS_A_QUESTION_BACK)
    return Score(float(answer.abstained))
