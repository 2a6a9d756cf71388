"""A project: a folder with `groundtune.toml`, and all that can be done with it from Python.

The command line and the service are thin layers over this class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from groundtune.comparison.compare import compare
from groundtune.comparison.human import Import, human_report, make_study, take_sheets, with_human_scores
from groundtune.comparison.report.data import Report, as_json
from groundtune.comparison.workshop import PRINCIPALS, Workshop
from groundtune.errors import SettingsError
from groundtune.evaluation.benchmark import Benchmark, CaseLine, EvidenceProblem, check_evidence
from groundtune.evaluation.human.results import HumanReport
from groundtune.evaluation.human.study import Study
from groundtune.evaluation.human.unexpected import draft_unexpected
from groundtune.knowledge.ingest import IngestReport
from groundtune.protocols import Answerer, Progress, silent
from groundtune.settings import FILE_NAME, Settings, load
from groundtune.tuning.adapters import Manifest
from groundtune.values import Answer, Message, Passage


def open_project(
    path: str | Path = ".", flags: Mapping[str, object] | None = None, progress: Progress = silent
) -> Project:
    """Open the project in the folder `path`; `flags` override settings ({"tuning.steps": 40}).

    Raises `SettingsError` where there is no project, or a setting is wrong.
    """
    folder = Path(path).resolve()
    if not (folder / FILE_NAME).is_file():
        raise SettingsError(
            f"there is no {FILE_NAME}.",
            place=folder,
            remedy="Name the folder with --project, or run `groundtune init`.",
        )
    return Project(Workshop(folder, load(folder, flags), progress))


class Project:
    """An open project. Parts are opened when they are first needed."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    @property
    def folder(self) -> Path:
        """Where `groundtune.toml` is."""
        return self.workshop.folder

    @property
    def settings(self) -> Settings:
        """The resolved settings."""
        return self.workshop.settings

    @property
    def benchmark(self) -> Benchmark:
        """The expert cases."""
        return self.workshop.benchmark

    def ingest(self, paths: Sequence[str | Path] = ()) -> IngestReport:
        """Bring the knowledge store up to date with the documents, or with those below `paths` only."""
        return self.workshop.ingest([Path(path) for path in paths] or None)

    def has_knowledge(self) -> bool:
        """Tell whether anything has been ingested."""
        return bool(self.workshop.store.documents())

    def check_benchmark(self) -> list[EvidenceProblem]:
        """Return the gold quotes that do not stand in their documents, as the documents are now."""
        return check_evidence(self.benchmark.cases, self.workshop.texts())

    def tune(self, name: str, technique: str) -> Manifest:
        """Train the adapter `name` by "instruction" or "raft", unless it is there already."""
        return self.workshop.build_adapter(name, technique)

    def search(self, query: str, limit: int | None = None, principals: Sequence[str] = PRINCIPALS) -> list[Passage]:
        """Return passages for `query` that `principals` may read, best first."""
        return self.workshop.retrieve([query], limit, principals)[0]

    def answerer(self, candidate: str) -> Answerer:
        """Return a candidate ("base", "rag", …) as an `Answerer`; a tuned one must have been tuned."""
        return self.workshop.answerer(self.workshop.recipe(candidate))

    def ask(self, question: str, candidate: str = "rag", history: Sequence[Message] = ()) -> Answer:
        """Answer one question."""
        return self.answerer(candidate).answer(question, history)

    def compare(self, candidates: Sequence[str] = ()) -> Report:
        """Build what is missing, run the candidates on the test part, recommend, and keep the report in the records."""
        names = candidates or self.settings.comparison.candidates
        report = with_human_scores(self.workshop, compare(self.workshop, names, datetime.now(UTC)))
        self.workshop.records.save_comparison(as_json(report))
        return report

    def assign_raters(
        self, raters: Sequence[str], candidates: Sequence[str] = (), study: str = "study"
    ) -> tuple[Study, list[Path]]:
        """Assign the latest comparison's answers to raters; return the study and the paths of its key and sheets."""
        return make_study(self.workshop, study, raters, candidates, datetime.now(UTC))

    def import_ratings(self, files: Sequence[str | Path], study: str = "study") -> Import:
        """Take sheets that came back; what is wrong with them is among the result."""
        return take_sheets(self.workshop, study, [Path(file) for file in files])

    def human_report(self, study: str = "study") -> HumanReport:
        """Return what people said of each candidate, as far as sheets have come back."""
        return human_report(self.workshop, study)

    def draft_unexpected(self, per_kind: int = 5) -> list[CaseLine]:
        """Return drafts of unexpected queries, made of the benchmark and the documents."""
        rng = np.random.default_rng(self.settings.human.seed)
        return draft_unexpected(self.benchmark.cases, self.workshop.texts(), per_kind, rng)
