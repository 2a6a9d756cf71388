"""`resolution`: one number in [0, 1] for how well a customer was served, by which candidates are compared.

`resolution_answerable` is the same on the answerable cases alone, so that nobody leads by "I do not know" unseen.

    answerable case, answered            token F1 with the ideal answer
    answerable case, abstained           0: the customer still does not know
    not answerable, abstained            1: nothing was made up
    not answerable, answered             0: something was
    to be clarified, a question back     1: what the expert does, as "Which ocean do you mean?"
    to be clarified, abstained           0.5: nothing was made up, but the customer does not know what to say
    to be clarified, answered            0: by guessing what was meant

A question back is a reply that asks what was meant and answers nothing (`groundtune.reply`), or one of the ideal
answers in the same words. An answer without content, as "The answer is:", is an answer like every other.

A stand-in until people or a calibrated judge have rated: it sees words, not truth. It favours the wording and length
of the ideal answers, which tuned candidates learn; read it beside `token_recall` and `bertscore_f1`. It weighs
an invented answer and a needless "I do not know" alike; where one costs more, look at the abstention scorers.

Source: token F1 as in `overlap`; abstaining as the right answer as in SQuAD 2.0 (Rajpurkar et al., ACL 2018).
"""

from __future__ import annotations

from groundtune.evaluation.scorers._function import NEEDS_A_QUESTION_BACK, NO_IDEAL_ANSWER, FunctionScorer
from groundtune.evaluation.scorers.overlap import NORMALISED, token_f1
from groundtune.protocols import ABSTENTION, Words
from groundtune.reply import asks_back
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

ANSWERABLE = "resolution_answerable"
WORDS = Words(
    "Resolution",
    "How well a customer was served: closeness to the ideal answer, and full marks for saying “I do not know” "
    "where there is no answer.",
    "Sees words, not truth: a right answer in other words loses, a wrong one in the same words wins.",
)
ANSWERABLE_WORDS = Words(
    "Resolution where there is an answer",
    "The same on the questions that have an answer: “I do not know” scores 0 here.",
    "Says nothing about made-up answers where there is no answer: see abstention recall.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return `resolution` and `resolution_answerable`; no setting changes them."""
    rule = "answerable:token_f1|abstained:0|unanswerable:{}|clarify:{}|" + f"{NORMALISED}|version:2"
    return [
        FunctionScorer(
            "resolution",
            f"resolution|{rule.format('abstained', 'asked-back-or-half')}",
            WORDS,
            resolution,
            needs=ABSTENTION,
            strict=True,
        ),
        FunctionScorer(
            ANSWERABLE,
            f"{ANSWERABLE}|{rule.format('unscored', 'unscored')}",
            ANSWERABLE_WORDS,
            resolution_answerable,
            needs=ABSTENTION,
            strict=True,
        ),
    ]


def resolution(case: Case, answer: Answer) -> Score:
    """Return the value in the table above."""
    if case.clarify:
        return Score(1.0 if _asks_back(case, answer) else 0.5 if answer.abstained else 0.0)
    if not case.answerable:
        return Score(float(answer.abstained))
    if not case.ideal_answers:
        return NO_IDEAL_ANSWER
    if answer.abstained:
        return Score(0.0)
    return Score(max(token_f1(reference, answer.prose) for reference in case.ideal_answers))


def resolution_answerable(case: Case, answer: Answer) -> Score:
    """Return `resolution` of an answerable case."""
    if case.clarify:
        return Score(None, NEEDS_A_QUESTION_BACK)
    return resolution(case, answer) if case.answerable else Score(None, "the case has no answer")


def _asks_back(case: Case, answer: Answer) -> bool:
    same = any(token_f1(ideal, answer.prose) == 1.0 for ideal in case.ideal_answers)
    return asks_back(answer.prose, case.question) or same
