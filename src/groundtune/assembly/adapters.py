"""The adapters of a project: where they are, what they are trained on, and whether they fit the model.

The place where prompts and retrieval are put into training data, as serving has them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from groundtune.assembly.candidates import Tuned
from groundtune.assembly.gating import DataGate
from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.assistant.prompts import closed_book_messages, grounded_messages
from groundtune.errors import InputError, NotComparable, SettingsError
from groundtune.files import within
from groundtune.models import local
from groundtune.models.sampling import sample
from groundtune.protocols import Progress, silent
from groundtune.settings import Settings, TuningSettings
from groundtune.tuning.adapters import MANIFEST, VERSION_SIGN, Manifest, chain, read_manifest, verify, versions
from groundtune.tuning.estimate import RunEstimate
from groundtune.tuning.examples import load_examples, load_judged, load_texts
from groundtune.tuning.hosted.bedrock import Stopping, tune_at_bedrock
from groundtune.tuning.hosted.job import check_technique
from groundtune.tuning.hosted.settings import BedrockTuning
from groundtune.tuning.model import Base, is_whole
from groundtune.tuning.rounds import Rounds
from groundtune.tuning.technique import Estimating, Task, technique
from groundtune.values import Passage, Search, TrainingText, digest

DISTRACTOR_DEPTH = 4  # times the passages of a prompt: leaves distractors for raft when the answer's own are taken out

_log = logging.getLogger(__name__)
OF_A_MODEL = 3  # what a whole model costs to keep: one more than an adapter, as it needs memory of its own
_VERSION_LENGTH = 8  # digits of a version's name


class Adapters:
    """The adapters in `root`, for the project in `folder`; `record` tells the settings with their origins.

    `before_loading` is called before a model is loaded to be trained.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        settings: Settings,
        record: Mapping[str, object],
        knowledge: KnowledgeBase,
        progress: Progress = silent,
        before_loading: Callable[[], None] = lambda: None,
    ) -> None:
        self._root = root
        self._folder = folder
        self._settings = settings
        self._record = record
        self._knowledge = knowledge
        self._progress = progress
        self._before_loading = before_loading

    def folder(self, name: str) -> Path:
        """Return where the adapter `name` is or will be.

        Of several versions, it is one that was trained with the settings as they are now, else the one that was made
        or asked for last. A name with a version is that one.
        """
        if VERSION_SIGN in name:
            return self._root / name
        there = versions(self._root / name)
        fitting = (version for version in there if self.fits(version))
        return next(fitting, there[0] if there else self._root / name)

    def fits(self, version: Path) -> bool:
        """Tell whether a finished adapter is of the model, and was trained with the settings, that are set now."""
        manifest = read_manifest(version)
        return manifest is not None and (
            manifest.base_model == self._settings.model.name
            and _trained_with(manifest.settings, manifest.technique) == _trained_with(self._record, manifest.technique)
        )

    def names(self) -> list[str]:
        """Return the names of what was tuned and can answer: adapters and whole models, no reward models."""
        result = [path.parent for path in self._root.glob(f"*/{MANIFEST}")]
        answering = [folder for folder in result if (made := read_manifest(folder)) and made.kind != "reward"]
        return sorted({folder.name.partition(VERSION_SIGN)[0] for folder in answering})

    def tuned(self) -> list[Tuned]:
        """Return what was tuned, as candidates need it."""
        return [self._tuned(name) for name in self.names()]

    def _tuned(self, name: str) -> Tuned:
        folder = self.folder(name)
        manifest = read_manifest(folder)
        if manifest is not None and manifest.kind == "hosted":
            return Tuned(name, (), manifest.hosted, manifest.upkeep + OF_A_MODEL)
        folders = chain(folder)
        model = None
        for place, each in reversed(list(enumerate(folders))):
            if is_whole(each):
                model, folders = f"path:{each.resolve()}", folders[place + 1 :]
                break
        upkeep = (manifest.upkeep if manifest else 0) + (OF_A_MODEL if model else 0)
        return Tuned(name, tuple(self._shortest(each) for each in folders), model, upkeep)

    def _shortest(self, folder: Path) -> str:
        """Return the name that leads to the folder: without the version, where it is the one in use."""
        name = folder.name.partition(VERSION_SIGN)[0]
        return name if self.folder(name) == folder else folder.name

    def manifest(self, name: str) -> Manifest | None:
        """Return what the adapter was made of, None where there is no finished one."""
        return read_manifest(self.folder(name))

    def refuse_wrong(self, technique_name: str, parent: str | None) -> None:
        """Raise `SettingsError` for a technique that is not there, and for an adapter that nothing can stand on."""
        technique(technique_name)
        self._parents(parent)

    def train(
        self, name: str, technique_name: str, parent: str | None = None, check: DataGate | None = None
    ) -> Manifest:
        """Train the adapter unless it exists already, made from the same model, data and settings, on top of `parent`.

        Each set of settings has a version of the adapter of its own, so that a first look with `--quick` and a full
        run do not replace each other's. `check` checks the data before; it raises `GateFailed`.
        """
        task = self._checked(self.task(parent), check)
        if self._hosted:
            check_technique(technique_name)
            task = replace(task, tune=tune_at_bedrock)
        return technique(technique_name).run(task, self._place(name, technique_name, task), self._progress)

    def estimate(
        self, name: str, technique_name: str, parent: str | None = None, check: DataGate | None = None
    ) -> RunEstimate:
        """Return what `train` would take; nothing is kept. It is nothing where the adapter exists already.

        Raises `SettingsError` where training is somewhere else.
        """
        if self._hosted:
            raise SettingsError(
                "what tuning at Bedrock takes cannot be told beforehand.",
                remedy="It is billed by token and pass over the data: see the prices of your model there.",
            )
        estimating = Estimating()
        task = replace(self._checked(self.task(parent), check), tune=estimating)
        technique(technique_name).run(task, self._place(name, technique_name, task), self._progress)
        return estimating.total

    def stop(self, name: str, technique_name: str, parent: str | None = None) -> str:
        """Stop a job that tunes at a service, and say what became of it. Raises `SettingsError` if that is here."""
        if not self._hosted:
            raise SettingsError("tuning on this machine is stopped with Ctrl-C.")
        check_technique(technique_name)
        stopping = Stopping()
        task = replace(self.task(parent), tune=stopping)
        technique(technique_name).run(task, self._place(name, technique_name, task), self._progress)
        return stopping.said

    def hosted(self, name: str) -> str | None:
        """Return what `[model] name` would call the model `name` that is at a service; None for an adapter."""
        manifest = self.manifest(name)
        return manifest.hosted if manifest is not None and manifest.kind == "hosted" else None

    @property
    def _hosted(self) -> bool:
        return self._settings.tuning.where == "bedrock"

    def go_to_round(self, name: str, number: int) -> Manifest:
        """Use another round of an adapter that goes on from round to round. Raises `SettingsError` if there is none."""
        return Rounds(self.folder(name)).make_current(number)

    @staticmethod
    def _checked(task: Task, check: DataGate | None) -> Task:
        return task if check is None else replace(task, gate=check, accepted=tuple(check.accepted))

    def _place(self, name: str, technique_name: str, task: Task) -> Path:
        one_version = getattr(technique(technique_name), "one_version", False)
        settings = "" if one_version else json.dumps(_trained_with(self._record, technique_name), sort_keys=True)
        below = [made.key for folder in task.parents if (made := read_manifest(folder))]
        version = digest(technique_name, task.base.name, task.base.weights, settings, *below)[:_VERSION_LENGTH]
        return self._root / f"{name}{VERSION_SIGN}{version}"

    def _parents(self, parent: str | None) -> tuple[Path, ...]:
        """Return what an adapter on top of `parent` stands on. Raises `SettingsError` if nothing can stand on it."""
        if parent is None:
            return ()
        folder = self.folder(parent)
        manifest = read_manifest(folder)
        if manifest is None:
            raise SettingsError(
                f"there is no adapter `{parent}` to tune on top of.",
                remedy=f"Adapters here: {', '.join(self.names()) or 'none'}.",
            )
        if (manifest.kind == "hosted") != self._hosted or manifest.kind == "reward":
            if self._hosted:
                raise SettingsError(f"`{parent}` is on this machine: nothing can be tuned on top of it at Bedrock.")
            what = "a reward model" if manifest.kind == "reward" else "at a service"
            raise SettingsError(f"`{parent}` is {what}: nothing can be tuned on top of it here.")
        if manifest.base_weights != self.base().weights:
            raise NotComparable(
                f"`{parent}` was tuned on {manifest.base_model}, but `[model] name` is now another model.", place=folder
            )
        return tuple(chain(folder))

    def task(self, parent: str | None = None) -> Task:
        """Return what techniques tune with: the data, and prompts and retrieval as serving has them.

        `parent` is the name of an adapter to tune on top of.
        """
        settings, name = self._settings, self._settings.project.name
        return Task(
            base=self.base(),
            examples=cache(lambda: load_examples(within(self._folder, settings.tuning.examples))),
            settings=settings.tuning,
            record=self._record,
            closed_book=partial(closed_book_messages, settings.assistant, name),
            grounded=partial(grounded_messages, settings.assistant, name),
            search_texts=self._knowledge.rewriting,
            retrieve=self._retrieve,
            passages=settings.knowledge.passages,
            unknown=settings.assistant.unknown,
            documents=self._knowledge.documents_held,
            found_by=self._found_by,
            preferences=cache(lambda: load_judged(within(self._folder, settings.tuning.preferences))),
            corpus=cache(self._corpus),
            texts=cache(self._texts),
            parents=self._parents(parent),
        )

    def _corpus(self) -> list[TrainingText]:
        """Return the texts of `[tuning] corpus`, or the documents if there is no such file or folder."""
        place = within(self._folder, self._settings.tuning.corpus)
        return load_texts(place) if place.exists() else self._texts()

    def _texts(self) -> list[TrainingText]:
        """Return the documents that `[tuning] retrieve_as` may read. Raises `SettingsError` if it may read none."""
        asker = self._settings.tuning.retrieve_as
        documents = self._knowledge.in_folder().values()
        texts = [TrainingText(each.text, each.id, each.id) for each in documents if set(asker) & set(each.readable_by)]
        if documents and not texts:
            raise SettingsError(
                f"no document may be read by {', '.join(asker)}.",
                remedy="Name someone who may in `[tuning] retrieve_as`. The tuned model can tell what it read.",
            )
        return texts

    def _found_by(self) -> str:
        return f"{self._knowledge.signature}|as:{self._settings.tuning.retrieve_as}|depth:{DISTRACTOR_DEPTH}"

    def _retrieve(self, texts: Sequence[str]) -> list[list[Passage]]:
        asker = tuple(self._settings.tuning.retrieve_as)
        limit = DISTRACTOR_DEPTH * self._settings.knowledge.passages
        return self._knowledge.retrieve([Search(text, asker) for text in texts], limit)

    def base(self) -> Base:
        """Return the model that is tuned. Raises `SettingsError` for one that is not on this machine."""
        name = self._settings.model.name
        if self._hosted:
            return Base(name, name, self._load_nothing)  # the service tells no hash of its weights
        scheme, _, rest = name.partition(":")
        if scheme not in local.SCHEMES:
            raise SettingsError(
                f"`{name}` cannot be tuned here.",
                remedy="Tune a builtin:, hf: or path: model, or compare `base` and `rag` only. "
                'A bedrock: model can be tuned there, with `[tuning] where = "bedrock"`.',
            )
        source = local.locate_weights(scheme, rest, self._folder)
        weights = local.fingerprint(Path(source)) if Path(source).is_dir() else source
        return Base(name, weights, partial(self._load, source), local.licence(scheme, source), draw=sample)

    def _load_nothing(self, **_: object) -> tuple[Any, Any]:
        raise SettingsError(
            f"`{self._settings.model.name}` cannot be loaded here: its weights are at Bedrock.",
            remedy='Use a technique that needs no weights, or set `[tuning] where` to "here".',
        )

    def _load(self, source: str, **how: bool) -> tuple[Any, Any]:
        self._before_loading()
        return local.load(source, **how)

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
        verify(folder)
        if not self.fits(folder):
            _log.info("Candidate `%s` uses %s, trained with other settings than those set now.", candidate, folder)


def _value(record: Mapping[str, object], key: str) -> object:
    """Return a setting's value in a record, None where there is none."""
    entry = record.get(key)
    return entry.get("value") if isinstance(entry, Mapping) else entry


def _trained_with(record: Mapping[str, object], technique_name: str) -> dict[str, object]:
    """Return the settings of training in a record; a technique's own stand in the place of their namesakes.

    What an adapter does not depend on is left out.
    """
    values: dict[str, object] = {}
    for table in ("tuning.", f"tuning.{technique_name}."):
        for key, entry in record.items():
            name = key.removeprefix(table)
            if key.startswith(table) and "." not in name and name not in TuningSettings.not_in_key:
                values[name] = entry.get("value") if isinstance(entry, Mapping) else entry
    if _value(record, "tuning.where") == "bedrock":
        prefix = "tuning.bedrock."
        own = {key: _value(record, key) for key in record if key.startswith(prefix)}
        values |= {key: value for key, value in own.items() if key[len(prefix) :] not in BedrockTuning.not_in_key}
    defaults = TuningSettings()
    unset = {name for name in TuningSettings.in_key_if_set if values.get(name) == getattr(defaults, name)}
    return {name: value for name, value in values.items() if name not in unset}
