"""Spaces of pictures and of recordings: indexes beside that of the text, filled after it and asked together with it.

A space holds one vector for each file of its kind that the text index holds, with the first chunk of its document. The
text index has the last word: what a space finds counts only if the text index holds the document with the same
fingerprint, so that a space which is behind, as after a crash, shows nothing that is gone or that the asker may no
longer read. Knows no store and no model by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from groundtune.errors import InputError, UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.fusion import reciprocal_rank_fusion
from groundtune.knowledge.media import MediaEmbedder
from groundtune.protocols import Entry, KnowledgeStore, Progress, Vectors, silent
from groundtune.values import MediaKind, Passage, Query, Search, digest

BATCH = 32  # files that are embedded at once and written in one commit
STANDS_OUT = 4.0
"""Standard deviations by which a file must be nearer to a question than neutral questions are.

Not tuned: if nearness were normally distributed, one of a thousand files would stand out by chance for 3 questions in
100. What it costs and keeps out was measured with a small model only: docs/decisions/0021-spaces.md.
"""
NEUTRAL = (
    "What are the opening hours?",
    "How do I cancel my contract?",
    "How much does it cost a month?",
    "Who is responsible for complaints?",
    "When is the next payment due?",
    "Is there a discount for students?",
    "How long does delivery take?",
    "Where can I change my address?",
    "What does the warranty cover?",
    "Why was my request refused?",
    "Which documents do I need?",
    "Can I get my money back?",
    "What has changed since last year?",
    "How many employees are there?",
    "Which rules hold for overtime?",
    "What happens if I am late?",
    "Wie kann ich mein Passwort ändern?",
    "Was kostet der Versand?",
    "Comment puis-je résilier mon abonnement ?",
    "¿Cuánto tarda el envío?",
)
"""Questions that no picture answers."""
_MARK = "+"  # between the fingerprint of a document and the hash of its file


class Space:
    """The space of one kind of files: their encoder, and the index that holds its vectors."""

    def __init__(self, kind: MediaKind, encoder: MediaEmbedder, store: KnowledgeStore) -> None:
        self.kind, self.encoder, self.store = kind, encoder, store
        self._least: dict[tuple[str, str], float] = {}  # similarity that stands out, by document and fingerprint

    @property
    def signature(self) -> str:
        """All that can change what is found in it."""
        rule = f"{STANDS_OUT:g}|{digest(*NEUTRAL)[:8]}"
        return f"{self.kind}|{self.encoder.signature}|{rule}|revision:{self.store.revision()}"

    @cached_property
    def _neutral(self) -> Vectors:
        """Where neutral questions are, (n, dimension)."""
        return self.encoder.embed(NEUTRAL, "query")

    def standing_out(self, hits: Sequence[Passage]) -> list[Passage]:
        """Return the hits that are much nearer to their question than neutral questions are: some file is always
        nearest. How near those are to a file is computed once."""
        unknown = [hit.document for hit in hits if (hit.document, hit.fingerprint) not in self._least]
        for entry in self.store.entries(unknown):
            usual = self._neutral @ entry.vectors[0]
            least = np.mean(usual) + STANDS_OUT * np.std(usual, ddof=1)
            self._least[entry.document, entry.fingerprint] = float(least)
        return [hit for hit in hits if (hit.similarity or 0.0) > self._least.get((hit.document, hit.fingerprint), 1.0)]


@dataclass(frozen=True, slots=True)
class SpaceReport:
    """What became of a space: files that were embedded now, that were embedded already, and that are gone; `failed`
    holds (document, reason) of those that are found by their words alone."""

    kind: MediaKind
    embedded: int
    unchanged: int
    removed: int
    failed: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune ingest --json` prints it."""
        return {
            "embedded": self.embedded,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "failed": [{"document": document, "reason": reason} for document, reason in self.failed],
        }


def fill(
    space: Space,
    texts: KnowledgeStore,
    file_of: Callable[[str], Path],
    hash_of: Callable[[str, Path], str],
    progress: Progress = silent,
) -> SpaceReport:
    """Make a space hold the files of its kind whose documents `texts` holds, as they are now, and no others.

    `file_of` returns where a document's file is, and `hash_of` its hash. An interrupted run loses at most one
    batch; rerun to resume.
    """
    suffixes = readers.suffixes_of(space.kind)
    documents = texts.documents()
    files = {id_: file_of(id_) for id_ in documents}
    held = {id_: mark for id_, mark in documents.items() if files[id_].suffix.lower() in suffixes}
    there = space.store.documents()
    gone = sorted(there.keys() - held.keys())
    space.store.remove(gone)
    failed: list[tuple[str, str]] = []
    wanted = _wanted(held, files, hash_of, failed)
    changed = [id_ for id_, mark in wanted.items() if there.get(id_) != mark]
    stage, embedded = f"embed {space.kind}s", 0
    for start in range(0, len(changed), BATCH):
        progress(stage, start, len(changed))
        vectors = _embedded(space.encoder, {id_: files[id_] for id_ in changed[start : start + BATCH]}, failed)
        entries = [_entry(texts, id_, wanted[id_], vector) for id_, vector in vectors.items()]
        space.store.replace([entry for entry in entries if entry is not None])
        embedded += len(vectors)
    if changed:
        progress(stage, len(changed), len(changed))
    space.store.remove([document for document, _ in failed])
    if changed or gone:
        space.store.optimize()
    return SpaceReport(space.kind, embedded, len(wanted) - len(changed), len(gone), tuple(failed))


