"""Seeing what is read of files: their text, their chunks and what is left out. Opens no store and no model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.folder import find, shown
from groundtune.knowledge.ingest import chunked
from groundtune.knowledge.reading_process import Read, reading
from groundtune.settings import KnowledgeSettings, load
from groundtune.values import Chunk, PlainText


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as ingestion would take it. `refused` says why it cannot be; there is no text then."""

    path: str
    plain: PlainText = PlainText("", "")  # noqa: RUF009 -- a frozen value
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
            "metadata": dict(self.plain.metadata),
        }


def read_files(
    paths: Iterable[str | Path], folder: str | Path = ".", flags: Mapping[str, object] | None = None
) -> Iterator[ReadFile]:
    """Yield each file as it would be ingested; of a folder, every document in it, in order of path.

    Settings come from the project in `folder` where there is one; `flags` override them.
    """
    settings = load(Path(folder), flags).settings.knowledge
    with reading(settings) as read:
        for path in map(Path, paths):
            if not path.is_dir():
                yield _read(path, settings, read)
                continue
            root = path.resolve()
            found = find(root, [root])
            for name, reason in found.failed:
                yield ReadFile(str(path / name), refused=reason)
            for name in found.files:
                yield _read(path / name, settings, read)


def _read(path: Path, settings: KnowledgeSettings, read: Read | None) -> ReadFile:
    name = shown(path)
    try:
        _, plain, chunks = chunked(name, path, settings, read)
    except UnreadableDocument as error:
        return ReadFile(name, refused=error.reason)
    return ReadFile(name, plain, tuple(chunks))
