"""Documents, chunks and passages, and places in documents."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from groundtune.text import encodable
from groundtune.values._digest import digest

EVERYONE = ("everyone",)
"""The principals of an unknown asker."""
Leg = Literal["vectors", "words"]
"""A way to search: by meaning, or by the words."""
LEGS: tuple[Leg, ...] = ("vectors", "words")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the characters from `start` to `end` of a document's text.

    It begins on `page` (from 1) of a file that has pages, or at a time in a recording, in `seconds`. A place without
    characters, as `UNKNOWN_PLACE`, is not `known`: a service cut an excerpt that the text does not have in these words.
    What was read by OCR or transcribed has a `confidence` from 0 to 1. It is `unsure` if that is low for this project.
    """

    start: int
    end: int
    page: int | None = None
    seconds: float | None = None
    confidence: float | None = None
    unsure: bool = False

    @property
    def known(self) -> bool:
        """Whether it names characters at all."""
        return self.end > self.start

    @property
    def label(self) -> str:
        """What people call it ("page 3", "1:05", "2:01:05", "place not known"); empty if only characters are known.

        What is `unsure` says so: "page 3, poorly legible", "1:05, poorly audible".
        """
        if self.seconds is not None:
            return f"{self._moment}, poorly audible" if self.unsure else self._moment
        label = "" if self.page is None else f"page {self.page}"
        if self.unsure:
            return f"{label}, poorly legible" if label else "poorly legible"
        return label if label or self.known else "place not known"

    @property
    def _moment(self) -> str:
        minutes, seconds = divmod(int(self.seconds or 0), 60)
        hours, below = divmod(minutes, 60)
        return f"{hours}:{below:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def judged(self, least: float) -> Place:
        """Return it as `unsure` if its confidence is below `least`."""
        unsure = self.confidence is not None and self.confidence < least
        return self if unsure == self.unsure else replace(self, unsure=unsure)

    def kept(self) -> dict[str, int | float | None]:
        """Return what a store keeps of it: all but `unsure`, which follows from a setting."""
        return {name: value for name, value in asdict(self).items() if name != "unsure"}

    def as_json(self) -> dict[str, object]:
        """Return it as `--json` prints it: `start` and `end` are None where they are not known."""
        return asdict(self) if self.known else {**asdict(self), "start": None, "end": None}


UNKNOWN_PLACE = Place(0, 0)
"""Where an excerpt stands that was not found in its document's text."""


def located(start: int, end: int, segments: Sequence[Place]) -> Place:
    """Return the place from `start` to `end`. All else of it is as in the segment in which it begins.

    `segments` are in order of `start`. Without them, only the characters are known.
    """
    before = bisect_right(segments, start, key=lambda segment: segment.start)
    if not before:
        return Place(start, end)
    return replace(segments[before - 1], start=start, end=end)


def segments_between(start: int, end: int, segments: Sequence[Place]) -> tuple[Place, ...]:
    """Return what each of `segments` has of the text from `start` to `end`; nothing if that is in one of them."""
    first = bisect_right(segments, start, key=lambda segment: segment.start) - 1
    last = bisect_left(segments, end, key=lambda segment: segment.start)
    touched = segments[max(0, first) : last]
    if len(touched) < 2:
        return ()
    return tuple(replace(segment, start=max(start, segment.start), end=min(end, segment.end)) for segment in touched)


_SLIDES = frozenset({".pptx", ".pptm", ".potx", ".potm", ".ppsx", ".ppsm"})


class Placed:
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
        """The document and, where it has pages or slides, the one on which it begins, or that this is not known."""
        return f"{self.document}, {self.where}" if self.where else self.document

    @property
    def where(self) -> str:
        """What people call its place in this kind of document ("page 3", "slide 3", "1:05"); see `Place.label`."""
        slides = PurePosixPath(self.document).suffix.lower() in _SLIDES
        return self.place.label.replace("page", "slide") if slides else self.place.label


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
class Chunk(Placed):
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
            + ("" if segment.confidence is None else f" {segment.confidence}")
            for segment in self.segments or (self.place,)
            if (segment.page, segment.seconds, segment.confidence) != (None, None, None)
        ]
        return digest(self.document, str(self.start), str(self.end), self.heading, self.text, *pages)


@dataclass(frozen=True, slots=True)
class Revision:
    """A document as it was read at one time, under the fingerprint by which passages and citations name it.

    `segments` are its pages, or the parts of a recording, in order; empty for a format without them.
    """

    document: Document
    fingerprint: str
    segments: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What a store is asked: `vector` has the embedder's dimension; `principals` are the caller's names.

    A chunk is found only if one of its `readable_by` is among `principals`: no principals, no passages.
    `where` keeps chunks whose metadata equals every given value. `candidates` is how many chunks each of vector
    and word search proposes for fusion (at least `limit`). `legs` says which of both are asked. `without` leaves out
    chunks whose metadata equals one of its values.
    """

    text: str
    vector: tuple[float, ...]
    limit: int
    principals: tuple[str, ...]
    where: Mapping[str, str] = field(default_factory=dict)
    candidates: int = 30
    legs: tuple[Leg, ...] = LEGS
    without: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """What a knowledge base is asked: `text` is looked for among what `asker`, the caller's principals, may read and
    whose metadata equals every value of `where` and none of `without`. Pictures are looked for that are like the one in
    `file`, and recordings likewise."""

    text: str
    asker: tuple[str, ...] = EVERYONE
    where: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    without: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put halves of characters together, or U+FFFD in their place: no embedder or store takes them."""
        object.__setattr__(self, "text", encodable(self.text))
        object.__setattr__(self, "asker", tuple(map(encodable, self.asker)))
        object.__setattr__(self, "where", {encodable(key): encodable(value) for key, value in self.where.items()})


@dataclass(frozen=True, slots=True)
class Passage(Placed):
    """A chunk retrieved for a question: `rank` from 1; `score` of the fusion (higher is better); `similarity`
    the cosine between question and chunk in [-1, 1], None from a store that does not compute it. `fingerprint` is that
    of the document's revision that was retrieved. `also_in` are the sources of passages that say nearly the same and
    were left out for this one."""

    document: str
    place: Place
    text: str
    heading: str
    rank: int
    score: float
    similarity: float | None = None
    segments: tuple[Place, ...] = ()
    fingerprint: str = ""
    also_in: tuple[str, ...] = ()

    def judged(self, least: float) -> Passage:
        """Return it with the places `unsure` whose confidence is below `least`; its own, if any of its parts is."""
        segments = tuple(segment.judged(least) for segment in self.segments)
        place = self.place.judged(least)
        unsure = place.unsure or any(segment.unsure for segment in segments)
        return replace(self, place=replace(place, unsure=unsure), segments=segments)

    def place_of(self, start: int, end: int) -> Place:
        """Return the place in the document of `text[start:end]`: its page is the one on which that begins.

        Of a passage whose own place is not known, no part has one.
        """
        if not self.place.known:
            return self.place
        return located(self.start + start, self.start + end, self.segments or (self.place,))
