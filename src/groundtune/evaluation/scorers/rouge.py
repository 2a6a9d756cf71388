"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: F1 in [0, 1], equal to rouge-score 0.1.2.

    ideal answer  "testing one two"      precision 1/1, recall 1/3
    answer        "testing"              rouge1 = 2 * (1 * 1/3) / (1 + 1/3) = 0.5

Reimplemented because rouge-score spends its time in a pure-Python table for the longest common subsequence; the
numbers are the same (tests/reference), with and without stemming. Of several ideal answers the one with the highest
F1 counts, as in `score_multi`. Only a-z and 0-9 count unless `rouge_tokens = "unicode"`: as in rouge-score, text in
another script scores 0 against itself.

Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, and for what the paper leaves open
google-research/rouge (Apache-2.0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

from groundtune.evaluation.scorers._function import TextScorer
from groundtune.evaluation.scorers._grams import shared_runs
from groundtune.evaluation.scorers._tokens import Tokens, tokenize
from groundtune.protocols import Words
from groundtune.settings import ComparisonSettings

Tokenize = Callable[[str], Tokens]
Pairs = Sequence[tuple[str, str]]


class Rouge(NamedTuple):
    """The shares of the answer's and of the ideal answer's units that the other has, and their harmonic mean."""

    precision: float
    recall: float
    f1: float


NOTHING = Rouge(0.0, 0.0, 0.0)


def groundtune_scorer(settings: ComparisonSettings) -> list[TextScorer]:
    """Return the four ROUGE scorers, with the stemming and the words that the settings name."""
    alphabet, stemmed = settings.rouge_tokens, settings.rouge_stem
    counted = {"ascii": "a-z0-9", "unicode": "unicode"}[alphabet]
    equals = "|equals:rouge-score-0.1.2" if alphabet == "ascii" else ""
    how = f"measure:f1|refs:best|stem:{'porter-nltk' if stemmed else 'no'}|tok:{counted}|split:newline{equals}"

    def split(text: str) -> Tokens:
        return tokenize(text, alphabet, stemmed)

    def f1(name: str) -> Callable[[Pairs], list[float]]:
        return lambda pairs: [result.f1 for result in rouge(name, pairs, split)]

    return [TextScorer(name, f"{name}|{how}", words, f1(name)) for name, words in WORDS.items()]


def rouge(name: str, pairs: Pairs, split: Tokenize = tokenize) -> list[Rouge]:
    """Return the measure called `name` for each (reference, prediction)."""
    if name in ORDERS:
        return _rouge_n(pairs, ORDERS[name], split)
    measure = rouge_l if name == "rougeL" else rouge_lsum
    return [measure(reference, prediction, split) for reference, prediction in pairs]


def _rouge_n(pairs: Pairs, order: int, split: Tokenize) -> list[Rouge]:
    """Runs of `order` words that both have, each counted as often as in the text that has fewer."""
    tokens = [(split(reference), split(prediction)) for reference, prediction in pairs]
    hits = shared_runs(tokens, (order,))[:, 0].tolist()
    return [
        _rouge(hit, len(target) - order + 1, len(candidate) - order + 1)
        for hit, (target, candidate) in zip(hits, tokens, strict=True)
    ]


def rouge_l(reference: str, prediction: str, split: Tokenize = tokenize) -> Rouge:
    """Return the share that the longest common subsequence of words has; line breaks do not count."""
    target, candidate = split(reference), split(prediction)
    return _rouge(LCSseq.similarity(target, candidate), len(target), len(candidate))


def rouge_lsum(reference: str, prediction: str, split: Tokenize = tokenize) -> Rouge:
    """Return the share that the union of longest common subsequences has, line by line (Lin 2004, section 3.2).

    As in ROUGE-1.5.5, unlike in the paper, a word is hit no more often than each of the texts has it.
    """
    targets = [tokens for line in reference.split("\n") if (tokens := split(line))]
    candidates = [tokens for line in prediction.split("\n") if (tokens := split(line))]
    if len(targets) == 1 and len(candidates) == 1:
        return rouge_l(reference, prediction, split)
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
    return _rouge(hits, total, total_candidate)


ORDERS = {"rouge1": 1, "rouge2": 2}
WORDS = {
    "rouge1": Words("ROUGE-1", "Single words shared with the ideal answer (F1).", "Order and truth do not count."),
    "rouge2": Words(
        "ROUGE-2",
        "Pairs of neighbouring words shared with the ideal answer (F1).",
        "Harsh on short answers and on paraphrase.",
    ),
    "rougeL": Words(
        "ROUGE-L",
        "Longest sequence of words in the same order, gaps allowed (F1).",
        "A missing “not” costs almost nothing.",
    ),
    "rougeLsum": Words("ROUGE-Lsum", "ROUGE-L line by line (F1).", "Equals ROUGE-L for one-line answers."),
}


def _rouge(hits: int, in_reference: int, in_prediction: int) -> Rouge:
    if not hits:
        return NOTHING
    precision, recall = hits / in_prediction, hits / in_reference
    return Rouge(precision, recall, 2 * precision * recall / (precision + recall))


def _common(reference: Tokens, candidate: Tokens) -> list[int]:
    """Return the positions in `reference` of the longest common subsequence that rouge-score would find.

    There may be several longest ones, and the union depends on which is taken: walking back through the table
    t of lengths, rouge-score goes left where t[i][j-1] > t[i-1][j] and up otherwise. The table is kept as one
    integer a row, with a 0 bit where the row's value rises (Hyyrö, "Bit-parallel LCS-length computation
    revisited", 2004), so that t[i][j] is the number of 0 bits among the lowest j.
    """
    rows = _rows(reference, candidate)
    positions = []
    i, j = len(reference), len(candidate)
    while i and j:
        if reference[i - 1] == candidate[j - 1]:
            positions.append(i - 1)
            i, j = i - 1, j - 1
        # Words differ here, so t[i][j] is the larger of the two neighbours.
        elif _length(rows[i - 1], j) < _length(rows[i], j):
            j -= 1
        else:
            i -= 1
    return positions


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
