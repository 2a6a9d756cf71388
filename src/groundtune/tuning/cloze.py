"""A cloze test made from a corpus: which of four terms belongs into the gap of one of its sentences?

It shows whether a model knows the corpus's own terms. Terms are words that occur in several documents of the corpus and
in no general text. After Taylor 1953, "Cloze procedure: a new tool for measuring readability". Needs no model to make.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.sentences import sentence_spans
from groundtune.tuning.perplexity import nats_of
from groundtune.values import TrainingText

OPTIONS = 4
LEAST_DOCUMENTS = 2  # in which a term has to occur
SHORTEST, LONGEST = 40, 240  # characters of a sentence
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-'][A-Za-z0-9]+)*")
_SHORTEST_TERM = 4


@dataclass(frozen=True, slots=True)
class ClozeGap:
    """A sentence with a gap, as (before, after), and the terms that might fill it: the right one is the first."""

    before: str
    after: str
    options: tuple[str, ...]


def cloze(
    texts: Sequence[TrainingText], general: Sequence[str], number: int, rng: np.random.Generator
) -> list[ClozeGap]:
    """Return at most `number` gaps, one for each of as many terms; fewer where the corpus has fewer terms."""
    terms = _terms(texts, general)
    if len(terms) < OPTIONS:
        return []
    places: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for text in texts:
        for start, end in sentence_spans(text.text):
            sentence = " ".join(text.text[start:end].split())
            if SHORTEST <= len(sentence) <= LONGEST:
                for word in _WORD.finditer(sentence):
                    if word.start() > 0 and word[0] in terms:
                        places[word[0]].append((sentence, word.start(), word.end()))
    usable = sorted(places)
    gaps = []
    for index in rng.permutation(len(usable))[:number]:
        term = usable[index]
        sentence, start, end = places[term][int(rng.integers(len(places[term])))]
        others = [other for other in usable if other != term and other not in sentence]
        if len(others) >= OPTIONS - 1:
            chosen = rng.choice(len(others), OPTIONS - 1, replace=False)
            gaps.append(ClozeGap(sentence[:start], sentence[end:], (term, *(others[each] for each in chosen))))
    return gaps


def answered(model: Any, tokenizer: Any, gaps: Sequence[ClozeGap]) -> dict[str, object]:  # noqa: ANN401
    """Return how many gaps the model fills rightly: the sentence with the right term is the likeliest of the four.

    The share has a 95 % interval (Wilson); chance is a quarter.
    """
    from scipy.stats import binomtest

    rows = [
        tokenizer(f"{gap.before}{option}{gap.after}", add_special_tokens=False)["input_ids"]
        for gap in gaps
        for option in gap.options
    ]
    nats = np.array(nats_of(model, rows)).reshape(len(gaps), OPTIONS)
    right = int((nats.argmin(1) == 0).sum())
    interval = binomtest(right, len(gaps)).proportion_ci(method="wilson")
    return {
        "right": right,
        "asked": len(gaps),
        "share": right / len(gaps),
        "low": float(interval.low),
        "high": float(interval.high),
    }


def _terms(texts: Sequence[TrainingText], general: Sequence[str]) -> set[str]:
    usual = {word.lower() for text in general for word in _WORD.findall(text)}
    documents: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for word in _WORD.findall(text.text):
            if len(word) >= _SHORTEST_TERM and word.lower() not in usual:
                documents[word].add(text.document)
    return {word for word, result in documents.items() if len(result) >= LEAST_DOCUMENTS}
