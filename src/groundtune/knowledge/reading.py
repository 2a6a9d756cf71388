"""Seeing what is read of files: their text, their chunks and what is left out. Opens no store and no model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.files import within
from groundtune.knowledge.folder import find, shown
from groundtune.knowledge.ingest import chunked
from groundtune.knowledge.reading_process import Read, reading
from groundtune.knowledge.rules import DocumentRules
from groundtune.knowledge.sources.mirrors import Mirrored, Mirrors
from groundtune.settings import KnowledgeSettings, load
from groundtune.values import Chunk, Document, PlainText


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as ingestion would take it. `refused` says why it cannot be; there is no text then."""

    path: str
    plain: PlainText = PlainText("", "")  # noqa: RUF009 -- a frozen value
    document: Document = Document("", "", "", ())  # noqa: RUF009 -- a frozen value
    chunks: tuple[Chunk, ...] = ()
    refused: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune knowledge read --json` prints it."""
        if self.refused:
            return {"path": self.path, "refused": self.refused}
        return {
            "path": self.path,
            "title": self.plain.title,
            "text": self.plain.text,
            "chunks": [{**asdict(chunk.place), "heading": chunk.heading, "text": chunk.text} for chunk in self.chunks],
            "left_out": [asdict(each) for each in self.plain.left_out],
            "notes": list(self.plain.notes),
            "metadata": dict(self.document.metadata),
            "readable_by": list(self.document.readable_by),
        }


def read_files(
    paths: Iterable[str | Path], folder: str | Path = ".", flags: Mapping[str, object] | None = None
) -> Iterator[ReadFile]:
    """Yield each file as it would be ingested; of a folder, every document in it, in order of path.

    A path may be the address of a document of a source: its copy is read. Settings come from the project in `folder`
    where there is one; `flags` override them. Rules are those of the project's documents folder for what is in it, else
    those of the folder that is read.
    """
    all_settings = load(Path(folder), flags).settings
    settings = all_settings.knowledge
    documents = within(Path(folder), settings.documents).resolve()
    mirrored = Mirrors(settings, Path(folder)).mirrored()
    with reading(settings, media=all_settings.embedding.media) as read:
        for given in paths:
            if "://" in str(given):
                yield _mirrored(str(given), settings, read, mirrored)
                continue
            path = Path(given)
            whole = path.resolve()
            folder_read = whole if path.is_dir() else whole.parent
            root = documents if whole.is_relative_to(documents) else folder_read
            there = find(root, [whole] if whole.exists() else [])
            rules = DocumentRules(there.rules, settings.readable_by)
            before = "" if folder_read == root else f"{folder_read.relative_to(root).as_posix()}/"
            if not path.is_dir():
                yield _read(path, f"{before}{whole.name}", settings, read, rules)
                continue
            for name, reason in there.failed:
                yield ReadFile(str(path / name.removeprefix(before)), refused=reason)
            for name in there.files:
                yield _read(path / name.removeprefix(before), name, settings, read, rules)


def _mirrored(address: str, settings: KnowledgeSettings, read: Read | None, sources: Sequence[Mirrored]) -> ReadFile:
    for each in sources:
        if address in each.copies.files:
            made = _read(Path(each.copies.files[address]), address, settings, read, each.rules)
            return replace(made, path=address)
    return ReadFile(address, refused="no source has a copy of it here. Run `groundtune ingest`, or check the address.")


def _read(path: Path, id_: str, settings: KnowledgeSettings, read: Read | None, rules: DocumentRules) -> ReadFile:
    try:
        document, plain, chunks = chunked(shown(path), path, settings, read, rules.of(id_))
    except UnreadableDocument as error:
        return ReadFile(shown(path), refused=error.reason)
    judged = (replace(chunk, place=chunk.place.judged(settings.least_confidence)) for chunk in chunks)
    return ReadFile(shown(path), plain, document, tuple(judged))
