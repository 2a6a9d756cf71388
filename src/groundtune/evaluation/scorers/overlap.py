"""Exact match, token F1 and token recall, in [0, 1], over comparable words, and the first two as SQuAD v1.1 has them.

    ideal answer  "The Eiffel Tower"      comparable words: eiffel tower
    answer        "the tower in Paris"    comparable words: tower in paris
    exact 0, token_f1 = 2 * (1/3 * 1/2) / (1/3 + 1/2) = 0.4, token_recall = 1/2

Comparable words keep what tells two answers apart, such as the point in "1.50" (`groundtune.comparing`).
`squad_exact` and `squad_f1` drop all punctuation, as published figures do, so that "€1.50" is there the same as "€150".
Answers in whole sentences lose in `exact` and `token_f1` through every word that the short ideal answer lacks;
`token_recall` forgives them, and forgives copying the whole passage as well.

Source: Rajpurkar et al., "SQuAD", EMNLP 2016 and its evaluate-v1.1.py; token recall: Adlakha et al., "Evaluating
Correctness and Faithfulness of Instruction-Following Models for Question Answering", TACL 2024.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable

from groundtune.comparing import VERSION, aligned, shared, tokens
from groundtune.evaluation.scorers._function import TextScorer, text_scorer
from groundtune.protocols import EVERYWHERE, Use, Words
from groundtune.settings import ComparisonSettings

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_PUBLISHED: frozenset[Use] = frozenset({"score"})
NORMALISED = f"norm:comparable-{VERSION}"

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
    "squad_exact": Words(
        "Exact match (SQuAD)",
        "Exact match as published figures have it: all punctuation is dropped.",
        "A wrong decimal point or sign does not count: “1.50” is “150”.",
    ),
    "squad_f1": Words(
        "F1 (SQuAD)",
        "Token F1 as published figures have it: all punctuation is dropped.",
        "A wrong decimal point or sign does not count: “1.50” is “150”.",
    ),
}


def groundtune_scorer(settings: ComparisonSettings) -> list[TextScorer]:
    """Return the five scorers; no setting changes them. Those of SQuAD are on when a file of answers is scored."""
    own: dict[str, Callable[[str, str], float]] = {"exact": exact, "token_f1": token_f1, "token_recall": token_recall}
    published = {"squad_exact": squad_exact, "squad_f1": squad_f1}
    return [
        *(_scorer(name, f"{NORMALISED}|version:2", measure, EVERYWHERE) for name, measure in own.items()),
        *(_scorer(name, "norm:squad-v1.1|version:1", measure, _PUBLISHED) for name, measure in published.items()),
    ]


def exact(reference: str, prediction: str) -> float:
    """Return 1.0 if the comparable words are the same in the same order, else 0.0."""
    expected, given = aligned(tokens(reference), tokens(prediction))
    return float(list(expected) == list(given))


def token_f1(reference: str, prediction: str) -> float:
    """Return the harmonic mean of the shared words' share in the answer and in the ideal answer."""
    expected, given = tokens(reference), tokens(prediction)
    return _f1(shared(expected, given), len(expected), len(given))


def token_recall(reference: str, prediction: str) -> float:
    """Return the share of the ideal answer's words that the answer has; 1.0 if the ideal answer is blank."""
    expected = tokens(reference)
    return shared(expected, tokens(prediction)) / len(expected) if expected else 1.0


def squad_exact(reference: str, prediction: str) -> float:
    """Return 1.0 if the texts are equal as SQuAD v1.1 normalises them, else 0.0."""
    return float(squad_tokens(reference) == squad_tokens(prediction))


def squad_f1(reference: str, prediction: str) -> float:
    """Return SQuAD v1.1's F1; 0.0 where normalising leaves nothing of either text, as there."""
    expected, given = squad_tokens(reference), squad_tokens(prediction)
    return _f1((Counter(expected) & Counter(given)).total(), len(expected), len(given))


def squad_tokens(text: str) -> list[str]:
    """Return the words of the lower-cased text without ASCII punctuation and English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def _f1(hits: int, in_reference: int, in_prediction: int) -> float:
    if not hits:
        return 0.0
    precision, recall = hits / in_prediction, hits / in_reference
    return 2 * precision * recall / (precision + recall)


def _scorer(name: str, how: str, measure: Callable[[str, str], float], by_default: frozenset[Use]) -> TextScorer:
    return text_scorer(name, f"{name}|{how}", WORDS[name], measure, by_default)
