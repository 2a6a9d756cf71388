"""BLEU, equal to sacrebleu 2.6: `bleu` for one case, `corpus_bleu` over all, both in [0, 100].

    ideal answer  "the cat sat on the mat"
    answer        "the cat sat on the mat"      bleu = 100

Of one short answer BLEU-4 is mostly 0, since it has no four words in a row; so `bleu` uses effective order (only
the orders that exist), as sacrebleu's sentence BLEU does. Corpus BLEU does not, and is not the mean of `bleu`:
its interval comes from resampling groups of cases and adding up their n-gram counts anew. Several ideal answers are
several references: a run of words counts if any of them has it, and the length is that of the closest.

The formula and the rules for tokens (`13a`) are sacrebleu's own. Counts are made here, for many answers at once, since
sacrebleu spends its time on them; they are the same (tests/reference).

Source: Papineni et al., "BLEU", ACL 2002; Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.evaluation.scorers._grams import shared_runs, shared_with_any
from groundtune.evaluation.scorers._tokens import REMEMBERED, Vocabulary
from groundtune.evaluation.statistics import Method
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Estimate, Score

ORDERS = (1, 2, 3, 4)
Counts = NDArray[np.int64]

_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_split: Callable[[str], str] = TokenizerRegexp()  # type: ignore[no-untyped-call]


def groundtune_scorer(settings: ComparisonSettings) -> list[BleuScorer]:
    """Return the scorer `bleu`; no setting changes it."""
    return [BleuScorer()]


@dataclass(frozen=True, slots=True)
class BleuScorer:
    """BLEU of one answer, with effective order; `references` is their number a case, "var" where it differs."""

    references: str = "1"
    name: str = "bleu"
    higher_is_better: bool = True
    scale: tuple[float, float] = (0.0, 100.0)

    @property
    def signature(self) -> str:
        """The one that sacrebleu gives."""
        return _signature(self.references, effective_order=True)

    def over(self, cases: Sequence[Case]) -> BleuScorer:
        """Return the scorer whose signature tells how many references these cases have."""
        return BleuScorer(_references(cases))

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the value, or unscored with a reason."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        counts = iter(_counts([(answer.prose, case.ideal_answers) for case, answer in pairs if case.ideal_answers]))
        return [
            Score(_bleu(next(counts), effective_order=True)) if case.ideal_answers else NO_IDEAL_ANSWER
            for case, _ in pairs
        ]


def _references(cases: Sequence[Case]) -> str:
    numbers = {len(case.ideal_answers) for case in cases if case.ideal_answers} or {1}
    return "var" if len(numbers) > 1 else str(numbers.pop())


@cache
def _signature(references: str, *, effective_order: bool) -> str:
    metric = BLEU(effective_order=effective_order)
    # sacrebleu knows the number of references after the first score
    streams: Any = [["a", "a"], ["a", None]] if references == "var" else [["a", "a"]] * int(references)
    metric.corpus_score(["a", "a"], streams)
    return f"bleu|{metric.get_signature()}"


def corpus_bleu_signature(cases: Sequence[Case] = ()) -> str:
    """Return sacrebleu's signature of `corpus_bleu` over `cases`."""
    return _signature(_references(cases), effective_order=False)


def corpus_bleu(pairs: Sequence[tuple[Case, Answer]], *, method: Method, rng: np.random.Generator) -> Estimate:
    """Return corpus BLEU with a percentile interval from a bootstrap over the cases' groups.

    Cases without an ideal answer are unscored. Failed answers are not among `pairs`; the caller counts them.
    """
    scored = [(case, answer) for case, answer in pairs if case.ideal_answers]
    unscored = len(pairs) - len(scored)
    if not scored:
        return Estimate(None, None, None, 0, unscored)
    groups = sorted({case.group for case, _ in scored})
    row = {group: number for number, group in enumerate(groups)}
    counts = np.zeros((len(groups), 10), dtype=np.int64)
    of_cases = _counts([(answer.prose, case.ideal_answers) for case, answer in scored])
    for (case, _), found in zip(scored, of_cases, strict=True):
        counts[row[case.group]] += found
    low, high = None, None
    if len(groups) > 1:  # one group says nothing about how groups differ
        drawn = rng.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=method.resamples)
        values = [_bleu(row.tolist()) for row in drawn @ counts]
        low, high = (float(value) for value in np.quantile(values, [method.alpha / 2, 1 - method.alpha / 2]))
    return Estimate(_bleu(counts.sum(axis=0).tolist()), low, high, len(scored), unscored)


def _counts(texts: Sequence[tuple[str, Sequence[str]]]) -> list[list[int]]:
    """Return what BLEU is made of, for each (answer, references): matches of order 1 to 4, totals of order 1 to 4, the
    answer's length and that of the reference that is closest to it, the shorter of two as close."""
    tokens = [(tokenize(given), [tokenize(reference) for reference in references]) for given, references in texts]
    single = iter(shared_runs([(given, wanted[0]) for given, wanted in tokens if len(wanted) == 1], ORDERS).tolist())
    found = []
    for given, wanted in tokens:
        length = len(given)
        matches = next(single) if len(wanted) == 1 else [shared_with_any(given, wanted, order) for order in ORDERS]
        closest = min((abs(length - len(reference)), len(reference)) for reference in wanted)[1]
        found.append([*matches, *(max(0, length - order + 1) for order in ORDERS), length, closest])
    return found


def _bleu(counts: list[int], *, effective_order: bool = False) -> float:
    return float(
        BLEU.compute_bleu(
            counts[:4], counts[4:8], counts[8], counts[9], smooth_method="exp", effective_order=effective_order
        ).score
    )


def _word(word: str) -> tuple[str, ...]:
    return tuple(_split(f" {word} ").split())


@lru_cache(maxsize=REMEMBERED)
def tokenize(text: str) -> tuple[str, ...]:
    """Return the tokens of mteval-v13a, as sacrebleu makes them, word by word: its rules look one character around."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "")
    if "&" in text:
        for entity, character in _ENTITIES.items():
            text = text.replace(entity, character)
    return _VOCABULARY.tokens(text)


_VOCABULARY = Vocabulary(_word)
