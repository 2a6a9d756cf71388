"""Retrieval against the experts' passages, without a judge: `retrieval_recall` and `reciprocal_rank`, in [0, 1].

    evidence  refunds.md "within 30 days", fees.md "no fee"
    passages  1 about.md, 2 refunds.md "... within 30 days ..."
    retrieval_recall = 1/2, reciprocal_rank = 1/2

`retrieval_recall` is recall@k where k is the number of passages that the answer was given; the mean of
`reciprocal_rank` is MRR. What a hit is stands in `_evidence`. Unscored: cases without evidence and closed-book
answers. Grounded answers whose search found nothing score 0.

Source: Manning, Raghavan, Schütze, "Introduction to Information Retrieval", 2008, chapter 8; Voorhees, "The TREC-8
Question Answering Track Report", 1999.
"""

from __future__ import annotations

from groundtune.evaluation.scorers._evidence import ENOUGH, closed_book, passage_hits
from groundtune.evaluation.scorers._function import FunctionScorer
from groundtune.protocols import PASSAGES, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

RECALL = Words(
    "Retrieval recall",
    "How many of the experts' passages the search gave to the model.",
    "Says nothing about what the model made of them.",
)
RANK = Words(
    "Reciprocal rank",
    "How high the search ranked the first of the experts' passages.",
    "Only the first one counts.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return both retrieval scorers; no setting changes them."""
    measures = {"retrieval_recall": (RECALL, retrieval_recall), "reciprocal_rank": (RANK, reciprocal_rank)}
    return [
        FunctionScorer(name, f"{name}|hit:quote-or-run-{ENOUGH}|k:given|version:2", words, measure, needs=PASSAGES)
        for name, (words, measure) in measures.items()
    ]


def retrieval_recall(case: Case, answer: Answer) -> Score:
    """Return the share of the case's evidence that the answer's passages give."""
    reason = _unscored(case, answer)
    if reason:
        return Score(None, reason)
    hits = [any(passage_hits(passage, evidence) for passage in answer.passages) for evidence in case.evidence]
    return Score(sum(hits) / len(hits))


def reciprocal_rank(case: Case, answer: Answer) -> Score:
    """Return 1 ÷ the rank of the first passage that gives some of the evidence; 0 if none does."""
    reason = _unscored(case, answer)
    if reason:
        return Score(None, reason)
    ranks = [passage.rank for passage in answer.passages if any(passage_hits(passage, item) for item in case.evidence)]
    return Score(1 / min(ranks) if ranks else 0.0)


def _unscored(case: Case, answer: Answer) -> str | None:
    if not case.evidence:
        return "the case names no evidence"
    if closed_book(answer):
        return "closed-book: nothing was retrieved"
    return None
