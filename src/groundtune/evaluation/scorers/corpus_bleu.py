"""Corpus BLEU over all answers, equal to sacrebleu 2.6: `corpus_bleu`, in [0, 100].

Published figures are of this kind. It is not the mean of BLEU per case: what adds up over cases is what BLEU is made
of, n-gram counts and lengths (`Score.parts`), and BLEU is taken of the sums, without effective order. The value of a
case is what a corpus of that case alone would get. Intervals and tests are those of `statistics.totals`.

Source: Papineni et al., "BLEU", ACL 2002; Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.evaluation.scorers.bleu import SCALE, counts, references, signature
from groundtune.protocols import ScorerDefaults, Total, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

NAME = "corpus_bleu"
WORDS = Words(
    "Corpus BLEU",
    "BLEU of all answers taken together, as in published figures.",
    "It is not the mean of BLEU per case; long answers count most.",
)


def groundtune_scorer(settings: ComparisonSettings) -> list[CorpusBleuScorer]:
    """Return the scorer `corpus_bleu`; no setting changes it."""
    return [CorpusBleuScorer()]


@dataclass(frozen=True, slots=True)
class CorpusBleuScorer(ScorerDefaults):
    """BLEU of sums of counts; `references` is their number a case, "var" where it differs."""

    references: str = "1"
    name: str = NAME
    words: Words = WORDS
    scale: tuple[float, float] = SCALE

    @property
    def signature(self) -> str:
        """The one that sacrebleu gives."""
        return signature(self.references, effective_order=False)

    @property
    def total(self) -> Total:
        """BLEU of the sums."""
        return bleu

    def over(self, cases: Sequence[Case]) -> CorpusBleuScorer:
        """Return the scorer whose signature tells how many references these cases have."""
        return CorpusBleuScorer(references(cases))

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the counts of one answer, or unscored with a reason."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the counts of `pairs`, in order."""
        compared = [(answer.prose, case.ideal_answers) for case, answer in pairs if case.ideal_answers]
        rows = np.array(counts(compared), dtype=np.float64).reshape(len(compared), 10)
        scores = iter(
            Score(float(value), parts=tuple(row)) for value, row in zip(bleu(rows), rows.tolist(), strict=True)
        )
        return [next(scores) if case.ideal_answers else NO_IDEAL_ANSWER for case, _ in pairs]


def bleu(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return BLEU, (n,), of counts, (n, 10): matches of order 1 to 4, totals of order 1 to 4, both lengths.

    As sacrebleu computes it with `smooth_method="exp"`: the k-th order without a match counts as 1 ÷ 2^k matches.
    """
    correct, total, given, wanted = counts[:, :4], counts[:, 4:8], counts[:, 8], counts[:, 9]
    none = correct == 0
    smoothed = np.where(none, 0.5 ** np.cumsum(none, axis=1), correct)
    whole = (total > 0).all(axis=1) & ~none.all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.exp(np.log(smoothed / total).mean(axis=1))
        brevity = np.where(given < wanted, np.exp(1 - wanted / given), 1.0)
        return np.where(whole, 100 * brevity * precision, 0.0)
