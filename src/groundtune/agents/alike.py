"""Whether a statement says what another text says already, in whatever words.

The vectors of an embedder tell what is about the same; words tell what is not: two texts that differ in a figure, a
name, or a word that turns a sentence round are never the same. Knows no store and no proposal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundtune.comparing import figures, tokens, turns, unbacked
from groundtune.protocols import Vectors
from groundtune.sentences import sentence_spans

ALIKE = 0.75
"""The cosine from which a sentence says the same."""
Vectorize = Callable[[Sequence[str]], Vectors]
_NAME = re.compile(r"(?<![.!?:\n] )(?<!^)\b(?:[A-Z]\w*|\w*[a-z][A-Z]\w*|\w*\d\w*)\b")


@dataclass(frozen=True, slots=True)
class Stated:
    """Something that is said somewhere: `text` under the heading or question `about`, at `place`."""

    about: str
    text: str
    place: str


def says_already(statement: Stated, others: Sequence[Stated], embed: Vectorize, least: float = ALIKE) -> Stated | None:
    """Return the one of `others` that says what the statement says, the most alike; None if none does.

    A text that a sentence of `others` contradicts in a figure is not the same, however alike they are.
    """
    pieces = [(each, sentence) for each in others for sentence in _sentences(each.text)]
    agreeing = [(each, sentence) for each, sentence in pieces if _agree(statement, Stated(each.about, sentence, ""))]
    if not agreeing:
        return None
    vectors = embed([_worded(statement.about, statement.text), *(_worded(e.about, said) for e, said in agreeing)])
    cosines = vectors[1:] @ vectors[0]
    best = int(cosines.argmax())
    return agreeing[best][0] if cosines[best] >= least else None


def _worded(about: str, text: str) -> str:
    return f"{about}\n{text}" if about else text


def _agree(statement: Stated, other: Stated) -> bool:
    """Tell whether nothing in the other sentence, with what it stands under, tells the two apart."""
    around = _worded(other.about, other.text)
    if unbacked(figures(statement.text), around) or not set(_names(statement)) <= set(tokens(around)):
        return False
    return not any(turns(word) for word in set(tokens(statement.text)) ^ set(tokens(other.text)))


def _names(statement: Stated) -> list[str]:
    """Return the comparable words of what looks like a name: a capital letter inside of a sentence, or a digit."""
    texts = (statement.about, statement.text)
    named = " ".join(match[0] for text in texts for match in _NAME.finditer(text) if not match[0].isdigit())
    return [word for word in tokens(named) if word] if named else []


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]
