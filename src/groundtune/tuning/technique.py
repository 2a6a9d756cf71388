"""What a technique is: a way to make an adapter out of a company's data. One file each, beside this one.

A technique is found by the hook `groundtune_technique()`. It gets a `Task`, in which the company's data, the prompts
that serving will give and the retrieval stand ready; it knows neither stores nor settings files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.protocols import Progress, silent
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.training import Base
from groundtune.values import Conversation, Example, Passage, Question

RetrieveTexts = Callable[[Sequence[str]], list[list[Passage]]]
SearchText = Callable[[Question], str]
ClosedBookPrompt = Callable[[Question], Conversation]
GroundedPrompt = Callable[[Question, Sequence[Passage]], Conversation]


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to tune with.

    `examples` loads the training conversations; `closed_book` and `grounded` build the prompts that serving gives;
    `retrieve` returns more than the `passages` that a prompt holds, out of documents that the principals of
    `settings.retrieve_as` may read; `unknown` is how the company says that it does not know; `record` is what the
    manifest tells of the settings and their origins.

    A technique with settings of its own declares them beside its hook, as `{"tuning.NAME": MySettings}` from
    `groundtune_settings()`, and takes them with `settings.part("NAME", MySettings)`.
    """

    base: Base
    examples: Callable[[], list[Example]]
    settings: TuningSettings
    record: Mapping[str, object]
    closed_book: ClosedBookPrompt
    grounded: GroundedPrompt
    search_text: SearchText
    retrieve: RetrieveTexts
    passages: int
    unknown: str


@runtime_checkable
class Technique(Protocol):
    """One way to tune."""

    @property
    def name(self) -> str:
        """What `groundtune tune` calls it."""
        ...

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Make the adapter in `folder`. A finished one of the same task is kept, an interrupted one is resumed.

        Raises `TuningError`, `InputError`, `NotInstalled`.
        """
        ...


def technique(name: str) -> Technique:
    """Return the technique called `name`. Raises `SettingsError` with the names there are."""
    techniques: list[Technique] = [hook() for hook in plugins.hooks("techniques")]
    known = {candidate.name: candidate for candidate in techniques}
    if name not in known:
        raise SettingsError(f"there is no technique `{name}`.", remedy=f"Known techniques: {', '.join(sorted(known))}.")
    return known[name]
