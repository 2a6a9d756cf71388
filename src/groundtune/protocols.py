"""The seams: what a part must do to take the place of another.

Each protocol has a contract test in `groundtune.testing` that every implementation passes, ours and
other people's. All of them are synchronous and take batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from groundtune.values import (
    Answer,
    Case,
    Choice,
    Chunk,
    Completion,
    Conversation,
    Document,
    Message,
    Passage,
    PlainText,
    Query,
    Score,
    digest,
)

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A document as it goes into a store: its chunks and their vectors, (len(chunks), dimension)."""

    document: Document
    chunks: Sequence[Chunk]
    vectors: Vectors

    @property
    def fingerprint(self) -> str:
        """Changes when the document changes and when it is split otherwise."""
        return fingerprint(self.document, self.chunks)


def fingerprint(document: Document, chunks: Sequence[Chunk]) -> str:
    """Return the hash of all that a store keeps of a document, vectors aside: they follow from it."""
    return digest(document.content_hash, *(chunk.id for chunk in chunks))


@runtime_checkable
class Reader(Protocol):
    """Turns one kind of file into documents' text."""

    suffixes: tuple[str, ...]

    def read(self, path: Path) -> PlainText:
        """Return the text of `path`. Raises `UnreadableDocument` with the reason and the remedy."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    @property
    def signature(self) -> str:
        """Model and settings: vectors of different signatures must not be compared."""
        ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return an array of shape (len(texts), dimension), float32, rows of norm 1."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """Scores passages for a question, reading both together."""

    @property
    def signature(self) -> str: ...

    def score(self, query: str, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return an array of shape (len(passages),): higher is more relevant."""
        ...


@runtime_checkable
class KnowledgeStore(Protocol):
    """Keeps chunks with their vectors and finds them by meaning and by words."""

    def replace(self, entries: Sequence[Entry]) -> None:
        """Put each entry's chunks in the place of whatever the store holds of its document.

        A search sees either the old or the new chunks of a document, never both and never none. A document
        without chunks is forgotten. Raises `StoreError` if vectors do not fit chunks or the store's dimension.
        """
        ...

    def remove(self, document_ids: Sequence[str]) -> None:
        """Forget these documents; unknown ids are ignored. They are not found from the next search on."""
        ...

    def search(self, query: Query) -> list[Passage]:
        """Return at most `query.limit` passages that the query's principals may read, best first."""
        ...

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document held, by document id."""
        ...

    def revision(self) -> str:
        """Changes with every change of what the store holds, and only then: equal content, equal revision."""
        ...

    def optimize(self) -> None:
        """Tidy up after many changes, for speed and space; what is found stays the same."""
        ...


@runtime_checkable
class ChatModel(Protocol):
    """A model that continues conversations."""

    @property
    def name(self) -> str: ...

    @property
    def signature(self) -> str:
        """Name, weights, adapter and generation settings: all that can change what it says."""
        ...

    def complete(self, conversations: Sequence[Conversation], max_tokens: int | None = None) -> list[Completion]:
        """Answer a batch, in order. Raises `ModelFailed`."""
        ...

    def stream(self, messages: Conversation, max_tokens: int | None = None) -> Iterator[str]:
        """Yield the answer in pieces as they come. Their concatenation is the completion's text."""
        ...

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Return how probable each of `options` is as the next answer; sums to 1."""
        ...


@runtime_checkable
class AdaptableModel(ChatModel, Protocol):
    """A model that adapters can be put on."""

    def adapted(self, adapters: Sequence[Path]) -> ChatModel:
        """Return this model with the adapters in these folders on it, applied in order; itself without any.

        Neither changes the other's answers. Asked again for the same folders, it loads nothing, unless what is in
        them has changed.
        """
        ...


@runtime_checkable
class MeteredModel(ChatModel, Protocol):
    """A model that tells what a choice costs, and how many may ask it at once."""

    @property
    def parallel(self) -> int:
        """How many requests may be under way at once, each from a thread of its own."""
        ...

    def weigh(self, messages: Conversation, options: Sequence[str]) -> Choice:
        """Return what `choose` returns, with its usage."""
        ...


@runtime_checkable
class Answerer(Protocol):
    """The one seam for answers: closed-book, grounded and agents all satisfy it."""

    @property
    def signature(self) -> str: ...

    def answer(self, question: str, history: Sequence[Message] = ()) -> Answer: ...

    def answer_many(self, questions: Sequence[tuple[str, Sequence[Message]]]) -> list[Answer]:
        """Answer a batch of (question, history), in order."""
        ...

    def stream(self, question: str, history: Sequence[Message] = ()) -> Iterator[str | Answer]:
        """Yield pieces of text as they come and, last, the checked `Answer`."""
        ...


@runtime_checkable
class Scorer(Protocol):
    """Scores one answer to one case."""

    @property
    def name(self) -> str: ...

    @property
    def signature(self) -> str:
        """Metric, settings and versions, in the manner of sacrebleu."""
        ...

    def score(self, case: Case, answer: Answer) -> Score: ...


@runtime_checkable
class BatchScorer(Scorer, Protocol):
    """A scorer that is faster over many answers at once (one that runs a model)."""

    def score_many(self, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
        """Return the scores of `pairs`, in order; equal to scoring one by one."""
        ...


@runtime_checkable
class CorpusScorer(Scorer, Protocol):
    """A scorer whose scores or signature depend on all cases of a benchmark, as idf weights do."""

    def over(self, cases: Sequence[Case]) -> Scorer:
        """Return the scorer for these cases; its signature tells what it took from them."""
        ...


class Progress(Protocol):
    """Told how far long work has come: (stage, done, total) with `done` from 0 to `total`."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """A `Progress` that tells nobody."""
