"""Proposing cases from documents: what is drafted, from which passages, and what every draft must keep to.

A drafter turns requests into drafts or refusals; there are two, `tagged` (any chat model) and `templates` (no model).
This module plans the requests and checks what comes back, whoever made it. Knows no file: `drafts` keeps what is made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal, Protocol, get_args

import numpy as np

from groundtune.drawing import spread
from groundtune.evaluation.benchmark.cases import asked
from groundtune.evaluation.benchmark.similarity import NEAR, jaccard, shingles
from groundtune.text import content_words, locate, words
from groundtune.values import Chunk, Conversation, Evidence, digest

DraftKind = Literal["single-document", "multi-document", "unanswerable", "multi-turn", "paraphrase"]
KINDS: tuple[DraftKind, ...] = get_args(DraftKind)
FEWEST_WORDS = 3  # in a question
PASSAGE = 1200  # characters of a passage that is drafted from


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """A case to draft from `passages` (two of different documents for "multi-document", else one).

    `number` tells several requests on the same passages apart.
    """

    kind: DraftKind
    passages: tuple[Chunk, ...]
    number: int
    seed: int

    @property
    def key(self) -> str:
        """Changes with all that the draft is made from, the drafter aside."""
        return digest(self.kind, *(passage.id for passage in self.passages), str(self.number), str(self.seed))

    def rng(self) -> np.random.Generator:
        """Return the request's own generator: the same draft whenever and in whatever order it is made."""
        return np.random.default_rng(int(self.key[:16], 16))


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposed case. Wordings of one question, with one answer, are several drafts of one request."""

    question: str
    ideal_answer: str = ""
    evidence: tuple[Evidence, ...] = ()
    history: Conversation = ()

    @property
    def asked(self) -> str:
        """The customer's turns, the question last."""
        return asked(self.question, self.history)


@dataclass(frozen=True, slots=True)
class DraftRefused:
    """Why a request gave no draft, or a draft is not kept; `said` is what the drafter said.

    `again` is true for what may go better the next time: the request is then not done.
    """

    reason: str
    said: str = ""
    again: bool = False


DraftOutcome = Draft | DraftRefused


class Drafter(Protocol):
    """Makes drafts: `per_passage` different ones of one passage at most, `batch` requests at once.

    After `patience` requests in a row without a draft to keep, a run gives the kind up; None goes through them all.
    """

    per_passage: int
    batch: int
    patience: int | None

    @property
    def author(self) -> str:
        """Who drafted: drafter, model and version of the prompts or templates."""
        ...

    def draft(self, requests: Sequence[DraftRequest]) -> list[list[DraftOutcome]]:
        """Return what became of each request, in order; never nothing."""
        ...


def draft_requests(kind: DraftKind, passages: Sequence[Chunk], seed: int, per_passage: int) -> Iterator[DraftRequest]:
    """Yield requests of `kind` in an order drawn by `seed`: one passage of every document, then a second, and so on.

    A passage's partner for "multi-document" is the passage of another document that shares most content words.
    """
    order = spread(passages, attrgetter("document"), np.random.default_rng(seed))
    partner = _Partners(passages) if kind == "multi-document" else None
    for number in range(per_passage):
        for passage in order:
            if partner is None:
                yield DraftRequest(kind, (passage,), number, seed)
            elif (other := partner.of(passage)) is not None:
                yield DraftRequest(kind, (passage, other), number, seed)


class Asked:
    """The questions that there are already. A case is repeated if its words are the same, or if it asks nearly the
    same and rests on the same quote."""

    def __init__(self) -> None:
        self._exact: set[tuple[str, ...]] = set()
        self._by_quote: dict[tuple[str, ...], list[str]] = defaultdict(list)

    def add(self, asked: str, quotes: Sequence[str]) -> None:
        """Remember a question with the quotes that its answer rests on."""
        self._exact.add(tuple(words(asked)))
        for quote in quotes:
            self._by_quote[tuple(words(quote))].append(asked)

    def has(self, asked: str, quotes: Sequence[str]) -> bool:
        """Return whether the question is there already."""
        near = (other for quote in quotes for other in self._by_quote.get(tuple(words(quote)), ()))
        own = shingles(asked)
        return tuple(words(asked)) in self._exact or any(jaccard(own, shingles(other)) >= NEAR for other in near)


def fault(draft: Draft, kind: DraftKind, texts: Mapping[str, str]) -> str | None:
    """Return why the draft cannot be kept, or None. `texts` are the documents by id."""
    if len(words(draft.question)) < FEWEST_WORDS:
        return "the question is too short"
    if kind == "unanswerable":
        return None
    if not draft.ideal_answer.strip():
        return "there is no answer"
    if not draft.evidence:
        return "there is no quote"
    for evidence in draft.evidence:
        if not locate(evidence.quote or "", texts.get(evidence.document, "")):
            return "the quote is not in the document"
    if kind == "multi-document" and len({evidence.document for evidence in draft.evidence}) < 2:
        return "the quotes are not from two documents"
    if kind == "multi-turn" and not draft.history:
        return "there is no earlier turn"
    return None


class _Partners:
    """Finds the passage of another document that is most alike by Jaccard over content words."""

    def __init__(self, passages: Sequence[Chunk]) -> None:
        self._passages = passages
        self._words = [_content(passage) for passage in passages]

    def of(self, passage: Chunk) -> Chunk | None:
        own = _content(passage)
        best, partner = 0.0, None
        for other, held in zip(self._passages, self._words, strict=True):
            if other.document != passage.document and own and (alike := jaccard(own, held)) > best:
                best, partner = alike, other
        return partner


def _content(passage: Chunk) -> frozenset[str]:
    return frozenset(content_words(f"{passage.heading} {passage.text}"))
