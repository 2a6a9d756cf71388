"""What a technique is: a way to make an adapter out of a company's data. One file each, beside this one.

A technique is found by the hook `groundtune_technique()`. It gets a `Task`, in which the company's data, the prompts
that serving will give and the retrieval stand ready; it knows neither stores nor settings files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.protocols import Progress, silent
from groundtune.settings import Table, TuningSettings
from groundtune.tuning.adapters import Manifest, read_manifest
from groundtune.tuning.estimate import RunEstimate
from groundtune.tuning.examples import data_hash
from groundtune.tuning.model import Base
from groundtune.tuning.objective import Objective
from groundtune.tuning.training import CheckData, TrainingJob, estimated, tune
from groundtune.values import (
    Conversation,
    Example,
    Message,
    Passage,
    Place,
    PreferencePair,
    Question,
    Thumb,
    TrainingText,
    digest,
)

RetrieveTexts = Callable[[Sequence[str]], list[list[Passage]]]
SearchTexts = Callable[[Sequence[Question]], list[str]]
Tune = Callable[[TrainingJob, Path, Progress], Manifest]
ClosedBookPrompt = Callable[[Question], Conversation]
GroundedPrompt = Callable[[Question, Sequence[Passage]], Conversation]

_RECIPE_VERSION = "2"  # of how techniques make examples out of a task
_TALK = (Message("user", "a"), Message("assistant", "b")) * 8
_PROBE = Question("?", _TALK)  # a prompt of which shows all that prompts are made of
_PROBE_PASSAGES = [Passage(f"{letter}.md", Place(0, 1), letter, "h", 1, 1.0) for letter in "ab"]


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to tune with.

    `examples` loads the training conversations; `closed_book` and `grounded` build the prompts that serving gives;
    `search_texts` says what to search with for questions; `retrieve` returns more than the `passages` that a prompt
    holds, out of documents that the principals of `settings.retrieve_as` may read; `unknown` is how the company says
    that it does not know; `record` is what the manifest tells of the settings and their origins. `documents` lists
    those that there are to retrieve from; `found_by` identifies all that both functions depend on, without calling
    them. Either is None where nobody knows.
    `preferences` loads pairs and thumbs, `corpus` the texts of `[tuning] corpus` or the documents where there are none,
    `texts` the documents as they are now. `parents` are the folders of the adapters to train on top of. `gate` checks
    the data, `accepted` are the gates that need not pass. `tune` carries out a training run.

    A technique with settings of its own declares them beside its hook, as `{"tuning.NAME": MySettings}` from
    `groundtune_settings()`, and takes them with `settings.part("NAME", MySettings)`.
    """

    base: Base
    examples: Callable[[], list[Example]]
    settings: TuningSettings
    record: Mapping[str, object]
    closed_book: ClosedBookPrompt
    grounded: GroundedPrompt
    search_texts: SearchTexts
    retrieve: RetrieveTexts
    passages: int
    unknown: str
    documents: Callable[[], Collection[str]] | None = None
    found_by: Callable[[], str] | None = None
    preferences: Callable[[], list[PreferencePair | Thumb]] = list
    corpus: Callable[[], list[TrainingText]] = list
    texts: Callable[[], list[TrainingText]] = list
    parents: tuple[Path, ...] = ()
    gate: CheckData | None = None
    accepted: tuple[str, ...] = ()
    tune: Tune = tune

    def job(self, technique: str, objective: Objective, **more: Any) -> TrainingJob:  # noqa: ANN401
        """Return a training run of the task's model; `more` are further fields of `TrainingJob`."""
        shared = {"base": self.base, "settings": self.settings, "record": self.record, "parents": self.parents}
        checked = {"gate": self.gate, "accepted": self.accepted}
        return TrainingJob(**{"technique": technique, "objective": objective, **shared, **checked, **more})


class Estimating:
    """Stands in for `tune`: adds up what the runs of a technique would take, and trains nothing."""

    def __init__(self) -> None:
        self.total = RunEstimate(0, 0.0, 0)

    def __call__(self, job: TrainingJob, folder: Path, progress: Progress = silent) -> Manifest:
        """Return a manifest of nothing."""
        self.total += estimated(job, progress)
        name, weights = job.base.name, job.base.weights
        return Manifest(job.key, job.technique, name, weights, {}, {}, {}, 0, 0.0, "before it started", 0, ())


@runtime_checkable
class Technique(Protocol):
    """One way to tune.

    Where it has them: `reads` names the settings of `[tuning]` whose files it learns from, which are checked before;
    `reads_besides` those of its own whose files need not be about the task; `gates` are gates of its own. An adapter
    goes on from run to run, whatever the settings, by a technique with `one_version`.
    """

    @property
    def name(self) -> str:
        """What `groundtune tune` calls it."""
        ...

    def run(self, task: Task, folder: Path, progress: Progress = silent) -> Manifest:
        """Make the adapter in `folder`. A finished one of the same task is kept, an interrupted one is resumed.

        Raises `TuningError`, `InputError`, `NotInstalled`.
        """
        ...


def recipe(task: Task, name: str, own: Table) -> str:
    """Identify all that the technique's adapter depends on, without retrieving anything; "" where that is not known.

    `own` are the technique's own settings.
    """
    if task.found_by is None:
        return ""
    prompts = (*task.closed_book(_PROBE), *task.grounded(_PROBE, _PROBE_PASSAGES))
    return digest(
        _RECIPE_VERSION,
        name,
        task.base.name,
        task.base.weights,
        task.settings.for_key(),
        *(manifest.key for parent in task.parents if (manifest := read_manifest(parent))),
        own.model_dump_json(),
        task.found_by(),
        *_texts(prompts),
        str(task.passages),
        task.unknown,
        data_hash(task.examples()),
        *(repr(example.documents) for example in task.examples()),
    )


def _texts(messages: Conversation) -> list[str]:
    return [part for message in messages for part in (message.role, message.content)]


def technique(name: str) -> Technique:
    """Return the technique called `name`. Raises `SettingsError` with the names there are."""
    techniques: list[Technique] = [hook() for hook in plugins.hooks("techniques")]
    known = {candidate.name: candidate for candidate in techniques}
    if name not in known:
        raise SettingsError(f"there is no technique `{name}`.", remedy=f"Known techniques: {', '.join(sorted(known))}.")
    return known[name]
