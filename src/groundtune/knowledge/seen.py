"""What ingestion saw of each file the last time, so that a file that did not change is not read again.

A file is taken for unchanged if its size and time of change are what they were, or else if its content has the same
hash; and only if the store still holds what was read of it. A time that is too close to the look is not trusted: the
file may have been changed once more within the same tick of the clock. Knows no store and no format.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from groundtune.files import settled, sha256_of, write_text
from groundtune.protocols import read_by_this_version
from groundtune.settings import KnowledgeSettings
from groundtune.values import READING, LeftOut, digest

FileKey = Callable[[Sequence[str]], str]
"""Gives the key of a file that may need these kinds of recognition."""


def no_key(kinds: Sequence[str]) -> str:
    """Return "": nothing besides the file decides how it is read."""
    return ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What one file gave: its chunks, what of it was left out, and what to know of how it was read."""

    document: str
    chunks: int
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune ingest --json` prints it."""
        return {
            "document": self.document,
            "chunks": self.chunks,
            "left_out": [asdict(each) for each in self.left_out],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was: bytes, time of change and of the look in nanoseconds, and the hash of its content."""

    size: int
    changed: int
    looked: int
    hash: str

    @classmethod
    def at(cls, path: Path) -> FileState:
        """Look at a file, all of it. Raises `OSError`."""
        looked = time.time_ns()
        status = path.stat()
        return cls(status.st_size, status.st_mtime_ns, looked, sha256_of(path))

    def unmoved(self, path: str | Path) -> bool:
        """Tell whether a file has this size and time of change."""
        try:
            status = os.stat(path)  # noqa: PTH116 -- a `Path` takes longer to make than this
        except OSError:
            return False
        return (self.size, self.changed) == (status.st_size, status.st_mtime_ns)

    def still(self, path: str | Path) -> bool:
        """Tell whether a file is surely the same, without reading it."""
        return self.unmoved(path) and settled(self.changed, self.looked)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was read: the fingerprint under which the store holds it, what it gave, and the key of what else
    decided that: its rule, and what recognises the `kinds` that its reader may need."""

    state: FileState
    fingerprint: str
    contents: Contents
    key: str = ""
    kinds: tuple[str, ...] = ()


class SeenFiles:
    """What was seen, kept in the file `path`; without one nothing is kept.

    Other `settings` of reading and splitting, and another version of reading, forget everything. With `verify` no file
    is taken for unchanged.
    """

    def __init__(
        self, path: Path | None = None, settings: KnowledgeSettings | None = None, *, verify: bool = False
    ) -> None:
        self._path, self._verify = path, verify
        self._key = _key(settings or KnowledgeSettings())
        self._rows = _loaded(path, self._key) if path is not None else {}
        self._changed = False

    def unchanged(self, document: str, path: str | Path, held: str | None, key: FileKey = no_key) -> Contents | None:
        """Return what a file gave if it, its key and the fingerprint that the store holds are the same."""
        row = self._rows.get(document)
        if self._verify or row is None or held is None or not read_by_this_version(held):
            return None
        try:
            seen = _seen(row)
        except (ValueError, KeyError, TypeError, AttributeError):  # not what was written
            return None
        if (seen.fingerprint, seen.key) != (held, key(seen.kinds)):
            return None
        if seen.state.still(path):
            return seen.contents
        now = self.look(Path(path))
        if now is None or now.hash != seen.state.hash:
            return None
        self.keep(replace(seen, state=now))
        return seen.contents

    def look(self, path: Path) -> FileState | None:
        """Look at a file before it is read; None where nothing is kept, or it cannot be looked at."""
        try:
            return None if self._path is None else FileState.at(path)
        except OSError:
            return None

    def keep(self, seen: Seen) -> None:
        """Remember a file as it was read."""
        self._rows[seen.contents.document] = asdict(seen)
        self._changed = True

    def hash_of(self, document: str, path: Path) -> str:
        """Return the hash of a file's content as it was last seen, or as it is now. Raises `OSError`."""
        row = self._rows.get(document)
        try:
            return sha256_of(path) if row is None else _seen(row).state.hash
        except (ValueError, KeyError, TypeError, AttributeError):  # not what was written
            return sha256_of(path)

    def forget(self, documents: Iterable[str]) -> None:
        """Forget files that are gone."""
        for document in documents:
            self._changed |= self._rows.pop(document, None) is not None

    def save(self) -> None:
        """Write it down, if anything changed. It is no loss if that fails: files are read again then."""
        if self._path is None or not self._changed:
            return
        files = dict(sorted(self._rows.items()))
        try:
            write_text(self._path, json.dumps({"key": self._key, "files": files}, ensure_ascii=False))
        except OSError:
            return
        self._changed = False


def _key(settings: KnowledgeSettings) -> str:
    """Return what stands for all that decides how files are read and split, besides the files."""
    return digest(str(READING), str(settings.chunk_size), str(settings.chunk_overlap), *settings.readable_by)


def _loaded(path: Path, key: str) -> dict[str, Mapping[str, Any]]:
    """Return the rows of the file; none if it is missing, damaged or of another key."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return dict(kept["files"]) if kept["key"] == key else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _seen(row: Mapping[str, Any]) -> Seen:
    contents = row["contents"]
    left_out = tuple(LeftOut(**each) for each in contents["left_out"])
    kept = Contents(contents["document"], contents["chunks"], left_out, tuple(contents["notes"]))
    kinds = tuple(map(str, row["kinds"]))
    return Seen(FileState(**row["state"]), str(row["fingerprint"]), kept, str(row["key"]), kinds)
