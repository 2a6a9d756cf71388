"""Copies of what a source has, in the project's folder: fetched once, and again when it changes.

A folder a source: `index.json` says which copy is of which document, and a copy is in a folder of its own, so that its
name may be the one that it has at the source. A copy is whole or not there, and an interrupted run goes on. Knows no
kind of source and no store.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from groundtune.errors import FetchFailed, GroundtuneError, NotInstalled, NotReached, UnreadableDocument
from groundtune.files import full_disk, write_pieces, write_text
from groundtune.knowledge.folder import Found, without_document
from groundtune.knowledge.readers import reader_for
from groundtune.knowledge.rules import is_rule
from groundtune.knowledge.sources import Content, DocumentSource, NotThere, Remote
from groundtune.protocols import Progress, silent
from groundtune.values import digest

MOST_FAILURES = 8  # in a row: then the source is down, and is not asked for the rest
_SAVE_SECONDS = 10.0
_MB = 1_000_000
_INDEX = "index.json"
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')  # what file systems do not take
_LONGEST_NAME = 50  # characters, of which each may be four bytes
_KEPT = "What is held of it stays."  # said of a source and of a document


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy: its path below the mirror's folder, and what the source said of the document when it was made."""

    path: str
    mark: str = ""
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class SourceReport:
    """What bringing a mirror up to date did, in numbers of documents; None for `listed` if the source has no list."""

    source: str
    listed: int | None = None
    fetched: int = 0
    unchanged: int = 0
    removed: int = 0


