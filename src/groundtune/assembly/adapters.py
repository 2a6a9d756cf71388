"""The adapters of a project: where they are, what they are trained on, and whether they fit the model.

The place where prompts and retrieval are put into training data, as serving has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.assistant.prompts import closed_book_messages, grounded_messages, search_text
from groundtune.errors import InputError, NotComparable, SettingsError
from groundtune.files import within
from groundtune.models import local
from groundtune.protocols import Progress, silent
from groundtune.settings import Settings
from groundtune.tuning.adapters import Manifest, read_manifest
from groundtune.tuning.examples import load_examples
from groundtune.tuning.technique import Task, technique
from groundtune.tuning.training import Base
from groundtune.values import Passage, Search

DISTRACTOR_DEPTH = 4  # times the passages of a prompt: leaves distractors for raft when the answer's own are taken out


class Adapters:
    """The adapters in `root`, for the project in `folder`; `record` tells the settings with their origins."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        settings: Settings,
        record: Mapping[str, object],
        knowledge: KnowledgeBase,
        progress: Progress = silent,
    ) -> None:
        self._root = root
        self._folder = folder
        self._settings = settings
        self._record = record
        self._knowledge = knowledge
        self._progress = progress

    def folder(self, name: str) -> Path:
        """Return where the adapter `name` is or will be."""
        return self._root / name

    def names(self) -> list[str]:
        """Return the names of the finished adapters."""
        return sorted(path.parent.name for path in self._root.glob("*/manifest.json"))

    def manifest(self, name: str) -> Manifest | None:
        """Return what the adapter was made of, None where there is no finished one."""
        return read_manifest(self.folder(name))

    def train(self, name: str, technique_name: str) -> Manifest:
        """Train the adapter unless it exists already, made from the same model, data and settings."""
        return technique(technique_name).run(self.task(), self.folder(name), self._progress)

    def task(self) -> Task:
        """Return what techniques tune with: the data, and prompts and retrieval as serving has them."""
        settings, name = self._settings, self._settings.project.name
        return Task(
            base=self.base(),
            examples=lambda: load_examples(within(self._folder, settings.tuning.examples)),
            settings=settings.tuning,
            record=self._record,
            closed_book=partial(closed_book_messages, settings.assistant, name),
            grounded=partial(grounded_messages, settings.assistant, name),
            search_text=search_text,
            retrieve=self._retrieve,
            passages=settings.knowledge.passages,
            unknown=settings.assistant.unknown,
        )

    def _retrieve(self, texts: Sequence[str]) -> list[list[Passage]]:
        asker = tuple(self._settings.tuning.retrieve_as)
        limit = DISTRACTOR_DEPTH * self._settings.knowledge.passages
        return self._knowledge.retrieve([Search(text, asker) for text in texts], limit)

    def base(self) -> Base:
        """Return the model that is tuned. Raises `SettingsError` for one that is not on this machine."""
        name = self._settings.model.name
        scheme, _, rest = name.partition(":")
        if scheme not in local.SCHEMES:
            raise SettingsError(
                f"`{name}` cannot be tuned here.",
                remedy="Tune a builtin:, hf: or path: model, or compare `base` and `rag` only.",
            )
        source = local.locate_weights(scheme, rest, self._folder)
        weights = local.fingerprint(Path(source)) if Path(source).is_dir() else source
        return Base(name, weights, partial(local.load, source))

    def check(self, candidate: str, name: str) -> None:
        """Raise `InputError` if the candidate's adapter is not there, `NotComparable` if it is of another model."""
        folder = self.folder(name)
        manifest = read_manifest(folder)
        if manifest is None:
            raise InputError(
                f"candidate `{candidate}` has not been tuned yet.", place=folder, remedy="Run `groundtune compare`."
            )
        if manifest.base_weights != self.base().weights:
            raise NotComparable(
                f"candidate `{candidate}` was tuned on {manifest.base_model}, but `[model] name` is now another model.",
                place=folder,
                remedy="Tune it again, or change `[model] name` back.",
            )
