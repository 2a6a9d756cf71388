"""A project: a folder with `groundtune.toml`, and all that can be done with it from Python.

The command line and the service are thin layers over this class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from groundtune.comparison.calibrate import Calibration, calibrate, prefer
from groundtune.comparison.compare import compare
from groundtune.comparison.report.data import Report, as_json
from groundtune.comparison.workshop import PRINCIPALS, Workshop
from groundtune.errors import SettingsError
from groundtune.evaluation.benchmark import Benchmark, EvidenceProblem, check_evidence
from groundtune.evaluation.judge.pairwise import Preference
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

    def calibrate_judges(
        self,
        ratings: str | Path,
        answers: str | Path | None = None,
        scale: tuple[float, float] | None = None,
        pairs: int = 50,
    ) -> Calibration:
        """Hold the judges of `[judge]` against human ratings of the answers in the records, or in `answers`."""
        file = None if answers is None else Path(answers)
        return calibrate(self.workshop, Path(ratings), datetime.now(UTC), answers_file=file, scale=scale, pairs=pairs)

    def prefer(
        self, one: str, other: str, criterion: str | None = None, answers: str | Path | None = None
    ) -> dict[str, Preference]:
        """Return which candidate's answers each judge prefers, asked in both orders, by judge."""
        return prefer(self.workshop, one, other, criterion, None if answers is None else Path(answers))

    def compare(self, candidates: Sequence[str] = ()) -> Report:
        """Build what is missing, run the candidates on the test part, recommend, and keep the report in the records."""
        names = candidates or self.settings.comparison.candidates
        report = compare(self.workshop, names, datetime.now(UTC))
        self.workshop.records.save_comparison(as_json(report))
        return report