class Mirror:
    """The copies of the source at `url`, below `state`. Documents of more than `most_mb` megabytes are not copied."""

    def __init__(self, state: Path, url: str, most_mb: float) -> None:
        name = re.sub(r"[^\w.-]+", "-", url.partition("://")[2]).strip("-.")[:_LONGEST_NAME]
        self.url, self.folder, self._most_mb = url, state / f"{name}-{digest(url)[:8]}", most_mb
        self._copies, self._closed = self._loaded()
        self._saved = 0.0

    def found(self) -> Found:
        """Return the copies by document, and rules by name: "" for those that could not be fetched. Asks nobody."""
        copies = Found()
        for document, copy in sorted(self._copies.items()):
            path = self.folder / copy.path
            if path.is_file():
                (copies.rules if is_rule(document) else copies.files)[document] = str(path)
        copies.rules |= dict.fromkeys(self._closed, "")
        return copies

    def update(
        self, source: DocumentSource, *, verify: bool = False, progress: Progress = silent
    ) -> tuple[Found, SourceReport]:
        """Fetch what is new or has changed, all of it with `verify`, and remove what is gone; return the copies.

        A source that cannot be listed, or a document that cannot be fetched, leaves the copies as they were and is
        told. A rule that cannot be fetched keeps its documents out.
        """
        told, report = Found(), SourceReport(self.url)
        try:
            listing = source.listing()
        except (FetchFailed, NotInstalled) as error:
            told.failed.append((self.url, f"cannot be listed: {_said(error, self.url)} {_KEPT}"))
            told.unlisted += source.beginnings
            return self._with_copies(told), report
        report.listed = len(listing.remotes)
        told.ignored += listing.ignored
        with self._changing():
            for document in self._copies.keys() - {remote.document for remote in listing.remotes}:
                report.removed += self._remove(document)
            # rules first; else mixed, so that a bad corner of a source does not look like a source that is down
            remotes = sorted(listing.remotes, key=lambda each: (not is_rule(each.document), digest(each.document)))
            self._bring_all(remotes, source, told, report, progress, verify=verify)
            self._closed = {name for name, _ in told.failed if is_rule(name)} | told.rules.keys()
            self._sweep()
        return self._with_copies(told), report

    def __contains__(self, document: str) -> bool:
        return document in self._copies

    def erase(self, document: str) -> None:
        """Delete a copy; the next update fetches it again if it is still there."""
        with self._changing():
            self._remove(document)

    def _bring_all(
        self,
        remotes: list[Remote],
        source: DocumentSource,
        told: Found,
        report: SourceReport,
        progress: Progress,
        *,
        verify: bool,
    ) -> None:
        in_a_row = 0
        for number, remote in enumerate(remotes):
            progress("fetch", number, len(remotes))
            try:
                self._bring(remote, source, report, verify=verify)
                in_a_row = 0
            except NotThere:
                report.removed += self._remove(remote.document)
                told.ignored.append((remote.document, "listed, but not there any more"))
            except UnreadableDocument as error:
                told.failed.append((remote.document, error.reason))
            except FetchFailed as error:
                told.failed.append((remote.document, f"{_said(error, remote.document)} {_KEPT}"))
                in_a_row += isinstance(error, NotReached)
            if in_a_row == MOST_FAILURES and (rest := remotes[number + 1 :]):
                told.unlisted += source.beginnings
                told.rules |= dict.fromkeys((each.document for each in rest if is_rule(each.document)), "")
                reason = f"{MOST_FAILURES} fetches in a row failed; {len(rest)} more were not tried."
                told.failed.append((self.url, f"{reason} {_KEPT} Run `ingest` again."))
                return
            self._save(_SAVE_SECONDS)
        progress("fetch", len(remotes), len(remotes))

    def _bring(self, remote: Remote, source: DocumentSource, report: SourceReport, *, verify: bool) -> None:
        """Make the copy of a document what the source has."""
        copy = self._copies.get(remote.document)
        if copy is not None and (verify or not (self.folder / copy.path).is_file()):
            copy = Copy(copy.path)
        if copy is not None and remote.mark and copy.mark == remote.mark:
            report.unchanged += 1
            return
        if remote.name and not is_rule(remote.name):
            reader_for(Path(remote.name))
        if remote.size > self._most_mb * _MB:
            large = f"is {remote.size / _MB:.0f} MB large, and at most {self._most_mb:g} MB are read."
            raise UnreadableDocument(large, remedy="Split it, or raise `[knowledge] file_mb`.")
        content = source.fetch(remote, copy.known if copy is not None else {})
        if content is None:
            assert copy is not None
            self._copies[remote.document] = Copy(copy.path, remote.mark, copy.known)
            report.unchanged += 1
        else:
            self._keep(remote, content)
            report.fetched += 1

    def _keep(self, remote: Remote, content: Content) -> None:
        place = self.folder / digest(remote.document)[:16]
        path = place / _safe(content.name)
        with full_disk(self.folder):
            write_pieces(path, content.pieces)
        for other in place.iterdir():
            if other != path:
                other.unlink()
        relative = path.relative_to(self.folder).as_posix()
        self._copies[remote.document] = Copy(relative, remote.mark, dict(content.known))

    def _remove(self, document: str) -> bool:
        copy = self._copies.pop(document, None)
        if copy is not None:
            shutil.rmtree((self.folder / copy.path).parent, ignore_errors=True)
        return copy is not None

    def _sweep(self) -> None:
        """Delete what is in no index: what was left by a run that was killed, or before the index was damaged."""
        kept = {Path(copy.path).parts[0] for copy in self._copies.values()}
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            if folder.is_dir() and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _with_copies(self, told: Found) -> Found:
        copies = self.found()
        told.files, told.rules = copies.files, copies.rules
        if not told.unlisted:
            told.failed += without_document(told)
        return told

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._saved = time.monotonic()
        try:
            yield
        finally:
            self._save()

    def _save(self, every: float = 0.0) -> None:
        """Write the index, if that was not done in the last seconds."""
        if time.monotonic() - self._saved < every:
            return
        copies = {name: asdict(copy) for name, copy in self._copies.items()}
        index = {"source": self.url, "closed": sorted(self._closed), "copies": copies}
        with full_disk(self.folder):
            write_text(self.folder / _INDEX, json.dumps(index, ensure_ascii=False))
        self._saved = time.monotonic()

    def _loaded(self) -> tuple[dict[str, Copy], set[str]]:
        """Return the copies and the rules that could not be fetched; none if the index is missing or damaged: all is
        fetched again then."""
        try:
            index = json.loads((self.folder / _INDEX).read_text(encoding="utf-8"))
            return {name: Copy(**copy) for name, copy in index["copies"].items()}, set(index["closed"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}, set()


def _said(error: GroundtuneError, of: str) -> str:
    """Return what an error says, without its place if that is what it is told of."""
    same = (error.place or of).rstrip("/") == of.rstrip("/")
    return f"{error.message} {error.remedy}".strip() if same else str(error)


def _safe(name: str) -> str:
    """Return a name that every file system takes, with its suffix."""
    path = PurePosixPath(_NOT_IN_NAMES.sub("-", name))
    return f"{path.stem[:_LONGEST_NAME].strip(' .') or 'document'}{path.suffix[:_LONGEST_NAME]}"