def _wanted(
    held: Mapping[str, str],
    files: Mapping[str, Path],
    hash_of: Callable[[str, Path], str],
    failed: list[tuple[str, str]],
) -> dict[str, str]:
    """Return the fingerprint of each document with the hash of its file: a picture changes without its words."""
    wanted = {}
    for id_, mark in held.items():
        try:
            wanted[id_] = f"{mark}{_MARK}{hash_of(id_, files[id_])[:16]}"
        except OSError as error:
            failed.append((id_, f"cannot be read: {error.strerror or error}."))
    return wanted


def _embedded(encoder: MediaEmbedder, files: Mapping[str, Path], failed: list[tuple[str, str]]) -> dict[str, Vectors]:
    """Return the vectors of files by document; those that cannot be read are put into `failed`."""
    try:
        return dict(zip(files, encoder.embed_files(list(files.values())), strict=True))
    except UnreadableDocument as error:
        if len(files) == 1:
            failed.extend((id_, error.reason) for id_ in files)
            return {}
    alone = (_embedded(encoder, {id_: file}, failed) for id_, file in files.items())
    return {id_: vector for each in alone for id_, vector in each.items()}


def _entry(texts: KnowledgeStore, document: str, mark: str, vector: Vectors) -> Entry | None:
    """Return a document as a space holds it: with its first chunk, as a recording of an hour has too long a text."""
    held = texts.document(document)
    return None if held is None else Entry(document, mark, held.chunks[:1], vector[None])


def join(
    texts: KnowledgeStore,
    spaces: Sequence[Space],
    searches: Sequence[Search],
    results: Sequence[list[Passage]],
    limit: int,
) -> list[list[Passage]]:
    """Return `results`, what the text index gave for each search, fused by rank with what the spaces give.

    A search with a file asks the space of its kind with the file; another one asks each space that places texts.
    Raises `UnreadableDocument` for a file that is damaged.
    """
    rankings: list[list[list[Passage]]] = [[] for _ in searches]
    for space in spaces:
        for place, vector in _questions(space, searches).items():
            rankings[place].append(_hits(space, texts, searches[place], vector, limit))
    return [
        _fused(own, [hits for hits in others if hits], limit) for own, others in zip(results, rankings, strict=True)
    ]


def kind_of(file: Path) -> MediaKind:
    """Return which space a file belongs to. Raises `InputError` if it is neither a picture nor a recording."""
    kinds: tuple[MediaKind, ...] = ("image", "sound")
    known = {kind: readers.suffixes_of(kind) for kind in kinds}
    for kind, suffixes in known.items():
        if file.suffix.lower() in suffixes:
            return kind
    raise InputError(
        "is neither a picture nor a recording.",
        place=file,
        remedy=f"Name a file that ends in one of {', '.join(sorted(frozenset().union(*known.values())))}.",
    )


def _questions(space: Space, searches: Sequence[Search]) -> dict[int, Vectors]:
    """Return the vectors of what a space is asked, by place in `searches`."""
    asked = {place: search.file for place, search in enumerate(searches) if search.file is not None}
    files = {place: file for place, file in asked.items() if kind_of(file) == space.kind}
    texts = {place: search.text for place, search in enumerate(searches) if search.file is None}
    vectors = dict(zip(files, space.encoder.embed_files(list(files.values())), strict=True)) if files else {}
    if texts and not space.store.is_empty() and space.encoder.places_texts:
        vectors |= dict(zip(texts, space.encoder.embed(list(texts.values()), "query"), strict=True))
    return vectors


def _hits(space: Space, texts: KnowledgeStore, search: Search, vector: Vectors, limit: int) -> list[Passage]:
    """Return what is nearest in a space, as the text index holds it: what it holds otherwise by now is left out."""
    near = tuple(map(float, vector))
    query = Query("", near, limit, search.asker, search.where, limit, without=search.without)
    hits = space.store.search(query)
    if search.file is None:
        hits = space.standing_out(hits)
    current = []
    for hit in hits:
        fingerprint, held = hit.fingerprint.partition(_MARK)[0], texts.document(hit.document)
        if held is not None and held.fingerprint == fingerprint:
            current.append(replace(hit, fingerprint=fingerprint))
    return current


def _fused(texts: list[Passage], others: Sequence[Sequence[Passage]], limit: int) -> list[Passage]:
    """Return one ranking. A file that the text found, too, is the passage with its words that stands highest.

    Similarities of several spaces cannot be compared: of a hit in another space none is told beside the text's.
    """
    if not others:
        return texts
    first: dict[str, Passage] = {}
    for passage in texts:
        first.setdefault(passage.document, passage)
    if texts:
        others = [[replace(hit, similarity=None) for hit in hits] for hits in others]
    merged = [[first.get(hit.document, hit) for hit in hits] for hits in others]
    by_key = {_key(passage): passage for ranking in (*merged, texts) for passage in ranking}
    fused = reciprocal_rank_fusion([[_key(passage) for passage in ranking] for ranking in (texts, *merged)])
    return [replace(by_key[key], rank=rank, score=score) for rank, (key, score) in enumerate(fused[:limit], start=1)]


def _key(passage: Passage) -> str:
    return f"{passage.document}\n{passage.start}\n{passage.end}\n{passage.heading}"
