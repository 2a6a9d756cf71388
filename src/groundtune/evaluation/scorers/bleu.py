"""BLEU of one case, equal to sacrebleu 2.6: `bleu`, in [0, 100]. `corpus_bleu` stands beside this file.

    ideal answer  "the cat sat on the mat"
    answer        "the cat sat on the mat"      bleu = 100

Of one short answer BLEU-4 is mostly 0, since it has no four words in a row; so `bleu` uses effective order (only
the orders that exist), as sacrebleu's sentence BLEU does. Several ideal answers are several references: a run of
words counts if any of them has it, and the length is that of the closest.

The formula and the rules for tokens (`13a`) are sacrebleu's own. Counts are made here, for many answers at once, since
sacrebleu spends its time on them; they are the same (tests/reference).

Source: Papineni et al., "BLEU", ACL 2002; Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.evaluation.scorers._grams import shared_runs, shared_with_any
from groundtune.evaluation.scorers._tokens import REMEMBERED, Vocabulary
from groundtune.protocols import ScorerDefaults, Words
from groundtune.settings import ComparisonSettings
from groundtune.values import Answer, Case, Score

ORDERS = (1, 2, 3, 4)
SCALE = (0.0, 100.0)
WORDS = Words(
    "BLEU per case",
    "Shared runs of one to four words, with a penalty for brevity.",
    "Designed for whole texts: it is rough on single short answers.",
)

_ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}
_split: Callable[[str], str] = TokenizerRegexp()  # type: ignore[no-untyped-call]


def groundtune_scorer(settings: ComparisonSettings) -> list[BleuScorer]:
    """Return the scorer `bleu`; no setting changes it."""
    return [BleuScorer()]


@dataclass(frozen=True, slots=True)
class BleuScorer(ScorerDefaults):
    """BLEU of one answer, with effective order; `references` is their number a case, "var" where it differs."""

    references: str = "1"
    name: str = "bleu"
    words: Words = WORDS
    scale: tuple[float, float] = SCALE

    @property
    def signature(self) -> str:
        """The one that sacrebleu gives."""
        return signature(self.references, effective_order=True)

    def over(self, cases: Sequence[Case]) -> BleuScorer:
        """Return the scorer whose signature tells how many references these cases have."""
        return BleuScorer(references(cases))

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the value, or unscored with a reason."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        made = iter(counts([(answer.prose, case.ideal_answers) for case, answer in pairs if case.ideal_answers]))
        return [
            Score(_bleu(next(made), effective_order=True)) if case.ideal_answers else NO_IDEAL_ANSWER
            for case, _ in pairs
        ]


def references(cases: Sequence[Case]) -> str:
    """Return how many ideal answers a case has, "var" where that differs."""
    numbers = {len(case.ideal_answers) for case in cases if case.ideal_answers} or {1}
    return "var" if len(numbers) > 1 else str(numbers.pop())


@cache
def signature(references: str, *, effective_order: bool) -> str:
    """Return sacrebleu's signature."""
    metric = BLEU(effective_order=effective_order)
    # sacrebleu knows the number of references after the first score
    streams: Any = [["a", "a"], ["a", None]] if references == "var" else [["a", "a"]] * int(references)
    metric.corpus_score(["a", "a"], streams)
    return f"bleu|{metric.get_signature()}"


def counts(texts: Sequence[tuple[str, Sequence[str]]]) -> list[list[int]]:
    """Return what BLEU is made of, for each (answer, references): matches of order 1 to 4, totals of order 1 to 4, the
    answer's length and that of the reference that is closest to it, the shorter of two as close."""
    tokens = [(tokenize(given), [tokenize(reference) for reference in references]) for given, references in texts]
    single = iter(shared_runs([(given, wanted[0]) for given, wanted in tokens if len(wanted) == 1], ORDERS).tolist())
    rows = []
    for given, wanted in tokens:
        length = len(given)
        matches = next(single) if len(wanted) == 1 else [shared_with_any(given, wanted, order) for order in ORDERS]
        closest = min((abs(length - len(reference)), len(reference)) for reference in wanted)[1]
        rows.append([*matches, *(max(0, length - order + 1) for order in ORDERS), length, closest])
    return rows


def _bleu(counts: list[int], *, effective_order: bool) -> float:
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
