"""The passages given to the model against the experts': `context_precision`, `context_recall` and `ndcg`, in [0, 1].

    evidence  refunds.md "within 30 days", fees.md "no fee"
    passages  1 about.md, 2 refunds.md "... within 30 days ...", 3 fees.md "... no fee ..."
    context_precision = (1/2 + 2/3) / 2, context_recall = 1, ndcg = (1/log2(3) + 1/log2(4)) / (1/log2(2) + 1/log2(3))

`context_precision` is high where passages with evidence stand before those without: the mean, over the passages that
hit, of the share of hits down to there; 0 if none hits. `context_recall` is the share of the experts' words that the
passages have, in runs of `RUN` words or more: unlike `retrieval_recall` it counts a quote that was found in part as a
part. `ndcg` is nDCG@k with k the number of passages: each piece of evidence is worth 1 ÷ log2(1 + rank) at the first
passage that hits it, and two in one passage count as if they stood there and one below. What a hit is stands in
`_evidence`. Unscored: cases without evidence and closed-book answers. Expert evidence is not all evidence: a passage
that answers as well, and that no expert named, counts as wrong.

Source: Es et al., "RAGAS", arXiv:2309.15217, and its documentation for context precision and recall, with the experts'
passages in the place of a judge; Järvelin & Kekäläinen, "Cumulated Gain-Based Evaluation of IR Techniques", 2002.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import SequenceMatcher

from groundtune.comparing import words
from groundtune.evaluation.scorers._evidence import ENOUGH, closed_book, passage_hits
from groundtune.evaluation.scorers._function import FunctionScorer
from groundtune.protocols import PASSAGES, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Evidence, Passage, Score

RUN = 4
Ranked = tuple[Passage, ...]
RankingMeasure = Callable[[tuple[Evidence, ...], Ranked], float]
WORDS = {
    "context_precision": Words(
        "Context precision",
        "How well passages with the experts' evidence rank above those without.",
        "A passage that also answers the question counts as wrong if no expert named it.",
    ),
    "context_recall": Words(
        "Context recall",
        "How much of the experts' evidence the passages contain, by words.",
        "Says nothing about what the model made of it.",
    ),
    "ndcg": Words(
        "nDCG",
        "How high the search ranked all of the experts' evidence; later ranks count less.",
        "With one piece of evidence per case it adds little to the reciprocal rank.",
    ),
}


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return the three scorers; no setting changes them."""
    hit = f"hit:quote-or-run-{ENOUGH}"
    signatures = {
        "context_precision": f"{hit}|average-precision",
        "context_recall": f"words:runs-of-{RUN}",
        "ndcg": f"{hit}|gain:first-hit|k:given",
    }
    return [
        FunctionScorer(name, f"{name}|{signatures[name]}|version:2", WORDS[name], _scored(measure), needs=PASSAGES)
        for name, measure in MEASURES.items()
    ]


def _scored(measure: RankingMeasure) -> Callable[[Case, Answer], Score]:
    def score(case: Case, answer: Answer) -> Score:
        if not case.evidence:
            return Score(None, "the case names no evidence")
        if closed_book(answer):
            return Score(None, "closed-book: nothing was retrieved")
        ranked = tuple(sorted(answer.passages, key=lambda passage: passage.rank))
        return Score(measure(case.evidence, ranked))

    return score


def context_precision(evidence: tuple[Evidence, ...], passages: Ranked) -> float:
    """Return average precision over the passages given."""
    hits = [any(passage_hits(passage, item) for item in evidence) for passage in passages]
    precisions = [sum(hits[:rank]) / rank for rank, hit in enumerate(hits, start=1) if hit]
    return sum(precisions) / len(precisions) if precisions else 0.0


def context_recall(evidence: tuple[Evidence, ...], passages: Ranked) -> float:
    """Return the mean, over the pieces of evidence, of the share of its words that the passages have."""
    return sum(_covered(item, passages) for item in evidence) / len(evidence)


def ndcg(evidence: tuple[Evidence, ...], passages: Ranked) -> float:
    """Return the discounted gain of the first hits over that of a perfect ranking."""
    ranks = (
        next((rank for rank, passage in enumerate(passages, start=1) if passage_hits(passage, item)), None)
        for item in evidence
    )
    gain, last = 0.0, 0
    for rank in sorted(rank for rank in ranks if rank is not None):
        last = max(rank, last + 1)
        gain += 1 / math.log2(1 + last)
    return gain / sum(1 / math.log2(1 + place) for place in range(1, len(evidence) + 1))


MEASURES: dict[str, RankingMeasure] = {
    "context_precision": context_precision,
    "context_recall": context_recall,
    "ndcg": ndcg,
}


def _covered(evidence: Evidence, passages: Ranked) -> float:
    own = [passage for passage in passages if passage.document == evidence.document]  # without text: all of it
    quote = words(evidence.quote or "")
    if not quote or not all(passage.text for passage in own):
        return float(bool(own))
    covered: set[int] = set()
    for passage in own:
        blocks = SequenceMatcher(None, quote, words(passage.text), autojunk=False).get_matching_blocks()
        for block in blocks:
            if block.size >= min(RUN, len(quote)):
                covered.update(range(block.a, block.a + block.size))
    return len(covered) / len(quote)
