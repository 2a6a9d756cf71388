"""Checking what an answer cites, and finding what it rests on where it cites nothing.

Pure. Every `Citation` that comes out quotes its document exactly. Knows words, not meaning: that a quote supports an
answer is made likely here and is measured by evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from groundtune.comparing import StatedNumber, common, figures, unbacked
from groundtune.sentences import comparable, sentence_spans
from groundtune.text import CITATION_MARKER, locate
from groundtune.values import Citation, Passage, Place

ATTRIBUTION_OVERLAP = 0.5
"""Share of a sentence's content words that a passage's sentence (with its heading) must have to be its source."""
ATTRIBUTION_WORDS = 2
"""Content words that the two sentences must share at least, headings apart."""
JUDGED_WORDS = 3
"""A claim with fewer content words ("Yes.") is too short to say that a cited passage has nothing to do with it."""
QUOTED_WORDS = 2
"""Fewer words in quotation marks are a name or an emphasis, not a quotation."""

_QUOTATION = re.compile(r"[\"“]([^\"“”\n]+)[\"”]")
_RANGE_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer's text without its false citations; `removed` counts those."""

    text: str
    citations: tuple[Citation, ...]
    removed: int


@dataclass(frozen=True, slots=True)
class _Marker:
    """A citation in the text, as "[1, 2]", and the part of a sentence (`claim`) that it stands for.

    `sentence` is the place of the whole sentence in the text with its citations blanked out.
    """

    start: int
    end: int
    numbers: tuple[int, ...]
    sentence: tuple[int, int]
    claim: str


def check_citations(text: str, passages: Sequence[Passage]) -> Checked:
    """Check the citations ([1], [1][2], [1, 2], [1-3]) in `text`; numbers count `passages` from 1.

    Removed from the text and counted are: a number that no passage has; a passage that does not contain what the
    sentence quotes from it; and a passage without a single content word of the sentence. A sentence that is left
    without a citation is attributed to the passage sentence that shares most of its content words, if they are
    enough, the passage has every number of it, and the passage sentence one of them.
    """
    removed = 0
    while True:  # what closes up around a removed citation may read as another one: "[[9]1]"
        text, dropped = _without_false_citations(text, passages)
        removed += dropped
        if not dropped:
            break
    return Checked(text.strip(), tuple(_unique(_citations(text, passages))), removed)


def _without_false_citations(text: str, passages: Sequence[Passage]) -> tuple[str, int]:
    pieces: list[str] = []
    position = dropped = 0
    for marker in _markers(text):
        kept = _true_numbers(marker, passages)
        dropped += len(marker.numbers) - len(kept)
        pieces.append(text[position : marker.start])
        if len(kept) == len(marker.numbers):
            pieces.append(text[marker.start : marker.end])
        elif kept:
            pieces.append(" " + "".join(f"[{number}]" for number in kept))
        elif text[marker.start].isspace() and text[marker.end : marker.end + 1].strip(".,;:!?)\n "):
            pieces.append(" ")
        position = marker.end
    return "".join([*pieces, text[position:]]), dropped


def _blanked(text: str) -> str:
    """Return `text` with its citations as blanks, so that all places stay."""
    return CITATION_MARKER.sub(lambda match: " " * len(match[0]), text)


def _markers(text: str) -> list[_Marker]:
    """Return the citations in `text`, each with what stands between it and the one before in its sentence.

    One at the start of a line stands for what follows.
    """
    bare = _blanked(text)
    spans = sentence_spans(bare)
    matches = list(CITATION_MARKER.finditer(text))
    markers = []
    for index, match in enumerate(matches):
        sentence = _sentence_of(bare, spans, match.start())
        if match.start() > sentence[0]:
            ends = [sentence[0], *(earlier.end() for earlier in matches[:index])]
            claim = next((part for end in reversed(ends) if (part := bare[end : match.start()].strip())), "")
        else:
            starts = [*(later.start() for later in matches[index:]), sentence[1]]
            claim = next((part for stop in starts if (part := bare[match.end() : min(stop, sentence[1])].strip())), "")
        markers.append(_Marker(match.start(), match.end(), tuple(_numbers_of(match[1])), sentence, claim))
    return markers


def _sentence_of(text: str, spans: Sequence[tuple[int, int]], place: int) -> tuple[int, int]:
    """Return the last sentence before `place` on its line, or else the first one after it."""
    line = text.rfind("\n", 0, place) + 1
    before = [(start, end) for start, end in spans if start < place and end > line]
    after = [(start, end) for start, end in spans if start >= place]
    return (before[-1:] or after[:1] or [(place, place)])[0]


