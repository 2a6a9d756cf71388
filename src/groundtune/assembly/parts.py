"""Parts of a project that several rooms of `assembly` work with: a room that only says which it needs can be imported
by `Assembly`, which has them all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.protocols import Progress
from groundtune.settings import Settings


class ProjectParts(Protocol):
    """Folder, progress, settings, knowledge and the file of cases."""

    folder: Path
    progress: Progress
    knowledge: KnowledgeBase

    @property
    def settings(self) -> Settings: ...  # noqa: D102

    @property
    def cases_file(self) -> Path: ...  # noqa: D102
