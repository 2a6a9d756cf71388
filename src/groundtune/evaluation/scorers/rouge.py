"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: F1 in [0, 1], equal to rouge-score 0.1.2 without stemming.

    ideal answer  "testing one two"      precision 1/1, recall 1/3
    answer        "testing"              rouge1 = 2 * (1 * 1/3) / (1 + 1/3) = 0.5

Written anew because rouge-score spends its time in a pure-Python table for the longest common subsequence; the
numbers are the same (tests/reference). Only a-z and 0-9 count: text in another script scores 0 against itself.

Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, and for what the paper leaves open
google-research/rouge (Apache-2.0).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from rapidfuzz.distance import LCSseq

from groundtune.evaluation.scorers._function import FunctionScorer, text_scorer
from groundtune.settings import ComparisonSettings

_TOKEN = re.compile("[a-z0-9]+")
Tokens = tuple[str, ...]


def groundtune_scorer(settings: ComparisonSettings) -> list[FunctionScorer]:
    """Return the four ROUGE scorers; no setting changes them."""
    measures = {"rouge1": rouge_1, "rouge2": rouge_2, "rougeL": rouge_l, "rougeLsum": rouge_lsum}
    return [
        text_scorer(name, f"{name}|measure:f1|stem:no|tok:a-z0-9|split:newline|equals:rouge-score-0.1.2", measure)
        for name, measure in measures.items()
    ]


def rouge_1(reference: str, prediction: str) -> float:
    """Return F1 of the words that both texts have, each counted as often as in the text that has fewer."""
    return _overlap(tokenize(reference), tokenize(prediction))


def rouge_2(reference: str, prediction: str) -> float:
    """Return F1 of the pairs of neighbouring words."""
    return _overlap(_pairs(tokenize(reference)), _pairs(tokenize(prediction)))


def rouge_l(reference: str, prediction: str) -> float:
    """Return F1 of the longest common subsequence of words; line breaks do not count."""
    target, candidate = tokenize(reference), tokenize(prediction)
    return f1(LCSseq.similarity(target, candidate), len(target), len(candidate))


def rouge_lsum(reference: str, prediction: str) -> float:
    """Return F1 of the union of longest common subsequences, line by line (Lin 2004, section 3.2).

    As in ROUGE-1.5.5, unlike in the paper, a word is hit no more often than each of the texts has it.
    """
    targets = [tokens for line in reference.split("\n") if (tokens := tokenize(line))]
    candidates = [tokens for line in prediction.split("\n") if (tokens := tokenize(line))]
    if len(targets) == 1 and len(candidates) == 1:
        return rouge_l(reference, prediction)
    left = Counter(token for line in targets for token in line)
    right = Counter(token for line in candidates for token in line)
    total, total_candidate = left.total(), right.total()
    hits = 0
    for line in targets:
        words = set(line)
        positions = set().union(*(_common(line, other) for other in candidates if not words.isdisjoint(other)))
        for token in (line[position] for position in sorted(positions)):
            if left[token] > 0 and right[token] > 0:
                hits += 1
                left[token] -= 1
                right[token] -= 1
    return f1(hits, total, total_candidate)


@lru_cache(maxsize=4096)
def tokenize(text: str) -> Tokens:
    """Return the runs of a-z and 0-9 in the lower-cased text (`rouge_score/tokenize.py`)."""
    return tuple(_TOKEN.findall(text.lower()))


def f1(hits: int, in_reference: int, in_prediction: int) -> float:
    """Return the harmonic mean of hits/in_prediction and hits/in_reference; 0 where either text is empty."""
    if not hits:
        return 0.0
    precision, recall = hits / in_prediction, hits / in_reference
    return 2 * precision * recall / (precision + recall)


def _pairs(tokens: Tokens) -> list[tuple[str, str]]:
    return list(pairwise(tokens))


def _overlap(reference: Sequence[object], prediction: Sequence[object]) -> float:
    shared = Counter(reference) & Counter(prediction)
    return f1(shared.total(), len(reference), len(prediction))


def _common(reference: Tokens, candidate: Tokens) -> list[int]:
    """Return the positions in `reference` of the longest common subsequence that rouge-score would find.

    There may be several longest ones, and the union depends on which is taken: walking back through the table
    t of lengths, rouge-score goes left where t[i][j-1] > t[i-1][j] and up otherwise. The table is kept as one
    integer a row, with a 0 bit where the row's value rises (Hyyrö, "Bit-parallel LCS-length computation
    revisited", 2004), so that t[i][j] is the number of 0 bits among the lowest j.
    """
    rows = _rows(reference, candidate)
    found = []
    i, j = len(reference), len(candidate)
    while i and j:
        if reference[i - 1] == candidate[j - 1]:
            found.append(i - 1)
            i, j = i - 1, j - 1
        # Words differ here, so t[i][j] is the larger of the two neighbours.
        elif _length(rows[i - 1], j) < _length(rows[i], j):
            j -= 1
        else:
            i -= 1
    return found


def _rows(reference: Tokens, candidate: Tokens) -> list[int]:
    places: dict[str, int] = {}
    for position, token in enumerate(candidate):
        places[token] = places.get(token, 0) | 1 << position
    full = (1 << len(candidate)) - 1
    row, rows = full, [full]
    for token in reference:
        matched = row & places.get(token, 0)
        row = ((row + matched) | (row - matched)) & full
        rows.append(row)
    return rows


def _length(row: int, j: int) -> int:
    return j - (row & ((1 << j) - 1)).bit_count()
