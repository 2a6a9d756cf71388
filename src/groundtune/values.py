"""Pure values that the parts of groundtune pass to one another.

Frozen and slotted; they know no storage, no network, no model and no clock. The identity of a document
and of a chunk is a hash of its content and its place, so that equal content gives equal identity on
every machine.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from groundtune.text import without_markers

UNEXPECTED = "unexpected"
"""The tag of cases that ask something unusual; raters are asked how well the answer dealt with that."""

Role = Literal["system", "user", "assistant"]
Split = Literal["development", "test"]


def digest(*parts: str) -> str:
    """Return a 32-digit hexadecimal hash of `parts`, which are kept apart: ("ab", "c") is not ("a", "bc")."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()


# --- knowledge ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heading:
    """A place where a new part of a text begins: `level` 1 is the outermost."""

    offset: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the characters from `start` to `end` of a document's text.

    It begins on `page` (from 1) of a file that has pages, or at so many `seconds` of a recording.
    """

    start: int
    end: int
    page: int | None = None
    seconds: float | None = None

    @property
    def label(self) -> str:
        """What people call it ("page 3", "1:05"); empty where only the characters are known."""
        if self.page is not None:
            return f"page {self.page}"
        return "" if self.seconds is None else f"{int(self.seconds) // 60}:{int(self.seconds) % 60:02}"


def located(start: int, end: int, segments: Sequence[Place]) -> Place:
    """Return the place from `start` to `end`. Its page and seconds are those of the segment in which it begins.

    `segments` are in order of `start`. Without them, only the characters are known.
    """
    before = bisect_right(segments, start, key=lambda segment: segment.start)
    if not before:
        return Place(start, end)
    segment = segments[before - 1]
    return Place(start, end, segment.page, segment.seconds)


class _Placed:
    """What has a place in a document."""

    __slots__ = ()
    document: str
    place: Place

    @property
    def start(self) -> int:
        """Where it begins in the document's text."""
        return self.place.start

    @property
    def end(self) -> int:
        """Where it ends in the document's text."""
        return self.place.end

    @property
    def source(self) -> str:
        """The document and, where it has pages, the page on which it begins."""
        return f"{self.document}, {self.place.label}" if self.place.label else self.document


