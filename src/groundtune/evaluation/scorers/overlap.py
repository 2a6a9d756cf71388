"""Exact match, token F1 and token recall, in [0, 1], with the text normalisation of SQuAD v1.1.

    ideal answer  "The Eiffel Tower"      normalised: eiffel tower
    answer        "the tower in Paris"    normalised: tower in paris
    exact 0, token_f1 = 2 * (1/3 * 1/2) / (1/3 + 1/2) = 0.4, token_recall = 1/2

Answers in whole sentences lose in `exact` and `token_f1` through every word that the short ideal answer lacks;
`token_recall` forgives them, and forgives copying the whole passage as well.

Source: Rajpurkar et al., "SQuAD", EMNLP 2016 and its evaluate-v1.1.py; token recall: Adlakha et al., "Evaluating
Correctness and Faithfulness of Instruction-Following Models for Question Answering", TACL 2024.
"""

from __future__ import annotations

import re
import string
from collections import Counter

from groundtune.evaluation.scorers._function import TextScorer, text_scorer
from groundtune.protocols import Words
from groundtune.settings import ComparisonSettings

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


WORDS = {
    "exact": Words(
        "Exact match", "The answer equals the ideal answer, ignoring case and articles.", "Whole sentences lose."
    ),
    "token_f1": Words(
        "Token F1", "Words shared with the ideal answer, both ways.", "Penalises right answers that are longer."
    ),
    "token_recall": Words(
        "Token recall", "How many of the ideal answer's words are in the answer.", "Copying everything scores high."
    ),
}


def groundtune_scorer(settings: ComparisonSettings) -> list[TextScorer]:
    """Return `exact`, `token_f1` and `token_recall`; no setting changes them."""
    measures = {"exact": exact, "token_f1": token_f1, "token_recall": token_recall}
    return [
        text_scorer(name, f"{name}|norm:squad-v1.1|version:1", WORDS[name], measure)
        for name, measure in measures.items()
    ]


def exact(reference: str, prediction: str) -> float:
    """Return 1.0 if the normalised texts are equal, else 0.0."""
    return float(tokens(reference) == tokens(prediction))


def token_f1(reference: str, prediction: str) -> float:
    """Return the harmonic mean of the shared words' share in the answer and in the ideal answer."""
    expected, given = tokens(reference), tokens(prediction)
    shared = _shared(expected, given)
    if not shared:
        return 0.0
    precision, recall = shared / len(given), shared / len(expected)
    return 2 * precision * recall / (precision + recall)


def token_recall(reference: str, prediction: str) -> float:
    """Return the share of the ideal answer's words that the answer has; 1.0 if none is left after normalising."""
    expected = tokens(reference)
    return _shared(expected, tokens(prediction)) / len(expected) if expected else 1.0


def tokens(text: str) -> list[str]:
    """Return the words of the lower-cased text without punctuation and English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def _shared(expected: list[str], given: list[str]) -> int:
    return (Counter(expected) & Counter(given)).total()
