"""The parts of one project, opened when they are first needed and built when they are missing.

The place where layer 1 is joined: retrieval is put into answerers, prompts into training data, adapters into
models. Safe under threads: a lock sees to it that each part is opened once. Knows no statistics and no report.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore, RLock

from pydantic import TypeAdapter

from groundtune.assembly.adapters import Adapters
from groundtune.assembly.build import Retrieval, build
from groundtune.assembly.candidates import Candidate, candidate
from groundtune.assembly.gating import data_gate
from groundtune.assembly.judges import Judges, open_judges
from groundtune.assembly.knowledge import STATE, KnowledgeBase
from groundtune.assembly.locked import locked_property
from groundtune.assembly.pool import ModelPool
from groundtune.assistant.abstention import Fitted, fit_threshold, support
from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.benchmark.cases import Benchmark, load_benchmark
from groundtune.evaluation.benchmark.drafting import Drafter
from groundtune.evaluation.benchmark.drafting.tagged import Tagged
from groundtune.evaluation.benchmark.drafting.templates import Templates
from groundtune.evaluation.benchmark.versions import Lock, lock_path, read_lock
from groundtune.evaluation.scorers import known_scorers
from groundtune.files import within
from groundtune.protocols import Answerer, ChatModel, MeteredModel, Progress, Scorer, silent
from groundtune.records import KeptKind, Records, open_records
from groundtune.sentences import sentence_spans
from groundtune.settings import Resolved, Settings
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.estimate import RunEstimate
from groundtune.values import Chunk, Search, digest

_log = logging.getLogger(__name__)
THRESHOLD = KeptKind("threshold", TypeAdapter(Fitted))
SLICE = 64  # cases that a model on this machine answers between two saves


class Assembly:
    """The parts of the project in `folder`."""

    def __init__(self, folder: Path, resolved: Resolved, progress: Progress = silent) -> None:
        self.folder = folder
        self.resolved = resolved
        self.progress = progress
        self.knowledge = KnowledgeBase(resolved.settings, folder, lambda: self.records, progress, self.chat_model)
        self.pool = ModelPool(resolved.settings.model, folder)
        self.adapters = Adapters(
            self.state / "adapters",
            folder,
            resolved.settings,
            resolved.record(),
            self.knowledge,
            progress,
            self.pool.release,
        )
        self.background = BoundedSemaphore()  # held by what works beside answers: a job at a time for all of them
        self._lock = RLock()
        self._told_of_benchmark = False

    @property
    def settings(self) -> Settings:
        """The resolved settings."""
        return self.resolved.settings

    @property
    def state(self) -> Path:
        """Where groundtune keeps what it makes."""
        return self.folder / STATE

    @property
    def cases_file(self) -> Path:
        """The file of the benchmark."""
        return within(self.folder, self.settings.benchmark.cases)

    @locked_property
    def benchmark(self) -> Benchmark:
        """The cases of `[benchmark]`."""
        return load_benchmark(self.cases_file, self.settings.benchmark.development_share)

    @property
    def lock(self) -> Lock | None:
        """The frozen version of the benchmark, if there is one."""
        return read_lock(lock_path(self.cases_file))

    @locked_property
    def records(self) -> Records:
        """The records of `[records]`."""
        return open_records(self.settings.records.url.reveal(), self.folder)

    @locked_property
    def judges(self) -> Judges:
        """The judges of `[judge]`."""
        return open_judges(self.settings.judge, self.folder, self.records, self.progress)

    def scorer(self, name: str) -> Scorer | None:
        """Return the scorer called `name`, of a judge too; None if there is none."""
        known = known_scorers(self.settings.comparison)
        if name in known or not self.settings.judge.models:  # judges open the records, and looking must not make them
            return known.get(name)
        return next((scorer for scorer in self.judges.scorers if scorer.name == name), None)

    def drafter(self, name: str, pieces: Sequence[Chunk]) -> Drafter:
        """Return the drafter "model" or "templates"; "auto" is the second where the model is a built-in one."""
        builtin = self.settings.model.name.startswith("builtin:")
        chosen = {"auto": "templates" if builtin else "model"}.get(name, name)
        if chosen == "model":
            return Tagged(self.chat_model())
        if chosen == "templates":
            return Templates(pieces, sentence_spans)
        raise SettingsError(f"there is no drafter `{name}`.", remedy="Choose one of: auto, model, templates.")

    def close(self) -> None:
        """Give back what is open: models and the connections of the records."""
        with self._lock:
            self.pool.release()
            records = self.__dict__.pop("records", None)
        if records is not None:
            records.close()

    # --- answering --------------------------------------------------------------------------------

    def candidate(self, name: str) -> Candidate:
        """Return what a candidate's name stands for here."""
        return candidate(name, self.adapters.tuned())

    def check(self, candidates: Sequence[Candidate]) -> None:
        """Refuse early what would fail after hours of work: no training data, or a model that cannot be tuned."""
        if any(candidate.technique for candidate in candidates):
            self.adapters.task().examples()

    def prepare(self, candidate: Candidate) -> None:
        """Build what the candidate lacks: the adapter that its technique makes."""
        if candidate.technique and candidate.adapter:
            self.train(candidate.adapter, candidate.technique)

    def train(self, name: str, technique: str, parent: str | None = None, accepted: Sequence[str] = ()) -> Manifest:
        """Train an adapter unless it is there; no model is held while training holds one of its own."""
        with self._lock:
            return self.adapters.train(name, technique, parent, data_gate(self, technique, accepted))

    def stop_tuning(self, name: str, technique: str, parent: str | None = None) -> str:
        """Stop a job that tunes at a service, and say what became of it."""
        with self._lock:
            return self.adapters.stop(name, technique, parent)

    def estimate(
        self, name: str, technique: str, parent: str | None = None, accepted: Sequence[str] = ()
    ) -> RunEstimate:
        """Return what training would take."""
        with self._lock:
            return self.adapters.estimate(name, technique, parent, data_gate(self, technique, accepted))

    def answerer(self, candidate: Candidate) -> Answerer:
        """Return the candidate, ready to answer; its adapters must be there."""
        for adapter in candidate.adapters:
            self.adapters.check(candidate.name, adapter)
        model = self.model_of(candidate)
        retrieval = self.retrieval() if candidate.grounded else None
        return build(candidate, model, retrieval, self.settings.assistant, self.settings.project.name)

    def retrieval(self) -> Retrieval:
        """Return what grounded candidates retrieve with."""
        threshold = self.threshold().threshold
        return Retrieval(self.knowledge.retrieve, self.knowledge.signature, threshold, self.knowledge.rewriting)

    def answers_at_once(self, candidate: Candidate) -> int:
        """Return how many cases are answered between two saves: few by a model that is asked over a network."""
        model = self.model_of(candidate)
        return model.parallel if isinstance(model, MeteredModel) and model.parallel > 1 else SLICE

    def model_of(self, candidate: Candidate) -> ChatModel:
        """Return the model that the candidate asks, with its adapters."""
        if candidate.adapter and (hosted := self.adapters.hosted(candidate.adapter)) is not None:
            return self.chat_model(hosted)
        return self.chat_model(candidate.model, [self.adapters.folder(name) for name in candidate.adapters])

    def chat_model(self, name: str | None = None, adapters: Sequence[Path] = ()) -> ChatModel:
        """Return the model called `name` (that of `[model]` if None) with a chain of adapters."""
        return self.pool.model(name, adapters)

    # --- when to abstain --------------------------------------------------------------------------

    def threshold(self) -> Fitted:
        """Return from which support on grounded candidates answer: as set, or fitted on the development part.

        What was fitted is kept in the records for as long as documents, retrieval and cases are the same.
        """
        given = self.settings.assistant.min_support
        if given is not None:
            return Fitted(given, None, None, 0, "The threshold is set by `[assistant] min_support`.")
        if not self.cases_file.exists() and "benchmark.cases" not in self.resolved.origins:
            return Fitted(0.0, None, None, 0, "There is no benchmark to fit a threshold on.")
        least = self.settings.assistant.least_answered
        last = digest("whatever the cases are", self.knowledge.signature, str(least))
        try:
            key = digest(self.knowledge.signature, self.benchmark.fingerprint, str(least))
        except InputError as error:
            return self._threshold_without_benchmark(last, error)

        def fit() -> Fitted:
            fitted = self._fit()
            self.records.keep(THRESHOLD, last, fitted)
            return fitted

        with self._lock:
            return self.records.remembered(THRESHOLD, key, fit)

    def _threshold_without_benchmark(self, last: str, error: InputError) -> Fitted:
        """Return the threshold that was fitted while the benchmark could be read, if any, and say so once."""
        kept = self.records.kept(THRESHOLD, last)
        if kept is None:
            kept = Fitted(0.0, None, None, 0, "The benchmark cannot be read, so no threshold is fitted.")
            instead = "no threshold is fitted, so that every question for which there are passages is answered"
        else:
            instead = "the threshold that was fitted before is used"
        if not self._told_of_benchmark:
            self._told_of_benchmark = True
            _log.warning('%s The benchmark decides when to say "I do not know": %s.', error, instead)
        return kept

    def _fit(self) -> Fitted:
        cases = [case for case in self.benchmark.part("development") if not case.clarify]
        texts = self.knowledge.rewriting([case.asked for case in cases])
        searches = [Search(text, case.asker) for text, case in zip(texts, cases, strict=True)]
        passages = self.knowledge.retrieve(searches) if searches else []
        supports = [support(own, case.question) for own, case in zip(passages, cases, strict=True)]
        return fit_threshold(supports, [case.answerable for case in cases], self.settings.assistant.least_answered)
