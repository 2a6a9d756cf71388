"""What decides how a file is read and what is said about it, besides the file and `[knowledge]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import get_args

from groundtune.knowledge import readers
from groundtune.knowledge.recognition import Recognition
from groundtune.knowledge.rules import DocumentRules
from groundtune.settings import KnowledgeSettings
from groundtune.values import MediaKind


class FileKeys:
    """The `rules` for documents, and the `recognition` of those that may need it. Lives as long as one ingestion."""

    def __init__(self, rules: DocumentRules, settings: KnowledgeSettings, media: Sequence[MediaKind] = ()) -> None:
        self.rules, self.recognition = rules, Recognition(settings, media=media)

    @cache  # noqa: B019 -- it lives as long as one ingestion
    def _signature(self, kinds: Sequence[str]) -> str:
        return self.recognition.signature(kinds)

    @cached_property
    def _kinds(self) -> Mapping[str, tuple[str, ...]]:
        kinds: dict[str, tuple[str, ...]] = dict(readers.recognised())
        for kind in get_args(MediaKind):
            for suffix in readers.suffixes_of(kind):
                kinds[suffix] = (*kinds.get(suffix, ()), kind)
        return kinds

    def kinds(self, path: Path) -> tuple[str, ...]:
        """Return what a file may need to be read besides its reader, and whether it is a picture or a recording.

        All readers are imported for that.
        """
        return self._kinds.get(path.suffix.lower(), ())

    def of(self, document: str, kinds: Sequence[str]) -> str:
        """Return a text that changes with it; "" where nothing but the file and the settings counts."""
        embedded = [kind for kind in self.recognition.media if kind in kinds]
        parts = (self.rules.key(document), self._signature(kinds) if kinds else "", *embedded)
        return "|".join(part for part in parts if part)
