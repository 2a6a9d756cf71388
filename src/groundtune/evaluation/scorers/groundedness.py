"""`groundedness`: the share of the answer's sentences that its passages support, in [0, 1], without a judge.

    passage   "Refunds are paid within 30 days of the return."
    answer    "Refunds are paid within 30 days. Shipping costs 5 euros."      groundedness = 1/2

A sentence counts as supported if the passages have at least `ENOUGH` of its content words and all of its numbers.
`ENOUGH` was fitted on half of 243 answers that people had rated for faithfulness; what it gives on the other half
stands in docs/results.md (`python benchmarks/groundedness.py`). Words cannot see a "not" too many, nor that words of
two sentences were mixed: a low value is a reason to look, a high one no proof. Unscored: closed-book answers, those
that abstained, questions back, and those without a sentence. English words, as in citations.

Source: Adlakha et al., "Evaluating Correctness and Faithfulness of Instruction-Following Models for Question
Answering", TACL 2024 (K-precision: the share of the answer's words that the passages have), here sentence by sentence
as faithfulness in Es et al., "RAGAS", arXiv:2309.15217.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundtune.comparing import VERSION, common, figures, unbacked
from groundtune.evaluation.scorers._evidence import closed_book
from groundtune.evaluation.scorers._function import FunctionScorer
from groundtune.protocols import PASSAGES, Words
from groundtune.reply import asks_back
from groundtune.sentences import comparable, sentence_spans
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

ENOUGH = 0.45
WORDS = Words(
    "Groundedness",
    "How many of the answer's sentences the passages support, judged by words and numbers.",
    "It does not notice a wrong “not” or words mixed from two sentences, and it misses support in other words.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return `groundedness`; no setting changes it."""
    signature = (
        f"groundedness|sentence:words-{ENOUGH}-and-numbers|passages:together|norm:comparable-{VERSION}|version:2"
    )
    return [FunctionScorer("groundedness", signature, WORDS, groundedness, needs=PASSAGES)]


def groundedness(case: Case, answer: Answer) -> Score:
    """Return the share of supported sentences."""
    if closed_book(answer):
        return Score(None, "closed-book: nothing was retrieved")
    if answer.abstained:
        return Score(None, "the answer says that it does not know")
    if asks_back(answer.prose, case.question):
        return Score(None, "the answer is a question back")
    shares = supported_words(answer.prose, [f"{passage.heading}\n{passage.text}" for passage in answer.passages])
    if not shares:
        return Score(None, "the answer has no sentence")
    return Score(sum(share >= ENOUGH for share in shares) / len(shares))


def supported_words(text: str, passages: Sequence[str]) -> list[float]:
    """Return, for each sentence with a content word, the share of these that `passages` have; 0 if a number is not."""
    together = "\n".join(passages)
    known = comparable(together)
    shares = []
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        said = comparable(sentence)
        if said:
            backed = not unbacked(figures(sentence), together)
            shares.append(len(common(said, known)) / len(said) if backed else 0.0)
    return shares
