"""Bringing a store up to date with a folder: add, change, remove, and leave alone what is as it was.

Works in batches of documents. An interrupted run loses at most one batch; rerun to resume. Files that did not change
since they were last read are not read again (`seen.py`).
Knows no file format, no model and no store by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import cast

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.embedding import embedded_text
from groundtune.knowledge.file_keys import FileKeys
from groundtune.knowledge.folder import existing, find, scope
from groundtune.knowledge.reading_process import Read
from groundtune.knowledge.recognition import using
from groundtune.knowledge.retriever import NotIndexed, Retriever
from groundtune.knowledge.rules import DocumentRule, DocumentRules, narrowed
from groundtune.knowledge.seen import Contents, FileState, Seen, SeenFiles
from groundtune.knowledge.sources.mirror import SourceReport
from groundtune.knowledge.sources.mirrors import Mirrored, with_sources
from groundtune.knowledge.spaces import SpaceReport
from groundtune.knowledge.splitting import split
from groundtune.protocols import (
    Embedder,
    Entry,
    KnowledgeStore,
    LimitedEmbedder,
    Progress,
    Revisions,
    fingerprint,
    read_by_this_version,
    silent,
)
from groundtune.settings import KnowledgeSettings
from groundtune.values import Chunk, Document, MediaKind, PlainText, Revision

BATCH = 64  # documents in one commit of the store, if together they have fewer than
BATCH_CHARACTERS, BATCH_SECONDS = 4_000_000, 60.0


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion did. `failed` holds (document, reason); `chunks` is how many were written.

    `reread` of the `changed` documents were in the store as an earlier groundtune had read them. `ignored` holds
    (path, reason) of what is no document. `contents` has every document that was read, unchanged ones too.
    `cut_by_embedder` of the written chunks are longer than the embedder reads; None if it cannot tell. `spaces` says
    what became of those of pictures and recordings.
    """

    added: int
    changed: int
    unchanged: int
    removed: int
    failed: tuple[tuple[str, str], ...]
    chunks: int
    seconds: float
    revision: str
    reread: int = 0
    ignored: tuple[tuple[str, str], ...] = ()
    contents: tuple[Contents, ...] = ()
    cut_by_embedder: int | None = None
    sources: tuple[SourceReport, ...] = ()
    spaces: tuple[SpaceReport, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether any document was not read, or not embedded as the picture or recording that it is."""
        return bool(self.failed) or any(space.failed for space in self.spaces)

    def as_json(self) -> dict[str, object]:
        """Return the report as `groundtune ingest --json` prints it."""
        return {
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "reread": self.reread,
            "failed": [{"document": document, "reason": reason} for document, reason in self.failed],
            "ignored": [{"path": path, "reason": reason} for path, reason in self.ignored],
            "chunks": self.chunks,
            "cut_by_embedder": self.cut_by_embedder,
            "seconds": round(self.seconds, 3),
            "revision": self.revision,
            "documents": [contents.as_json() for contents in self.contents],
            "sources": [asdict(source) for source in self.sources],
            "spaces": {space.kind: space.as_json() for space in self.spaces},
        }


@dataclass(slots=True)
class _Tally:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    reread: int = 0
    contents: list[Contents] = field(default_factory=list)
    written: int = 0
    cut: int | None = 0


@dataclass(frozen=True)
class _Read:
    document: Document
    plain: PlainText
    chunks: list[Chunk]
    state: FileState | None = None  # None where the file changed while it was read
    key: str = ""
    kinds: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.document, self.chunks)

    @property
    def revision(self) -> Revision:
        return Revision(self.document, self.fingerprint, self.plain.segments)

    @property
    def contents(self) -> Contents:
        return Contents(self.document.id, len(self.chunks), self.plain.left_out, self.plain.notes)


@dataclass(frozen=True, slots=True)
class Manner:
    """How an ingestion goes: who is told of its `progress`, what was `seen` of the files, how a file is `read`, and who
    keeps the texts as `revisions`. Files of the kinds of `media` need no words to be documents."""

    progress: Progress = silent
    seen: SeenFiles = field(default_factory=SeenFiles)
    read: Read | None = None
    revisions: Revisions | None = None
    media: Sequence[MediaKind] = ()


def ingest(
    folder: Path,
    store: KnowledgeStore | Retriever,
    embedder: Embedder | None,
    settings: KnowledgeSettings,
    paths: Sequence[Path] | None = None,
    manner: Manner | None = None,
    sources: Sequence[Mirrored] = (),
) -> IngestReport:
    """Make `store` hold the documents of `folder`, or only those below `paths` (files or folders in it), and `sources`.

    A store gets chunks, with the vectors of `embedder`; a retriever gets the documents, and no chunks are counted. A
    document that cannot be read, or that a retriever does not take, is reported, and what was held of it stays.
    Documents that are no longer in the folder are removed, unless `paths` are given or a folder in which they may be
    cannot be listed. Files that are as they were seen are not read.

    Raises `InputError` if the folder or a path is missing or a path is outside of the folder.
    """
    began = time.perf_counter()
    root = existing(folder)
    found = find(root, scope(root, paths))
    rules = with_sources(found, settings.readable_by, sources)
    held = store.documents()
    gone = [id_ for id_ in held if not found.may_hold(id_)] if paths is None else []
    store.remove(gone)
    tally = _Tally()
    failed = found.failed
    manner = manner or Manner()
    manner.seen.forget(gone)
    lacking = manner.revisions.lacking(held) if manner.revisions is not None else frozenset[str]()
    try:
        kept = {id_: held[id_] for id_ in held.keys() - lacking}
        keys = FileKeys(rules, settings, manner.media)
        changed = _changed(found.files, manner.seen, kept, keys, tally)
        documents = _documents(changed, settings, keys, failed, len(found.files), manner)
        for batch in _batches(documents):
            failed += _take(batch, _writer(store, embedder, tally), held, tally, manner)
    finally:
        manner.seen.save()
    if (tally.written or gone) and isinstance(store, KnowledgeStore):
        store.optimize()
    if manner.revisions is not None:
        manner.revisions.settle(store.documents() if tally.added or tally.changed or gone else held)
    return IngestReport(
        added=tally.added,
        changed=tally.changed,
        unchanged=tally.unchanged,
        reread=tally.reread,
        removed=len(gone),
        failed=tuple(failed),
        ignored=tuple(found.ignored),
        contents=tuple(sorted(tally.contents, key=lambda contents: contents.document)),
        chunks=tally.written,
        cut_by_embedder=tally.cut,
        sources=tuple(each.report for each in sources if each.report is not None),
        seconds=time.perf_counter() - began,
        revision=store.revision(),
    )


def chunked(
    id_: str, path: Path, settings: KnowledgeSettings, read: Read | None = None, rule: DocumentRule | None = None
) -> tuple[Document, PlainText, list[Chunk]]:
    """Read one file, here or as `read` does, and split it. `rule` is what holds for it from outside, the settings if
    None. Opens no store and no model. Raises `UnreadableDocument`.
    """
    document, plain = _described(id_, (read or readers.read)(path), rule or DocumentRule(tuple(settings.readable_by)))
    return document, plain, split(document, plain, settings)


def _described(id_: str, plain: PlainText, rule: DocumentRule) -> tuple[Document, PlainText]:
    """Return the document with what holds for it, and its text with the title and the notes that this gives."""
    holds, notes = narrowed(rule, plain)
    plain = replace(plain, title=rule.metadata.get("title", plain.title), notes=(*plain.notes, *notes))
    return Document(id_, plain.text, plain.title, holds.readable_by, holds.metadata), plain


def documents(
    folder: Path,
    settings: KnowledgeSettings,
    sources: Sequence[Mirrored] = (),
    seen: SeenFiles | None = None,
    revisions: Revisions | None = None,
    media: Sequence[MediaKind] = (),
) -> dict[str, Document]:
    """Return every document in `folder` and `sources` that can be read, by id, without any store.

    Those that have to be recognised, which takes long, come from `revisions` if they are as they were `seen`.
    """
    files, rules = _files(folder, settings, sources)
    keys = FileKeys(rules, settings, media)
    held = {} if revisions is None else revisions.live()
    made = {}
    with using(keys.recognition):
        for id_, path in files.items():
            if seen is not None and revisions is not None and keys.kinds(Path(path)) and id_ in held:
                same = seen.unchanged(id_, path, held[id_], partial(keys.of, id_))
                revision = revisions.revision(id_, held[id_]) if same else None
                if revision is not None:
                    made[id_] = revision.document
                    continue
            with suppress(UnreadableDocument):
                made[id_] = _described(id_, readers.read(Path(path)), rules.of(id_))[0]
    return made


def passages(
    folder: Path, settings: KnowledgeSettings, sources: Sequence[Mirrored] = (), media: Sequence[MediaKind] = ()
) -> list[Chunk]:
    """Return the chunks of every document in `folder` and `sources` that can be read, without any store."""
    files, rules = _files(folder, settings, sources)
    keys = FileKeys(rules, settings, media)
    with using(keys.recognition):
        read = _documents(files.items(), settings, keys, [], len(files), Manner())
        return [chunk for each in read for chunk in each.chunks]


def _files(
    folder: Path, settings: KnowledgeSettings, sources: Sequence[Mirrored]
) -> tuple[Mapping[str, str], DocumentRules]:
    root = existing(folder)
    there = find(root, [root])
    rules = with_sources(there, settings.readable_by, sources)
    return there.files, rules


def _changed(
    files: Mapping[str, str], seen: SeenFiles, held: Mapping[str, str], keys: FileKeys, tally: _Tally
) -> Iterator[tuple[str, str]]:
    """Yield the files that have to be read, and count the others."""
    for id_, path in files.items():
        contents = seen.unchanged(id_, path, held.get(id_), partial(keys.of, id_))
        if contents is None:
            yield id_, path
        else:
            tally.unchanged += 1
            tally.contents.append(contents)


def _documents(
    files: Iterable[tuple[str, str]],
    settings: KnowledgeSettings,
    keys: FileKeys,
    failed: list[tuple[str, str]],
    total: int,
    manner: Manner,
) -> Iterator[_Read]:
    """Yield each file's document with its chunks; what cannot be read is put into `failed`."""
    for number, (id_, file) in enumerate(files):
        manner.progress("ingest", number, total)
        path = Path(file)
        try:
            state = manner.seen.look(path)
            read = chunked(id_, path, settings, manner.read, keys.rules.of(id_))
            if state is not None and state.unmoved(path):
                kinds = keys.kinds(path)
                yield _Read(*read, state, keys.of(id_, kinds), kinds)
            else:
                yield _Read(*read)
        except UnreadableDocument as error:
            failed.append((id_, error.reason))
    manner.progress("ingest", total, total)


def _batches(documents: Iterable[_Read]) -> Iterator[list[_Read]]:
    """Yield the documents, up to `BATCH` at a time, fewer where they are long or take long: a batch is held in memory,
    and an interruption loses it."""
    batch: list[_Read] = []
    began = time.monotonic()
    for read in documents:
        batch.append(read)
        long = sum(len(each.plain.text) for each in batch) >= BATCH_CHARACTERS
        if len(batch) == BATCH or long or time.monotonic() - began >= BATCH_SECONDS:
            yield batch
            batch, began = [], time.monotonic()
    if batch:
        yield batch


Write = Callable[[list[_Read]], Mapping[str, str]]
"""Puts documents into a store; returns why some were not taken, by id."""


def _writer(store: KnowledgeStore | Retriever, embedder: Embedder | None, tally: _Tally) -> Write:
    def into_store(batch: list[_Read]) -> Mapping[str, str]:
        cast("KnowledgeStore", store).replace(_embedded(batch, cast("Embedder", embedder), tally))
        return {}

    def into_retriever(batch: list[_Read]) -> Mapping[str, str]:
        try:
            cast("Retriever", store).replace([read.revision for read in batch])
        except NotIndexed as error:
            return dict(error.failed)
        return {}

    return into_store if isinstance(store, KnowledgeStore) else into_retriever


def _take(
    batch: list[_Read], write: Write, held: dict[str, str], tally: _Tally, manner: Manner
) -> list[tuple[str, str]]:
    """Have the texts kept and what is new or changed written, and count. Return what was not taken, with the reason."""
    if manner.revisions is not None:
        manner.revisions.keep([read.revision for read in batch])
    changed = [read for read in batch if held.get(read.document.id) != read.fingerprint]
    failed = write(changed) if changed else {}
    for read in batch:
        before = held.get(read.document.id)
        tally.contents.append(read.contents)
        if read.document.id in failed:
            continue
        if before == read.fingerprint:
            tally.unchanged += 1
        elif before is None:
            tally.added += 1
        else:
            tally.changed += 1
            tally.reread += not read_by_this_version(before)
        if read.state is not None:
            manner.seen.keep(Seen(read.state, read.fingerprint, read.contents, read.key, read.kinds))
    return list(failed.items())


def _embedded(batch: list[_Read], embedder: Embedder, tally: _Tally) -> list[Entry]:
    """Embed the chunks of all documents together: an embedder sorts them by length, so few pad others. Count them."""
    texts = [embedded_text(chunk) for read in batch for chunk in read.chunks]
    vectors = embedder.embed(texts, "document")
    entries, start = [], 0
    for read in batch:
        entries.append(Entry.of(read.document, read.chunks, vectors[start : start + len(read.chunks)]))
        start += len(read.chunks)
    cut = embedder.cut(texts) if isinstance(embedder, LimitedEmbedder) else None
    tally.cut = None if cut is None or tally.cut is None else tally.cut + cut
    tally.written += len(texts)
    return entries
