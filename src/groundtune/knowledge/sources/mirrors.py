"""All sources of a project, with their mirrors and who may read what is in them. Knows no kind of source."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundtune.knowledge.folder import Found
from groundtune.knowledge.rules import DocumentRules
from groundtune.knowledge.sources import open_source
from groundtune.knowledge.sources.mirror import Mirror, SourceReport
from groundtune.protocols import Progress, silent
from groundtune.settings import KnowledgeSettings, SourceSettings

PLACE = Path(".groundtune", "sources")


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The copies of a source's documents, their rules, and what was done to have them; None if nothing was."""

    copies: Found
    rules: DocumentRules
    report: SourceReport | None = None


class Mirrors:
    """The sources of `[knowledge] sources`, mirrored in the project's `folder`."""

    def __init__(self, settings: KnowledgeSettings, folder: Path, progress: Progress = silent) -> None:
        self._settings, self._place, self._progress = settings, folder / PLACE, progress
        self._mirrors = [(each, Mirror(self._place, each.url, settings.file_mb)) for each in settings.sources]

    def mirrored(self) -> tuple[Mirrored, ...]:
        """Return the copies that are here. Asks no source."""
        return tuple(self._with_rules(each, mirror.found()) for each, mirror in self._mirrors)

    def update(self, *, verify: bool = False) -> tuple[Mirrored, ...]:
        """Bring all mirrors up to date, with `verify` by fetching everything, and delete those of no source.

        Raises `SettingsError`, before any source is asked, for an address that is none of a source.
        """
        sources = [open_source(each.url, self._settings) for each in self._settings.sources]
        there = self._place.iterdir() if self._place.is_dir() else ()
        for folder in set(there) - {mirror.folder for _, mirror in self._mirrors}:
            shutil.rmtree(folder, ignore_errors=True)
        updated = []
        for source, (each, mirror) in zip(sources, self._mirrors, strict=True):
            copies, report = mirror.update(source, verify=verify, progress=self._progress)
            updated.append(self._with_rules(each, copies, report))
        return tuple(updated)

    def __contains__(self, document: str) -> bool:
        return any(document in mirror for _, mirror in self._mirrors)

    def erase(self, documents: Sequence[str]) -> None:
        """Delete copies; the next update fetches them again if they are still at their sources."""
        for _, mirror in self._mirrors:
            for document in documents:
                if document in mirror:
                    mirror.erase(document)

    def _with_rules(self, source: SourceSettings, copies: Found, report: SourceReport | None = None) -> Mirrored:
        readable_by = self._settings.readable_by if source.readable_by is None else source.readable_by
        return Mirrored(copies, DocumentRules(copies.rules, readable_by, source.metadata), report)


def file_of(folder: Path, sources: Sequence[Mirrored], document: str) -> Path:
    """Return where the file of a document is: in the `folder`, or where a source's copy of it is."""
    copies = (each.copies.files.get(document) for each in sources)
    return next((Path(copy) for copy in copies if copy is not None), folder / document)


def with_sources(folder: Found, readable_by: Sequence[str], sources: Sequence[Mirrored]) -> DocumentRules:
    """Add what sources have to what was found in the folder, and return the rules of all.

    Ids cannot be the same: those of sources contain `//`, those of files do not. A document that two sources have is
    refused where who may read it, or its metadata, differ.
    """
    apart: list[tuple[Mapping[str, str], DocumentRules]] = []
    differ = set()
    for each in sources:
        folder.failed += each.copies.failed
        folder.ignored += each.copies.ignored
        folder.unlisted += each.copies.unlisted
        for document, path in each.copies.files.items():
            before = next((rules for documents, rules in apart if document in documents), None)
            if before is not None and before.key(document) != each.rules.key(document):
                differ.add(document)
            folder.files.setdefault(document, path)
        apart.append((each.copies.files, each.rules))
    for document in sorted(differ):
        del folder.files[document]
        remedy = "Give them the same readers and metadata, or leave it out of one."
        folder.failed.append((document, f"two sources have it, with other rules each. {remedy}"))
    return DocumentRules(folder.rules, readable_by, apart=apart)
