"""The seams: what a part must do to take the place of another.

Each protocol has a contract test in `groundtune.testing` that every implementation passes, ours and
other people's. All of them are synchronous and take batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from groundtune.values import (
    READING,
    Answer,
    Case,
    Choice,
    Chunk,
    Completion,
    Conversation,
    Document,
    Event,
    Failure,
    Passage,
    PlainText,
    Query,
    Question,
    Revision,
    Score,
    digest,
)

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A document as it goes into a store and comes out of it: its id, its chunks and their vectors, (len(chunks),
    dimension). `fingerprint` changes when the document changes and when it is split otherwise."""

    document: str
    fingerprint: str
    chunks: Sequence[Chunk]
    vectors: Vectors

    @classmethod
    def of(cls, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> Entry:
        """Return the entry of a document that was read, split and embedded."""
        return cls(document.id, fingerprint(document, chunks), chunks, vectors)


@dataclass(frozen=True, slots=True)
class Held:
    """What a store has of a document: its fingerprint, and its chunks in order of place."""

    fingerprint: str
    chunks: tuple[Chunk, ...]


def fingerprint(document: Document, chunks: Sequence[Chunk]) -> str:
    """Return the hash of all that a store keeps of a document, vectors aside: they follow from it.

    It begins with the version of reading: what an earlier version has read is read again.
    """
    return f"{READING}:{digest(document.content_hash, *(chunk.id for chunk in chunks))}"


def read_by_this_version(fingerprint: str) -> bool:
    """Tell whether a document in a store was read as this version reads."""
    return fingerprint.startswith(f"{READING}:")


@runtime_checkable
class Reader(Protocol):
    """Turns one kind of file into documents' text."""

    suffixes: tuple[str, ...]

    def read(self, path: Path) -> PlainText:
        """Return the text of `path`, with pages and metadata where the format has them.

        Raises `UnreadableDocument` with the reason and the remedy.
        """
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
class LimitedEmbedder(Embedder, Protocol):
    """An embedder that reads a text up to a limit and can tell which texts are longer."""

    def cut(self, texts: Sequence[str]) -> int | None:
        """Return of how many of these documents' texts `embed` leaves the end unread; None if it cannot tell."""
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
    """Keeps chunks with their vectors and finds them by meaning and by words.

    Every question asks for `is_empty` and `revision`, so they must not list the documents as long as nobody writes.
    `documents` is for ingestion.
    """

    def replace(self, entries: Sequence[Entry]) -> None:
        """Replace whatever the store holds of each entry's document by the entry's chunks.

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

    def is_empty(self) -> bool:
        """Return whether the store holds no document."""
        ...

    def document(self, document_id: str) -> Held | None:
        """Return what is held of this document, whoever may read it; None if nothing is."""
        ...

    def documents(self) -> dict[str, str]:
        """Return the fingerprint of every document held, by document id."""
        ...

    def entries(self, document_ids: Sequence[str]) -> list[Entry]:
        """Return what is held of these documents, with vectors, as another store takes it; unknown ids are ignored."""
        ...

    def revision(self) -> str:
        """Changes with every change of what the store holds, and only then: equal content, equal revision."""
        ...

    def optimize(self, *, erase: bool = False) -> None:
        """Tidy up after many changes; what is found stays the same. With `erase`, nothing of what was removed stays."""
        ...

    def drop(self) -> None:
        """Delete the store itself, as if it had never been made. It must not be used any more."""
        ...


@runtime_checkable
class Revisions(Protocol):
    """Keeps documents as they were read, so that a citation opens the text that it was taken from."""

    def keep(self, revisions: Sequence[Revision]) -> None:
        """Keep these. Called before a store holds them, so that no passage is found whose text is not kept."""
        ...

    def lacking(self, held: Mapping[str, str]) -> Set[str]:
        """Return those of the documents (id to fingerprint) whose text is not kept."""
        ...

    def settle(self, held: Mapping[str, str]) -> None:
        """Note which revisions are live: `held` has the fingerprint of every document. The others grow old."""
        ...

    def live(self) -> dict[str, str]:
        """Return the fingerprint of every document's live revision, by document id."""
        ...

    def revision(self, document: str, fingerprint: str) -> Revision | None:
        """Return a document as it was read under this fingerprint; None if that is not kept."""
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
        """Return how probable each of `options` is as the next answer; sums to 1.

        Options that are single characters, as digits, are what `messages` must ask for.
        """
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
        """Return what `choose` returns, its usage, and how much of the probability stood on the options at all."""
        ...


@runtime_checkable
class Answerer(Protocol):
    """The one seam for answers: closed-book, grounded and agents all satisfy it."""

    @property
    def signature(self) -> str: ...

    def answer(self, question: Question) -> Answer: ...

    def answer_many(self, questions: Sequence[Question]) -> Sequence[Answer | Failure]:
        """Answer a batch, in order; each question is answered from what its own asker may read.

        A question that alone has no answer, because the model replied nothing to it, may be a `Failure`; `answer` and
        `stream` raise `ModelFailed` for it.
        """
        ...

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield `Retrieved` (if it retrieves), `TextPiece`s as they come, a `Cited` for each citation that holds and,
        last, `Answered`."""
        ...


AnswerFact = Literal["abstention", "passages", "citations"]
"""What a file of answers may tell besides their texts, and what groundtune always knows of its own answers."""

Use = Literal["compare", "score"]
"""Where a scorer is on unless others are named: comparing candidates, scoring a file of answers."""

EVERYWHERE: frozenset[Use] = frozenset({"compare", "score"})
TEXT_ALONE: frozenset[AnswerFact] = frozenset()
ABSTENTION: frozenset[AnswerFact] = frozenset({"abstention"})
PASSAGES: frozenset[AnswerFact] = frozenset({"passages"})
CITATIONS: frozenset[AnswerFact] = frozenset({"citations"})
Total = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Words:
    """What a scorer means, for readers who have never met it: `misleads` says how it can lead them astray."""

    title: str
    means: str
    misleads: str


@runtime_checkable
class Scorer(Protocol):
    """Scores one answer to one case, and says what its numbers are. `ScorerDefaults` has the usual values."""

    @property
    def name(self) -> str: ...

    @property
    def signature(self) -> str:
        """Metric, settings and versions, in the manner of sacrebleu."""
        ...

    @property
    def words(self) -> Words:
        """What the report says of it."""
        ...

    @property
    def scale(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        ...

    @property
    def higher_is_better(self) -> bool: ...

    @property
    def by_default(self) -> frozenset[Use]:
        """Where it is on unless others are named."""
        ...

    @property
    def needs(self) -> frozenset[AnswerFact]:
        """The facts that it rests on. Without them it is off unless it is named."""
        ...

    @property
    def strict(self) -> bool:
        """Whether its values would be false without a fact that it needs, not only unscored: then it is refused."""
        ...

    @property
    def total(self) -> Total | None:
        """How cases become one number: None for the mean of their values, else what turns sums of `Score.parts`,
        (m, parts), into numbers, (m,)."""
        ...

    def score(self, case: Case, answer: Answer) -> Score: ...


class ScorerDefaults:
    """What most scorers are: on a scale from 0 to 1, higher is better, on everywhere, resting on the text alone,
    summed up by the mean. Inherit it and set what differs."""

    __slots__ = ()
    scale: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True
    by_default: frozenset[Use] = EVERYWHERE
    needs: frozenset[AnswerFact] = TEXT_ALONE
    strict: bool = False

    @property
    def total(self) -> Total | None:
        """The mean."""
        return None


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
    """Receives the progress of long work: (stage, done, total), with `done` from 0 to `total`."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """A `Progress` that reports nothing."""
