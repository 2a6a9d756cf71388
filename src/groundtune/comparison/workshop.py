"""The parts of one project, opened when they are first needed and built when they are missing.

The place where layer 1 is joined: retrieval is put into answerers, prompts into training data, adapters into
models. Knows no statistics and no report.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from groundtune.assembly.pool import ModelPool
from groundtune.assistant.abstention import Fitted, fit_threshold, support
from groundtune.assistant.closed_book import ClosedBook
from groundtune.assistant.grounded import Grounded
from groundtune.assistant.prompts import closed_book_messages, grounded_messages, search_text
from groundtune.comparison.candidates import INSTRUCTION_ADAPTER, RAFT_ADAPTER, Recipe, recipe
from groundtune.comparison.judges import Judges, open_judges
from groundtune.errors import InputError, NotComparable, SettingsError
from groundtune.evaluation.benchmark.cases import Benchmark, load_benchmark
from groundtune.evaluation.benchmark.drafting import Drafter
from groundtune.evaluation.benchmark.drafting.tagged import Tagged
from groundtune.evaluation.benchmark.drafting.templates import Templates
from groundtune.evaluation.benchmark.versions import Lock, lock_path, read_lock
from groundtune.files import read_text, write_text
from groundtune.knowledge.embedding import embedder
from groundtune.knowledge.ingest import IngestReport, ingest, passages, texts
from groundtune.knowledge.reranking import reranker
from groundtune.knowledge.search import Depth, search_many
from groundtune.knowledge.stores import open_store
from groundtune.models import local
from groundtune.protocols import (
    Answerer,
    ChatModel,
    Embedder,
    KnowledgeStore,
    MeteredModel,
    Progress,
    Reranker,
    silent,
)
from groundtune.records import Records, open_records
from groundtune.sentences import sentence_spans
from groundtune.settings import Resolved, Settings
from groundtune.tuning.adapters import Manifest, read_manifest
from groundtune.tuning.examples import load_examples
from groundtune.tuning.technique import Task, technique
from groundtune.tuning.training import Base
from groundtune.values import Chunk, Passage, digest

STATE = ".groundtune"
SLICE = 64  # cases that a model on this machine answers between two saves
PRINCIPALS = ("everyone",)
DISTRACTOR_DEPTH = 4  # times the passages of a prompt: leaves distractors for raft when the answer's own are taken out


class Workshop:
    """The parts of the project in `folder`."""

    def __init__(self, folder: Path, resolved: Resolved, progress: Progress = silent) -> None:
        self.folder = folder
        self.resolved = resolved
        self.progress = progress
        self.pool = ModelPool(resolved.settings.model, folder)

    @property
    def settings(self) -> Settings:
        """The resolved settings."""
        return self.resolved.settings

    # --- knowledge --------------------------------------------------------------------------------

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder of `[embedding]`."""
        return embedder(self.settings.embedding)

    @cached_property
    def reranker(self) -> Reranker | None:
        """The reranker of `[knowledge]`, if any."""
        return reranker(self.settings.knowledge.reranker)

    @cached_property
    def store(self) -> KnowledgeStore:
        """The store of `[knowledge]`."""
        return open_store(self.settings.knowledge.store, self.folder, self.embedder)

    def ingest(self, paths: Sequence[Path] | None = None) -> IngestReport:
        """Bring the store up to date with the documents folder."""
        folder = self.folder / self.settings.knowledge.documents
        return ingest(folder, self.store, self.embedder, self.settings.knowledge, paths, self.progress)

    def texts(self) -> dict[str, str]:
        """Return the text of every document in the folder that can be read, by id."""
        return texts(self.folder / self.settings.knowledge.documents)

    def passages(self, size: int) -> list[Chunk]:
        """Return the documents in pieces of at most `size` characters, whatever the store holds."""
        settings = self.settings.knowledge.model_copy(update={"chunk_size": size, "chunk_overlap": 0})
        return passages(self.folder / settings.documents, settings)

    def drafter(self, name: str, pieces: Sequence[Chunk]) -> Drafter:
        """Return the drafter "model" or "templates"; "auto" is the second where the model is a built-in one."""
        builtin = self.settings.model.name.startswith("builtin:")
        chosen = {"auto": "templates" if builtin else "model"}.get(name, name)
        if chosen == "model":
            return Tagged(self.chat_model())
        if chosen == "templates":
            return Templates(pieces, sentence_spans)
        raise SettingsError(f"no drafter is called `{name}`.", remedy="Known here: auto, model, templates.")

    def retrieve(
        self, texts: Sequence[str], limit: int | None = None, principals: Sequence[str] = PRINCIPALS
    ) -> list[list[Passage]]:
        """Return the passages for each text, best first. Raises `InputError` while nothing is ingested."""
        if not self.store.documents():
            raise InputError(
                "the knowledge store is empty.", place=self.settings.knowledge.store, remedy="Run `groundtune ingest`."
            )
        knowledge = self.settings.knowledge
        depth = Depth(limit or knowledge.passages, knowledge.reranked, knowledge.candidates)
        return search_many(self.store, self.embedder, texts, depth, principals, self.reranker)

    @property
    def retrieval_signature(self) -> str:
        """All that can change which passages are found."""
        knowledge = self.settings.knowledge
        order = "none" if self.reranker is None else f"{knowledge.reranked}|{self.reranker.signature}"
        return (
            f"revision:{self.store.revision()}|passages:{knowledge.passages}|candidates:{knowledge.candidates}"
            f"|{self.embedder.signature}|reranked:{order}"
        )

    # --- benchmark and records --------------------------------------------------------------------

    @cached_property
    def benchmark(self) -> Benchmark:
        """The cases of `[benchmark]`."""
        settings = self.settings.benchmark
        return load_benchmark(self.folder / settings.cases, settings.development_share)

    @property
    def lock(self) -> Lock | None:
        """The frozen version of the benchmark, if there is one."""
        return read_lock(lock_path(self.folder / self.settings.benchmark.cases))

    @cached_property
    def records(self) -> Records:
        """The records of `[records]`."""
        return open_records(self.settings.records.url, self.folder)

    # --- judges -----------------------------------------------------------------------------------

    @cached_property
    def judges(self) -> Judges:
        """The judges of `[judge]`."""
        return open_judges(self.settings.judge, self.folder, self.folder / STATE, self.progress)

    # --- adapters ---------------------------------------------------------------------------------

    def adapter_folder(self, name: str) -> Path:
        """Return where the adapter `name` is or will be."""
        return self.folder / STATE / "adapters" / name

    def adapters(self) -> list[str]:
        """Return the names of the finished adapters."""
        found = sorted((self.folder / STATE / "adapters").glob("*/manifest.json"))
        return [path.parent.name for path in found]

    def build_adapter(self, name: str, technique_name: str) -> Manifest:
        """Train the adapter unless it is there already, made of the same model, data and settings."""
        self.pool.release()  # training holds a model of its own
        return technique(technique_name).run(self.task(), self.adapter_folder(name), self.progress)

    def task(self) -> Task:
        """Return what techniques tune with: the data, and prompts and retrieval as serving has them."""
        assistant, name = self.settings.assistant, self.settings.project.name
        return Task(
            base=self._base(),
            examples=lambda: load_examples(self.folder / self.settings.tuning.examples),
            settings=self.settings.tuning,
            record=self.resolved.record(),
            closed_book=partial(closed_book_messages, assistant, name),
            grounded=partial(grounded_messages, assistant, name),
            search_text=search_text,
            retrieve=partial(self.retrieve, limit=DISTRACTOR_DEPTH * self.settings.knowledge.passages),
            passages=self.settings.knowledge.passages,
            unknown=assistant.unknown,
        )

    def _base(self) -> Base:
        name = self.settings.model.name
        scheme, _, rest = name.partition(":")
        if scheme not in local.SCHEMES:
            raise SettingsError(
                f"`{name}` cannot be tuned here.",
                remedy="Tune a builtin:, hf: or path: model, or compare `base` and `rag` only.",
            )
        source = local.locate_weights(scheme, rest, self.folder)
        weights = local.fingerprint(Path(source)) if Path(source).is_dir() else source
        return Base(name, weights, partial(local.load, source))

    # --- answering --------------------------------------------------------------------------------

    def chat_model(self, adapter: Path | None = None) -> ChatModel:
        """Return the model of `[model]`, with an adapter or without."""
        return self.pool.model(None, () if adapter is None else (adapter,))

    def recipe(self, name: str) -> Recipe:
        """Return what a candidate's name stands for here."""
        return recipe(name, self.adapters())

    def check(self, candidates: Sequence[Recipe]) -> None:
        """Refuse before hours of work what would fail after them: no training data, or a model not to be tuned."""
        if any(candidate.adapter in (INSTRUCTION_ADAPTER, RAFT_ADAPTER) for candidate in candidates):
            self.task().examples()

    def prepare(self, candidate: Recipe) -> None:
        """Build what the candidate lacks: its adapter."""
        if candidate.adapter == INSTRUCTION_ADAPTER:
            self.build_adapter(INSTRUCTION_ADAPTER, "instruction")
        if candidate.adapter == RAFT_ADAPTER:
            self.build_adapter(RAFT_ADAPTER, "raft")

    def answerer(self, candidate: Recipe) -> Answerer:
        """Return the candidate, ready to answer; its adapter must be there."""
        folder = None if candidate.adapter is None else self.adapter_folder(candidate.adapter)
        if folder is not None:
            self._check_adapter(candidate.name, folder)
        model = self.chat_model(folder)
        settings, name = self.settings.assistant, self.settings.project.name
        if not candidate.grounded:
            return ClosedBook(model, settings, name)
        return Grounded(model, self.retrieve, settings, name, self.threshold().threshold, self.retrieval_signature)

    def answers_at_once(self, candidate: Recipe) -> int:
        """Return how many cases are answered between two saves: few by a model that is asked over a network."""
        folder = None if candidate.adapter is None else self.adapter_folder(candidate.adapter)
        model = self.chat_model(folder)
        return model.parallel if isinstance(model, MeteredModel) and model.parallel > 1 else SLICE

    def _check_adapter(self, candidate: str, folder: Path) -> None:
        manifest = read_manifest(folder)
        if manifest is None:
            raise InputError(
                f"candidate `{candidate}` has not been tuned yet.", place=folder, remedy="Run `groundtune compare`."
            )
        if manifest.base_weights != self._base().weights:
            raise NotComparable(
                f"candidate `{candidate}` was tuned on {manifest.base_model}, and `[model] name` is now another model.",
                place=folder,
                remedy="Tune it again, or set the model back.",
            )

    def threshold(self) -> Fitted:
        """Return from which support on grounded candidates answer: as set, or fitted on the development part.

        What was fitted is kept in the project's state folder for as long as documents, retrieval and cases are
        the same.
        """
        given = self.settings.assistant.min_support
        if given is not None:
            return Fitted(given, None, None, 0, "set by `[assistant] min_support`")
        if not (self.folder / self.settings.benchmark.cases).is_file():
            return Fitted(0.0, None, None, 0, "there is no benchmark to fit it on")
        key = digest(self.retrieval_signature, self.benchmark.fingerprint, str(self.settings.assistant.least_answered))
        fitted = remembered(self.folder / STATE / "threshold.json", key, lambda: asdict(self._fit()))
        return Fitted(**fitted)

    def _fit(self) -> Fitted:
        cases = self.benchmark.part("development")
        found = self.retrieve([search_text(case.question, case.history) for case in cases]) if cases else []
        supports = [support(passages, case.question) for passages, case in zip(found, cases, strict=True)]
        return fit_threshold(supports, [case.answerable for case in cases], self.settings.assistant.least_answered)


def remembered(path: Path, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what was kept in `path` under `key`, or make and keep it; one file keeps one key."""
    if path.is_file():
        kept = json.loads(read_text(path))
        if kept["key"] == key:
            return dict(kept["value"])
    value = make()
    write_text(path, json.dumps({"key": key, "value": value}))
    return value