@dataclass(frozen=True, slots=True)
class PlainText:
    """What a reader took out of a file.

    `headings` are in order of offset. `segments` are the pages (or the parts of a recording) that the text consists
    of, in order; empty for a format without them. `metadata` is what the file says about itself: "title", "author",
    "date" (ISO 8601) and whatever else its format has.
    """

    text: str
    title: str
    headings: tuple[Heading, ...] = ()
    segments: tuple[Place, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A source the company owns, as plain text.

    `id` is its path relative to the documents folder, with forward slashes. `readable_by` lists the
    principals that may see it; nobody else does.
    """

    id: str
    text: str
    title: str
    readable_by: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """Changes when anything that retrieval depends on changes."""
        metadata = [f"{key}={value}" for key, value in sorted(self.metadata.items())]
        return digest(self.id, self.title, self.text, *self.readable_by, *metadata)


@dataclass(frozen=True, slots=True)
class Chunk(_Placed):
    """A piece of a document: `document.text[start:end] == text`.

    `heading` is the path of headings above it ("Plans > Prices"): embedded and searched together with
    the text, never part of it. `segments` are the pages that it stands on, if it stands on more than one.
    """

    document: str
    place: Place
    text: str
    heading: str
    readable_by: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    segments: tuple[Place, ...] = ()

    @property
    def id(self) -> str:
        """Hash of place and content. Pages count where there are any."""
        pages = [
            f"{segment.start} {segment.page} {segment.seconds}"
            for segment in self.segments or (self.place,)
            if segment.label
        ]
        return digest(self.document, str(self.start), str(self.end), self.heading, self.text, *pages)


@dataclass(frozen=True, slots=True)
class Query:
    """What a store is asked: `vector` has the embedder's dimension; `principals` are the caller's names.

    A chunk is found only if one of its `readable_by` is among `principals`: no principals, no passages.
    `where` keeps chunks whose metadata equals every given value. `candidates` is how many chunks each of vector
    and word search proposes for fusion (at least `limit`).
    """

    text: str
    vector: tuple[float, ...]
    limit: int
    principals: tuple[str, ...]
    where: Mapping[str, str] = field(default_factory=dict)
    candidates: int = 30


@dataclass(frozen=True, slots=True)
class Passage(_Placed):
    """A chunk retrieved for a question: `rank` from 1; `score` of the fusion (higher is better); `similarity`
    the cosine between question and chunk in [-1, 1], None from a store that cannot tell it."""

    document: str
    place: Place
    text: str
    heading: str
    rank: int
    score: float
    similarity: float | None = None
    segments: tuple[Place, ...] = ()

    def place_of(self, start: int, end: int) -> Place:
        """Return the place in the document of `text[start:end]`: its page is the one on which that begins."""
        return located(self.start + start, self.start + end, self.segments or (self.place,))


# --- models and answers ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


Conversation = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer cost. Seconds are None where a batch hides them; tokens are the model's own."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float | None = None
    seconds_to_first_token: float | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """What a chat model said. `finish_reason` is "length" when the token limit cut it off, and "repetition" when it
    was ended because it went round in circles."""

    text: str
    usage: Usage
    finish_reason: Literal["stop", "length", "repetition", "content_filter", "other"] = "stop"


@dataclass(frozen=True, slots=True)
class Choice:
    """How probable each option is as the next answer (summing to 1), and what it cost to ask."""

    probabilities: Mapping[str, float]
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Citation(_Placed):
    """A piece of a document that supports an answer: `quote` is the document's text from `start` to `end`.

    `origin` tells who made the link: the model itself, or groundtune by comparing words afterwards.
    """

    document: str
    place: Place
    quote: str
    origin: Literal["model", "attributed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Text with its checked citations, or an abstention (`text` then says that it is not known).

    `support` is how well retrieval supported an answer, in [0, 1]; None without retrieval.
    `citations_removed` counts citations the model made up; `truncated` tells that the token limit cut the text off.
    """

    text: str
    abstained: bool
    usage: Usage
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    citations_removed: int = 0
    support: float | None = None
    truncated: bool = False

    @property
    def prose(self) -> str:
        """`text` without citation markers, if it has passages to cite: what is compared with an ideal answer."""
        return without_markers(self.text) if self.passages else self.text


# --- evaluation -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the answer to a case stands. `quote` None means the whole document."""

    document: str
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One benchmark question with its ideal answer, or several. Cases of one `group` are not independent."""

    id: str
    question: str
    ideal_answer: str
    evidence: tuple[Evidence, ...]
    answerable: bool
    group: str
    split: Split
    history: Conversation = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    status: Literal["draft", "approved", "rejected"] = "approved"
    other_ideal_answers: tuple[str, ...] = ()

    @property
    def ideal_answers(self) -> tuple[str, ...]:
        """All that are not blank: what scorers call references."""
        return tuple(text for text in (self.ideal_answer, *self.other_ideal_answers) if text.strip())


@dataclass(frozen=True, slots=True)
class Score:
    """What a scorer gave. `value` None is unscored (the metric does not apply), with the `reason` why.

    `failed` means that it should have been scored and could not be. Neither is ever counted as zero. With a value,
    `reason` is what the scorer has to say for it, if anything. `parts` are what adds up over cases where the scorer's
    number is not the mean of its values, as n-gram counts do for corpus BLEU; empty otherwise.
    """

    value: float | None
    reason: str = ""
    failed: bool = False
    parts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that the candidate could not answer, with the reason: a value in the results, never a gap."""

    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `scored` cases with its 95 % interval; None throughout where no case was scored."""

    mean: float | None
    low: float | None
    high: float | None
    scored: int
    unscored: int = 0
    failed: int = 0


Verdict = Literal["better", "worse", "equivalent", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus baseline on the same cases, for one scorer.

    `p_value` is two-sided and already corrected for the number of comparisons. `more_cases_needed` is
    None unless the verdict is "cannot tell".
    """

    scorer: str
    baseline: str
    challenger: str
    difference: Estimate
    p_value: float
    verdict: Verdict
    more_cases_needed: int | None = None


# --- tuning ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """A training conversation. Loss is taken on the assistant's turns only."""

    messages: Conversation
    documents: tuple[str, ...] = ()
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
