"""Opening the knowledge base of a project alone, which takes less time than opening all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.protocols import Progress, silent
from groundtune.records import Records, open_records
from groundtune.settings import load_project


@contextmanager
def open_knowledge(
    path: str | Path = ".", flags: Mapping[str, object] | None = None, progress: Progress = silent
) -> Iterator[KnowledgeBase]:
    """Open the knowledge base of the project in the folder `path` alone: nothing else of it is imported.

    Raises `SettingsError` where there is no project, or a setting is wrong.
    """
    folder = Path(path).resolve()
    settings = load_project(folder, flags).settings
    with ExitStack() as opened:

        @cache
        def records() -> Records:
            return opened.enter_context(open_records(settings.records.url.reveal(), folder))

        yield KnowledgeBase(settings, folder, records, progress)