def _numbers_of(text: str) -> Iterator[int]:
    for item in re.split(r"[,;]", text):
        first, *last = (int(number[:9]) for number in re.findall(r"\d+", item))
        yield from range(first, min(last[0], first + _RANGE_LIMIT) + 1) if last and last[0] >= first else [first, *last]


def _true_numbers(marker: _Marker, passages: Sequence[Passage]) -> list[int]:
    known = [number for number in marker.numbers if 1 <= number <= len(passages)]
    quotations = _quotations(marker.claim)
    if quotations:
        standing = {n: [_find(quote, passages[n - 1]) is not None for quote in quotations] for n in known}
        false = [index for index in range(len(quotations)) if not any(held[index] for held in standing.values())]
        return [] if false else [number for number in known if any(standing[number])]
    claim = comparable(marker.claim)
    return [n for n in known if len(claim) < JUDGED_WORDS or common(claim, comparable(_with_heading(passages[n - 1])))]


def _quotations(claim: str) -> list[str]:
    quotes = (match[1].strip().rstrip(".,;:!?…") for match in _QUOTATION.finditer(claim))
    return [quote for quote in quotes if len(quote.split()) >= QUOTED_WORDS]


def _find(quote: str, passage: Passage) -> tuple[int, int] | None:
    """Return where `quote` stands in the passage's text; a sentence's first letter may have been changed in case."""
    return locate(quote, passage.text) or locate(quote[0].swapcase() + quote[1:], passage.text)


def _with_heading(passage: Passage) -> str:
    return f"{passage.heading}\n{passage.text}"


def _citations(text: str, passages: Sequence[Passage]) -> Iterator[Citation]:
    """Yield what the model cited in a text without false citations, then what the other sentences rest on."""
    markers = _markers(text)
    for marker in markers:
        for number in marker.numbers:
            yield _cited(marker.claim, passages[number - 1])
    bare = _blanked(text)
    cited = {marker.sentence for marker in markers}
    for start, end in sentence_spans(bare):
        if (start, end) not in cited:
            yield from _attributed(bare[start:end], passages)


def _cited(claim: str, passage: Passage) -> Citation:
    """Return the quoted words or the sentence that shares most with `claim`; the whole passage if none does."""
    for quote in _quotations(claim):
        place = _find(quote, passage)
        if place:
            return _citation(passage, place, "model")
    words, said = comparable(claim), figures(claim)
    shared = {
        span: (_backed(said, own, passage), len(both))
        for span in _statements(passage.text)
        if (both := common(words, comparable(own := passage.text[span[0] : span[1]])))
    }
    best = max(shared, key=lambda span: shared[span], default=(0, len(passage.text)))
    return _citation(passage, best, "model")


def _backed(said: Sequence[StatedNumber], statement: str, passage: Passage) -> int:
    """Return how many of the numbers in `said` the statement has; its heading and passage may name their units."""
    return len(said) - len(unbacked(said, statement, units_of=_with_heading(passage)))


def _attributed(sentence: str, passages: Sequence[Passage]) -> list[Citation]:
    """Return the source of `sentence` in `passages`, the earliest of equals, or nothing."""
    claim, said = comparable(sentence), figures(sentence)
    best: tuple[tuple[int, float], Citation] | None = None
    for passage in passages:
        if unbacked(said, _with_heading(passage)):
            continue
        heading = comparable(passage.heading)
        for start, end in _statements(passage.text):
            own = comparable(passage.text[start:end])
            overlap = len(common(claim, own | heading)) / max(1, len(claim))
            enough = overlap >= ATTRIBUTION_OVERLAP and len(common(claim, own)) >= ATTRIBUTION_WORDS
            backed = _backed(said, passage.text[start:end], passage) if enough else 0
            rank = (backed, overlap)
            if enough and bool(backed) == bool(said) and (best is None or rank > best[0]):
                best = (rank, _citation(passage, (start, end), "attributed"))
    return [best[1]] if best else []


def _statements(text: str) -> list[tuple[int, int]]:
    """Return the sentences of `text` that can support something: not its headings."""
    return [span for span in sentence_spans(text) if "#" not in text[text.rfind("\n", 0, span[0]) + 1 : span[0]]]


def _citation(passage: Passage, place: tuple[int, int], origin: Literal["model", "attributed"]) -> Citation:
    start, end = place
    return Citation(
        passage.document,
        passage.place_of(start, end),
        passage.text[start:end],
        origin,
        passage.heading,
        passage.fingerprint,
    )


def _unique(citations: Iterator[Citation]) -> list[Citation]:
    """Return each place once, as it was first cited; where places are not known, each quote."""
    unique: dict[tuple[str, Place, str], Citation] = {}
    for citation in citations:
        unique.setdefault((citation.document, citation.place, citation.quote), citation)
    return list(unique.values())
