"""Bringing a store up to date with a folder: add, change, remove, and leave alone what is as it was.

Works in batches of documents. An interrupted run loses at most one batch; rerun to resume.
Knows no file format, no model and no store by name.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundtune.errors import InputError, UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.embedding import embedded_text
from groundtune.knowledge.splitting import split
from groundtune.protocols import Embedder, Entry, KnowledgeStore, Progress, fingerprint, silent
from groundtune.settings import KnowledgeSettings
from groundtune.values import Chunk, Document

BATCH = 64  # documents in one commit of the store

_Split = tuple[Document, list[Chunk]]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion did. `failed` holds (document, reason); `chunks` is how many were written."""

    added: int
    changed: int
    unchanged: int
    removed: int
    failed: tuple[tuple[str, str], ...]
    chunks: int
    seconds: float
    revision: str

    def as_json(self) -> dict[str, object]:
        """Return the report as `groundtune ingest --json` prints it."""
        return {
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "failed": [{"document": document, "reason": reason} for document, reason in self.failed],
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
            "revision": self.revision,
        }


def ingest(
    folder: Path,
    store: KnowledgeStore,
    embedder: Embedder,
    settings: KnowledgeSettings,
    paths: Sequence[Path] | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Make `store` hold the documents of `folder`, or only those below `paths` (files or folders in it).

    A document that cannot be read is reported, and the store keeps what it had of it. Documents that are no
    longer in the folder are removed, unless `paths` are given.
    Raises `InputError` if the folder or a path is missing or a path is outside of the folder.
    """
    began = time.perf_counter()
    root = _existing(folder)
    scope = _scope(root, paths)
    files = _files(root, scope)
    held = store.documents()
    gone = [id_ for id_ in held if id_ not in files] if paths is None else []
    store.remove(gone)
    counts = {"added": 0, "changed": 0, "unchanged": 0}
    failed: list[tuple[str, str]] = []
    written = 0
    for batch in _batches(_documents(files, settings, failed, progress), held, counts):
        store.replace(_embedded(batch, embedder))
        written += sum(len(chunks) for _, chunks in batch)
    if written or gone:
        store.optimize()
    return IngestReport(
        **counts,
        removed=len(gone),
        failed=tuple(failed),
        chunks=written,
        seconds=time.perf_counter() - began,
        revision=store.revision(),
    )


def texts(folder: Path) -> dict[str, str]:
    """Return the plain text of every document in `folder` that can be read, by id."""
    root = _existing(folder)
    texts_by_id = {}
    for id_, path in _files(root, [root]).items():
        try:
            texts_by_id[id_] = readers.read(path).text
        except UnreadableDocument:
            continue
    return texts_by_id


def passages(folder: Path, settings: KnowledgeSettings) -> list[Chunk]:
    """Return the chunks of every document in `folder` that can be read, without any store."""
    root = _existing(folder)
    return [chunk for _, chunks in _documents(_files(root, [root]), settings, [], silent) for chunk in chunks]


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(
            "the documents folder does not exist.", place=folder, remedy="Create it, or set [knowledge] documents."
        )
    return folder.resolve()


def _scope(root: Path, paths: Sequence[Path] | None) -> list[Path]:
    """Return what is to be brought up to date, as absolute paths. Relative paths start at the current folder."""
    if paths is None:
        return [root]
    scope = []
    for path in paths:
        absolute = path.resolve()
        if not absolute.exists():
            raise InputError("no such file or folder.", place=path, remedy="Check the path.")
        if not absolute.is_relative_to(root):
            raise InputError(
                f"is outside the documents folder {root}.", place=path, remedy="Copy it into the folder first."
            )
        scope.append(absolute)
    return scope


def _files(root: Path, scope: Sequence[Path]) -> dict[str, Path]:
    """Return the files by document id, sorted; none that is hidden, and no link that leads out of the folder."""
    files = {}
    for part in scope:
        for path in [part] if part.is_file() else part.rglob("*"):
            inside = path.relative_to(root)
            hidden = any(name.startswith((".", "~$")) for name in inside.parts)
            if path.is_file() and not hidden and path.resolve().is_relative_to(root):
                files[inside.as_posix()] = path
    return dict(sorted(files.items()))


def _documents(
    files: dict[str, Path], settings: KnowledgeSettings, failed: list[tuple[str, str]], progress: Progress
) -> Iterator[_Split]:
    """Yield each file's document with its chunks; what cannot be read is put into `failed`."""
    for number, (id_, path) in enumerate(files.items()):
        progress("ingest", number, len(files))
        try:
            plain = readers.read(path)
        except UnreadableDocument as error:
            failed.append((id_, f"{error.message} {error.remedy}".strip()))
            continue
        document = Document(id_, plain.text, plain.title, tuple(settings.readable_by), plain.metadata)
        yield document, split(document, plain.headings, settings, plain.segments)
    progress("ingest", len(files), len(files))


def _batches(documents: Iterator[_Split], held: dict[str, str], counts: dict[str, int]) -> Iterator[list[_Split]]:
    """Yield what is new or changed, up to `BATCH` documents at a time, and count."""
    batch: list[_Split] = []
    for document, chunks in documents:
        before = held.get(document.id)
        if before == fingerprint(document, chunks):
            counts["unchanged"] += 1
            continue
        counts["added" if before is None else "changed"] += 1
        batch.append((document, chunks))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _embedded(batch: list[_Split], embedder: Embedder) -> list[Entry]:
    """Embed the chunks of all documents together: an embedder sorts them by length, so few pad others."""
    vectors = embedder.embed([embedded_text(chunk) for _, chunks in batch for chunk in chunks], "document")
    entries, start = [], 0
    for document, chunks in batch:
        entries.append(Entry(document, chunks, vectors[start : start + len(chunks)]))
        start += len(chunks)
    return entries
