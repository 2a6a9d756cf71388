"""Files within messages: those that a reader of the project knows are read, others are counted with the reason.

Knows nothing of bodies. Each file is written into a folder of its own for as long as it is read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.readers._builder import TextBuilder

_MOST, _LARGEST, _LARGEST_SUM = 1000, 50 * 2**20, 500 * 2**20  # files of a document, bytes of one and of all
_MAIL = (".eml", ".emlx", ".mbox", ".mht", ".mhtml")  # never read from here: messages nest
_OFFICE = "application/vnd.openxmlformats-officedocument."
_SUFFIXES = {
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/xhtml+xml": ".xhtml",
    f"{_OFFICE}wordprocessingml.document": ".docx",
    f"{_OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}presentationml.presentation": ".pptx",
    "application/x-subrip": ".srt",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
    "text/vtt": ".vtt",
}


class AttachedFiles:
    """Reads files into a builder and remembers what is left out."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._known = readers.readers()
        self._seen: set[bytes] = set()
        self._count = self._bytes = 0
        self._refused: Counter[tuple[str, str]] = Counter()
        self.notes: list[str] = []

    def read(self, name: str, kind: str, data: bytes, level: int) -> None:
        """Read a file called `name` of the type `kind` below a heading of `level`; an equal file was read before."""
        suffix = self._suffix(name, kind)
        what = name or "Attachment"
        if not suffix:
            self.refuse(Path(name).suffix.lower() or kind, "no reader for this kind of file")
        elif not data.strip():
            self.refuse(what, "it is empty")
        elif self.is_repeated(data):
            self._builder.left_out.add("repeated text", detail="a file that is attached several times")
        elif len(data) > _LARGEST or self._count >= _MOST or self._bytes + len(data) > _LARGEST_SUM:
            self.refuse(
                suffix, f"more than {_MOST:,} files, {_LARGEST >> 20} MB in one or {_LARGEST_SUM >> 20} MB in all"
            )
        else:
            self._count, self._bytes = self._count + 1, self._bytes + len(data)
            self._read(what, suffix, data, level)

    def is_repeated(self, data: bytes) -> bool:
        """Tell whether an equal file was here before."""
        digest = hashlib.sha256(data).digest()
        repeated = digest in self._seen
        self._seen.add(digest)
        return repeated

    def refuse(self, what: str, why: str) -> None:
        """Count a file that is left out, by its kind or name and the reason."""
        self._refused[what, why] += 1

    def tell(self) -> None:
        """Put what was refused into what the builder leaves out."""
        for (what, why), count in sorted(self._refused.items()):
            self._builder.left_out.add("attachment", count, f"{count} × {what}: {why}")
        self._refused.clear()

    def _suffix(self, name: str, kind: str) -> str:
        """Return the suffix of the reader for a file, "" if there is none."""
        named, typed = Path(name).suffix.lower(), _SUFFIXES.get(kind, "")
        return next((each for each in (named, typed) if each in self._known and each not in _MAIL), "")

    def _read(self, name: str, suffix: str, data: bytes, level: int) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"attachment{suffix}"
            path.write_bytes(data)
            try:
                plain = readers.read(path)
            except UnreadableDocument as error:
                self.refuse(name, error.message)
                return
        self._builder.heading(name, level)
        self._builder.include(plain, level)
        self._builder.left_out.of_part(name, plain.left_out)
        self.notes += [f"{name}: {note}" for note in plain.notes]
