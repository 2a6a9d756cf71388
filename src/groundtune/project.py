"""A project: a folder with `groundtune.toml`, and all that can be done with it from Python.

The command line and the service are thin layers over this class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from groundtune.comparison.calibrate import Calibration, calibrate, prefer
from groundtune.comparison.compare import compare
from groundtune.comparison.human import Import, human_report, make_study, take_sheets, with_human_scores
from groundtune.comparison.pilot import pilot
from groundtune.comparison.report.data import Report, as_json
from groundtune.comparison.summary import PART
from groundtune.comparison.workshop import PRINCIPALS, STATE, Workshop
from groundtune.errors import SettingsError
from groundtune.evaluation.benchmark.cases import Benchmark, CaseLine
from groundtune.evaluation.benchmark.checks import Finding, check_benchmark, read_said
from groundtune.evaluation.benchmark.drafting import PASSAGE, Kind
from groundtune.evaluation.benchmark.drafting.drafts import Shelf, Tally, draft_cases
from groundtune.evaluation.benchmark.drafting.unexpected import draft_unexpected
from groundtune.evaluation.benchmark.review import CaseFiles, Reviewed, export_cases, review_cases
from groundtune.evaluation.benchmark.versions import Changes, Lock, freeze, lock_path
from groundtune.evaluation.human.results import HumanReport
from groundtune.evaluation.human.study import Study
from groundtune.evaluation.judge.pairwise import Preference
from groundtune.evaluation.statistics.planning import Pilot, Plan, plan
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
        return not self.workshop.store.is_empty()

    def check_benchmark(self) -> list[Finding]:
        """Return what is wrong or doubtful about the benchmark, with documents and training data as they are now."""
        tuning = self.settings.tuning
        training = [
            said for file in (tuning.examples, tuning.preferences) for said in read_said(self.folder / file, file)
        ]
        return check_benchmark(self.benchmark, self.settings.benchmark.cases, self.workshop.texts(), training)

    def plan_benchmark(self) -> tuple[Plan | None, Pilot | None]:
        """Return what the test part can show of as many candidates as are compared, and the earlier run it rests on."""
        comparison = self.settings.comparison
        found = pilot(self.workshop)
        planned = plan(
            [case.group for case in self.benchmark.part(PART)],
            len(set(comparison.candidates)),
            pilot=found,
            unit=100.0 if comparison.decide_by == "bleu" else 1.0,
            confidence=comparison.confidence,
        )
        return planned, found

    def draft_benchmark(
        self, wanted: Mapping[Kind, int], drafter: str = "auto", seed: int = 17
    ) -> tuple[str, dict[Kind, Tally]]:
        """Propose cases from the documents until there are as many as `wanted`; return who drafted and what came of it.

        Drafts are appended to the file of `[benchmark] drafts` as they come; called again, it goes on from there.
        """
        settings = self.settings.benchmark
        pieces = self.workshop.passages(PASSAGE)
        chosen = self.workshop.drafter(drafter, pieces)
        shelf = Shelf(
            self.folder / settings.drafts, self.folder / STATE / "drafting.jsonl", self.folder / settings.cases
        )
        texts, progress = self.workshop.texts(), self.workshop.progress
        return chosen.author, draft_cases(chosen, pieces, texts, wanted, shelf, seed=seed, progress=progress)

    def export_benchmark(self, path: Path, *, everything: bool = False) -> int:
        """Write the drafts, or all cases, to a .csv, .xlsx or .jsonl file for review; return how many."""
        return export_cases(self._case_files(), path, everything=everything)

    def review_benchmark(self, path: Path, reviewer: str = "") -> Reviewed:
        """Take over what experts decided in an exported file: all of it or, if any row has a fault, nothing."""
        share = self.settings.benchmark.development_share
        return review_cases(self._case_files(), path, self.workshop.texts(), reviewer=reviewer, development_share=share)

    def freeze_benchmark(self, day: date) -> tuple[Lock, Changes]:
        """Freeze the benchmark as it is, on `day`; a changed one becomes the next version."""
        return freeze(lock_path(self.folder / self.settings.benchmark.cases), self.benchmark, day)

    def _case_files(self) -> CaseFiles:
        settings = self.settings.benchmark
        return CaseFiles(self.folder / settings.cases, self.folder / settings.drafts)

    def tune(self, name: str, technique: str) -> Manifest:
        """Train the adapter `name` by "instruction" or "raft", unless it is there already."""
        return self.workshop.build_adapter(name, technique)

    def search(
        self,
        query: str,
        limit: int | None = None,
        principals: Sequence[str] = PRINCIPALS,
        where: Mapping[str, str] | None = None,
    ) -> list[Passage]:
        """Return passages for `query` that `principals` may read, best first.

        `where` keeps documents whose metadata has these values, as in {"author": "Ada"}.
        """
        return self.workshop.retrieve([query], limit, principals, where)[0]

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
