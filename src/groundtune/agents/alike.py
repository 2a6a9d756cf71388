"""Whether a statement says what another text says already, in whatever words.

The vectors of an embedder tell what is about the same; words tell what is not: two texts that differ in a figure, a
name, or a word that turns a sentence round are never the same. Knows no store and no proposal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from groundtune.comparing import figures, tokens, turns, unbacked
from groundtune.protocols import Vectors
from groundtune.sentences import sentence_spans
from groundtune.text import FUNCTION_WORDS

ALIKE = 0.65
"""The cosine from which a sentence says the same: the mean of that of both by themselves, and of that of both with what
they stand under. `benchmarks/enrichment.py` measures it."""
Vectorize = Callable[[Sequence[str]], Vectors]
_NAME = re.compile(r"(?<![.!?:\n] )(?<!^)\b(?:[A-Z]\w*|\w*[a-z][A-Z]\w*|\w*\d\w*)\b")
_NO_NAME = re.compile(r"I|[A-Z]{2,}|\d+")  # "VAT" and "GB" are words like others
_BOUND = re.compile(r"(?:^\W*|\b(?:for|if|when|while|on|during|with|in|at|from|per|by)\b)((?:\W+\w+){1,3}|\w+)", re.I)
_NARROWING = frozenset(("after", "before", "only", "until"))  # the other may be more exact


@dataclass(frozen=True, slots=True)
class Stated:
    """Something that is said somewhere: `text` under the heading or question `about`, at `place`."""

    about: str
    text: str
    place: str


def says_already(statement: Stated, others: Sequence[Stated], embed: Vectorize) -> Stated | None:
    """Return the one of `others` that says what the statement says, the most alike; None if none does.

    What differs in a figure, a name, a condition or a negation is not the same, however alike it is.
    """
    pieces = [(each, sentence) for each in others for sentence in _sentences(each.text)]
    agreeing = [(each, said) for each, said in pieces if _agree(statement, Stated(each.about, said, ""))]
    if not agreeing:
        return None
    alone = embed([statement.text, *(said for _, said in agreeing)])
    below = embed([_worded(statement.about, statement.text), *(_worded(each.about, said) for each, said in agreeing)])
    cosines = (alone[1:] @ alone[0] + below[1:] @ below[0]) / 2
    best = int(cosines.argmax())
    return agreeing[best][0] if cosines[best] >= ALIKE else None


def _worded(about: str, text: str) -> str:
    return f"{about}\n{text}" if about else text


def _agree(statement: Stated, other: Stated) -> bool:
    """Tell whether nothing in the other sentence, with what it stands under, tells the two apart."""
    around = _worded(other.about, other.text)
    known = set(tokens(around))
    if unbacked(figures(statement.text), around) or not all(among(word, known) for word in _needed(statement)):
        return False
    own, others = ({word for word in tokens(each.text) if turns(word)} for each in (statement, other))
    return own <= others and others - own <= _NARROWING


def _needed(statement: Stated) -> set[str]:
    """Return the words of a statement that another one must have to say the same: its first, those of names and those
    of conditions ("for students"). Without names it is about those of its question.
    """
    bound = " ".join(match[1] for match in _BOUND.finditer(statement.text))
    needed = set(tokens(bound)) - FUNCTION_WORDS if bound else set()
    return needed | (_names(statement.text) or _names(statement.about))


def _names(text: str) -> set[str]:
    named = " ".join(match[0] for match in _NAME.finditer(text) if not _NO_NAME.fullmatch(match[0]))
    return set(tokens(named)) if named else set()


def among(word: str, others: Collection[str]) -> bool:
    """Tell whether a word is among others, in whatever form: "costs" among "cost"."""
    forms = (other for other in others if min(len(word), len(other)) > 3)
    return word in others or any(word.startswith(other) or other.startswith(word) for other in forms)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]
