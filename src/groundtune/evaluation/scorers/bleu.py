"""BLEU by sacrebleu: `bleu` for one case, `corpus_bleu` over all, both in [0, 100].

    ideal answer  "the cat sat on the mat"
    answer        "the cat sat on the mat"      bleu = 100

Of one short answer BLEU-4 is mostly 0, since it has no four words in a row; so `bleu` uses effective order (only
the orders that exist), as sacrebleu's sentence BLEU does. Corpus BLEU does not, and is not the mean of `bleu`:
its interval comes from resampling groups of cases and adding up their n-gram counts anew.

Source: Papineni et al., "BLEU", ACL 2002; Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU

from groundtune.evaluation.scorers._function import FunctionScorer, text_scorer
from groundtune.evaluation.statistics import Method
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Estimate

Counts = NDArray[np.int64]


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return the scorer `bleu`; no setting changes it."""
    metric = BLEU(effective_order=True)

    def compare(reference: str, prediction: str) -> float:
        return float(metric.sentence_score(prediction, [reference]).score)

    return [text_scorer("bleu", _signature(effective_order=True), compare)]


@cache
def _signature(*, effective_order: bool) -> str:
    metric = BLEU(effective_order=effective_order)
    metric.corpus_score(["a"], [["a"]])  # sacrebleu knows the number of references after the first score
    return f"bleu|{metric.get_signature()}"


def corpus_bleu_signature() -> str:
    """Return sacrebleu's signature of `corpus_bleu`."""
    return _signature(effective_order=False)


def corpus_bleu(pairs: Sequence[tuple[Case, Answer]], *, method: Method, rng: np.random.Generator) -> Estimate:
    """Return corpus BLEU with a percentile interval from a bootstrap over the cases' groups.

    Cases without an ideal answer are unscored. Failed answers are not among `pairs`; the caller counts them.
    """
    scored = [(case, answer) for case, answer in pairs if case.ideal_answer.strip()]
    unscored = len(pairs) - len(scored)
    if not scored:
        return Estimate(None, None, None, 0, unscored)
    groups = sorted({case.group for case, _ in scored})
    row = {group: number for number, group in enumerate(groups)}
    counts = np.zeros((len(groups), 10), dtype=np.int64)
    metric = BLEU(effective_order=True)  # counts do not depend on it, and sacrebleu warns without
    for case, answer in scored:
        counts[row[case.group]] += _counts(metric, answer.prose, case.ideal_answer)
    low, high = None, None
    if len(groups) > 1:  # one group says nothing about how groups differ
        drawn = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=method.resamples)
        values = [_bleu(row) for row in drawn @ counts]
        low, high = (float(value) for value in np.quantile(values, [method.alpha / 2, 1 - method.alpha / 2]))
    return Estimate(_bleu(counts.sum(axis=0)), low, high, len(scored), unscored)


def _counts(metric: BLEU, prediction: str, reference: str) -> Counts:
    """Return what BLEU is made of, shape (10,): matches of order 1 to 4, totals of order 1 to 4, both lengths."""
    score = metric.sentence_score(prediction, [reference])
    return np.array([*score.counts, *score.totals, score.sys_len, score.ref_len], dtype=np.int64)


def _bleu(counts: Counts) -> float:
    correct, total = counts[:4].tolist(), counts[4:8].tolist()
    return float(BLEU.compute_bleu(correct, total, int(counts[8]), int(counts[9]), smooth_method="exp").score)
