"""Passages with what stands around them in their document, so that the model reads a thought to its end.

A passage takes in rows of tables, or neighbouring chunks, nearest first, as long as all of it fits; passages that then
touch become one.
It stays an exact piece of its document, taken from the text as it was read. Knows the store and the kept texts, not
how passages are found.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from groundtune.knowledge.rows_around import with_rows
from groundtune.knowledge.splitting import HEADING_SEPARATOR, Span, split
from groundtune.protocols import KnowledgeStore, Revisions
from groundtune.settings import KnowledgeSettings
from groundtune.values import Chunk, Passage, Place, PlainText, Search, located, segments_between


@dataclass(frozen=True, slots=True)
class _Source:
    """A document as a passage was taken from it: its text, its pages, who may read it, and its chunks in order of place
    where chunks are taken in."""

    text: str
    segments: tuple[Place, ...]
    readable_by: tuple[str, ...]
    chunks: tuple[Chunk, ...] = ()


class Widening:
    """Widens passages as `[knowledge] widen` and `widen_to` say. `store` is None where a retriever holds the documents.

    A retriever has no chunks of ours: the kept text is split, without the headings that a reader found.
    """

    def __init__(self, settings: KnowledgeSettings, revisions: Revisions, store: KnowledgeStore | None) -> None:
        self._settings, self._revisions, self._store = settings, revisions, store

    def widened(self, results: list[list[Passage]], searches: Sequence[Search]) -> list[list[Passage]]:
        """Return the passages of each search, best first, each with what its asker may read around it.

        A passage stays as it is where its place, or the text that it was taken from, is not known.
        """
        if self._settings.widen == "none":
            return results
        source = cache(self._source)  # many questions of a batch find the same documents
        widened = []
        for passages, search in zip(results, searches, strict=True):
            sources = [source(each.document, each.fingerprint) if each.place.known else None for each in passages]
            widened.append(self._joined(passages, sources, search.asker))
        return widened

    def _source(self, document: str, fingerprint: str) -> _Source | None:
        revision = self._revisions.revision(document, fingerprint)
        if revision is None:
            return None
        source = _Source(revision.document.text, revision.segments, revision.document.readable_by)
        if self._settings.widen == "tables":
            return source
        if self._store is None:
            chunks = split(revision.document, PlainText(revision.document.text, ""), self._settings)
            return replace(source, chunks=tuple(chunks))
        held = self._store.document(document)
        if held is None or held.fingerprint != fingerprint:  # it has changed since it was found
            return None
        return replace(source, chunks=held.chunks)

    def _joined(
        self, passages: Sequence[Passage], sources: Sequence[_Source | None], asker: Sequence[str]
    ) -> list[Passage]:
        joined: list[Passage] = []
        for passage, source in zip(passages, sources, strict=True):
            wide = passage if source is None else self._taken(source, self._grown(passage, source, asker), passage)
            while source is not None:
                touched = next((each for each in joined if self._are_one(each, wide, source.text)), None)
                if touched is None:
                    break
                span = min(touched.start, wide.start), max(touched.end, wide.end)
                joined.remove(touched)
                wide = self._taken(source, span, _better(touched, wide))
            joined.append(wide)
        joined.sort(key=lambda passage: passage.rank)
        return [replace(passage, rank=rank) for rank, passage in enumerate(joined, start=1)]

    def _grown(self, passage: Passage, source: _Source, asker: Sequence[str]) -> Span:
        """Return the place of `passage` with the rows around it, or with chunks, one behind and one before in turn."""
        start, end = passage.start, passage.end
        if self._settings.widen == "tables":
            readable = bool(set(asker) & set(source.readable_by))
            return with_rows(source.text, (start, end), self._settings.widen_to) if readable else (start, end)
        before = bisect_left(source.chunks, start, key=lambda chunk: chunk.start)
        behind = bisect_right(source.chunks, end, key=lambda chunk: chunk.end)
        sides = [iter(source.chunks[behind:]), reversed(source.chunks[:before])]
        while sides:
            for side in tuple(sides):
                chunk = next(side, None)
                wider = (start, end) if chunk is None else (min(start, chunk.start), max(end, chunk.end))
                fits = wider[1] - wider[0] <= self._settings.widen_to
                if chunk is None or not fits or not self._belongs(chunk, passage, asker):
                    sides.remove(side)
                else:
                    start, end = wider
        return start, end

    def _belongs(self, chunk: Chunk, passage: Passage, asker: Sequence[str]) -> bool:
        within = self._settings.widen == "neighbours" or _one_section(chunk.heading, passage.heading)
        return within and bool(set(asker) & set(chunk.readable_by))

    def _are_one(self, left: Passage, right: Passage, text: str) -> bool:
        """Tell whether both are of one document and overlap, or, unless only rows are taken in, touch: nothing but
        blanks stands between them."""
        if (left.document, left.fingerprint) != (right.document, right.fingerprint) or not left.place.known:
            return False
        first, second = sorted((left, right), key=lambda passage: passage.start)
        touching = self._settings.widen != "tables" and not text[first.end : second.start].strip()
        return second.start < first.end or touching

    def _taken(self, source: _Source, span: Span, passage: Passage) -> Passage:
        """Return the text at `span` as a passage, with all else as `passage` has it."""
        start, end = span
        if span == (passage.start, passage.end):
            return passage
        within = [chunk.heading for chunk in source.chunks if start <= chunk.start and chunk.end <= end]
        return replace(
            passage,
            place=located(start, end, source.segments),
            text=source.text[start:end],
            heading=_common_heading(within) if within else passage.heading,
            segments=segments_between(start, end, source.segments),
        )


def _better(left: Passage, right: Passage) -> Passage:
    """Return the one that ranks higher, with what is known of both."""
    best = min(left, right, key=lambda passage: passage.rank)
    similarities = [each.similarity for each in (left, right) if each.similarity is not None]
    return replace(best, similarity=max(similarities, default=None), also_in=(*left.also_in, *right.also_in))


def _one_section(left: str, right: str) -> bool:
    """Tell whether one of two headings stands above, or is, the other: the header of a table counts as one."""
    above, below = sorted((left, right), key=len)
    return above == below or below.startswith(above + HEADING_SEPARATOR)


def _common_heading(headings: Sequence[str]) -> str:
    """Return the first of `headings` if the others are in its section, else the path that all have in common."""
    first = headings[0]
    if all(_one_section(first, other) for other in headings):
        return first
    paths = [heading.split(HEADING_SEPARATOR) for heading in headings]
    shortest = min(map(len, paths))
    common = next((n for n in range(shortest) if len({path[n] for path in paths}) > 1), shortest)
    return HEADING_SEPARATOR.join(paths[0][:common])
