"""A project: a folder with `groundtune.toml`, and all that can be done with it from Python.

The command line and the service are thin layers over this class. Wrong use is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType

import numpy as np

from groundtune.assembly.asker import principals
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.bias import with_bias
from groundtune.assembly.candidates import Candidate, available, registered
from groundtune.assembly.data import DataCheck, check_data
from groundtune.assembly.export import export_tuned
from groundtune.assembly.knowledge import KnowledgeBase
from groundtune.assembly.learning import Learning
from groundtune.assembly.said import read_said
from groundtune.comparison.calibrate import Calibration, calibrate, prefer
from groundtune.comparison.compare import compare
from groundtune.comparison.feedback import ProjectFeedback
from groundtune.comparison.gate import Gate, GateFinding
from groundtune.comparison.human import Import, human_report, make_study, take_sheets, with_human_scores
from groundtune.comparison.pilot import pilot
from groundtune.comparison.report.data import Report, as_json
from groundtune.comparison.retrieval.train import EncoderTraining, train_retrieval
from groundtune.comparison.retrieval.tune import RetrievalTuning, tune_retrieval
from groundtune.comparison.summary import PART
from groundtune.errors import SettingsError
from groundtune.evaluation.benchmark.cases import Benchmark, CaseLine
from groundtune.evaluation.benchmark.checks import BenchmarkFinding, check_benchmark
from groundtune.evaluation.benchmark.drafting import PASSAGE, DraftKind
from groundtune.evaluation.benchmark.drafting.drafts import Shelf, Tally, draft_cases
from groundtune.evaluation.benchmark.drafting.unexpected import draft_unexpected
from groundtune.evaluation.benchmark.frozen import Frozen
from groundtune.evaluation.benchmark.review import CaseFiles, Reviewed, export_cases, review_cases
from groundtune.evaluation.benchmark.versions import Changes, freeze, lock_path
from groundtune.evaluation.human.results import HumanReport
from groundtune.evaluation.human.study import Study
from groundtune.evaluation.judge.pairwise import Preference
from groundtune.files import PLAIN_NAME, within
from groundtune.knowledge.ingest import IngestReport
from groundtune.protocols import Answerer, Progress, silent
from groundtune.records import RunRecord
from groundtune.records.kinds import COMPARISON, EVALUATION, ComparisonKind
from groundtune.settings import QUICK, Settings, load_project
from groundtune.standalone import check_gate, load_gate
from groundtune.statistics.planning import BenchmarkPlan, Pilot, plan
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.estimate import RunEstimate
from groundtune.tuning.export import Exported
from groundtune.values import EVERYONE, Answer, Message, Passage, Question, Search


def open_project(
    path: str | Path = ".",
    flags: Mapping[str, object] | None = None,
    progress: Progress = silent,
    *,
    quick: bool = False,
) -> Project:
    """Open the project in the folder `path`; `flags` override settings ({"tuning.steps": 40}), `quick` takes the
    settings of a first look where no flag says otherwise.

    Raises `SettingsError` where there is no project, or a setting is wrong.
    """
    folder = Path(path).resolve()
    return Project(Assembly(folder, load_project(folder, {**(QUICK if quick else {}), **(flags or {})}), progress))


class Project:
    """An open project. Parts are opened when they are first needed; `close`, or the end of `with`, gives them back."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back models and the connections of the records; what is needed later is opened again."""
        self.assembly.close()

    @property
    def folder(self) -> Path:
        """Where `groundtune.toml` is."""
        return self.assembly.folder

    @property
    def settings(self) -> Settings:
        """The resolved settings."""
        return self.assembly.settings

    @property
    def benchmark(self) -> Benchmark:
        """The expert cases."""
        return self.assembly.benchmark

    @property
    def knowledge(self) -> KnowledgeBase:
        """The knowledge base: what is held of the documents."""
        return self.assembly.knowledge

    @property
    def feedback(self) -> ProjectFeedback:
        """What users think of answers."""
        return ProjectFeedback(self.assembly)

    @property
    def learning(self) -> Learning:
        """Knowledge proposed from conversations, and what reviewers decide about it."""
        return Learning(self.assembly)

    def ingest(self, paths: Sequence[str | Path] = (), *, verify: bool = False) -> IngestReport:
        """Bring the knowledge store up to date with the documents, or with those below `paths`; see its `ingest`."""
        return self.assembly.knowledge.ingest([Path(path) for path in paths] or None, verify=verify)

    def has_knowledge(self) -> bool:
        """Tell whether anything has been ingested."""
        return not self.assembly.knowledge.is_empty()

    def check_benchmark(self) -> list[BenchmarkFinding]:
        """Return what is wrong or doubtful about the benchmark, with documents and training data as they are now."""
        tuning, documents = self.settings.tuning, self.assembly.knowledge.in_folder()
        files = (tuning.examples, tuning.preferences)
        training = [said for file in files for said in read_said(within(self.folder, file), file)]
        return check_benchmark(self.benchmark, self.settings.benchmark.cases, documents, training)

    def check_data(self, paths: Sequence[str | Path] = (), repair: str | Path | None = None) -> DataCheck:
        """Check training data: the files at `paths`, or those of `[tuning]` that exist.

        `repair` is a folder for a copy without what is wrong; the original is not changed.
        """
        return check_data(self.assembly, [Path(path) for path in paths], None if repair is None else Path(repair))

    def plan_benchmark(self) -> tuple[BenchmarkPlan | None, Pilot | None]:
        """Return what the test part can show of as many candidates as are compared, and the earlier run it rests on."""
        comparison = self.settings.comparison
        earlier = pilot(self.assembly)
        scorer = self.assembly.scorer(comparison.decide_by)
        planned = plan(
            [case.group for case in self.benchmark.part(PART)],
            len(set(self._compared())),
            pilot=earlier,
            unit=scorer.scale[1] - scorer.scale[0] if scorer else 1.0,
            confidence=comparison.confidence,
        )
        return planned, earlier

    def draft_benchmark(
        self, wanted: Mapping[DraftKind, int], drafter: str = "auto", seed: int = 17
    ) -> tuple[str, dict[DraftKind, Tally]]:
        """Propose cases from the documents until there are as many as `wanted`; return who drafted and what came of it.

        Drafts are appended to the file of `[benchmark] drafts` as they are made: call it again to resume.
        """
        settings, pieces = self.settings.benchmark, self.assembly.knowledge.passages(PASSAGE)
        chosen = self.assembly.drafter(drafter, pieces)
        drafts, state = within(self.folder, settings.drafts), self.assembly.state / "drafting.jsonl"
        shelf = Shelf(drafts, state, self.assembly.cases_file, settings.draft_as)
        texts, progress = self.assembly.knowledge.texts(), self.assembly.progress
        return chosen.author, draft_cases(chosen, pieces, texts, wanted, shelf, seed=seed, progress=progress)

    def export_benchmark(self, path: Path, *, everything: bool = False) -> int:
        """Write the drafts, or all cases, to a .csv, .xlsx or .jsonl file for review; return how many."""
        return export_cases(self._case_files(), path, everything=everything)

    def review_benchmark(self, path: Path, reviewer: str = "") -> Reviewed:
        """Apply the decisions in an exported file: all of them or, if any row has a fault, none."""
        texts, share = self.assembly.knowledge.texts(), self.settings.benchmark.development_share
        return review_cases(self._case_files(), path, texts, reviewer=reviewer, development_share=share)

    def freeze_benchmark(self, day: date | None = None) -> Frozen:
        """Freeze the benchmark as it is, on `day` (today if None); a changed one becomes the next version.

        Nothing is frozen where `check_benchmark` finds a problem.
        """
        problems = tuple(finding for finding in self.check_benchmark() if finding.problem)
        if problems:
            return Frozen(None, Changes(), problems)
        path = lock_path(self.assembly.cases_file)
        return Frozen(*freeze(path, self.benchmark, day or date.today()))

    def _case_files(self) -> CaseFiles:
        return CaseFiles(self.assembly.cases_file, within(self.folder, self.settings.benchmark.drafts))

    # --- candidates -------------------------------------------------------------------------------

    def candidates(self) -> list[Candidate]:
        """Return all candidates that can be named here."""
        return list(available(self.assembly.adapters.tuned()).values())

    def adapters(self) -> list[str]:
        """Return the names of the finished adapters."""
        return self.assembly.adapters.names()

    def runs(self) -> list[RunRecord]:
        """Return the runs in the records, oldest first."""
        return self.assembly.records.runs()

    def tune(self, name: str, technique: str, parent: str | None = None, accepted: Sequence[str] = ()) -> Manifest:
        """Train the adapter `name` by a technique ("instruction", "raft", …), unless it is there already.

        `parent` is an adapter to train on top of, `accepted` names gates that need not pass. Documents are ingested.

        Raises `SettingsError` for a name that cannot be an adapter's: other characters than letters, digits, - and _,
        or the name of a candidate that is made on demand.
        """
        self._before_tuning(name, technique, parent)
        return with_bias(self.assembly, name, self.assembly.train(name, technique, parent, accepted), accepted)

    def stop_tuning(self, name: str, technique: str, parent: str | None = None) -> str:
        """Stop the job of `tune` where it runs at a service, and say what became of it."""
        self._before_tuning(name, technique, parent)
        return self.assembly.stop_tuning(name, technique, parent)

    def estimate_tuning(
        self, name: str, technique: str, parent: str | None = None, accepted: Sequence[str] = ()
    ) -> RunEstimate:
        """Return what `tune` would take: tokens, seconds and memory, from a few steps of training."""
        self._before_tuning(name, technique, parent)
        return self.assembly.estimate(name, technique, parent, accepted)

    def go_to_round(self, name: str, number: int) -> Manifest:
        """Use round `number` of an adapter made by `continual` from now on."""
        return self.assembly.adapters.go_to_round(name, number)

    def _before_tuning(self, name: str, technique: str, parent: str | None) -> None:
        taken = {*registered(), *(one.adapter for one in registered().values())}
        if not PLAIN_NAME.fullmatch(name):
            raise SettingsError(f"`{name}` cannot be the name of an adapter.", remedy="Use letters, digits, - and _.")
        if name in taken:
            raise SettingsError(
                f"`{name}` is reserved for a candidate that `groundtune compare` makes by itself.",
                remedy="Choose another name.",
            )
        self.assembly.adapters.refuse_wrong(technique, parent)
        self.ingest()

    def tune_retrieval(self, *, write: bool = True) -> RetrievalTuning:
        """Find the retrieval pipeline that fits the documents, which are ingested first, by the development cases.

        With `write` it is put into `groundtune.toml`: open the project anew to use it. See `groundtune retrieval tune`.
        """
        self.ingest()
        return tune_retrieval(self.assembly, write=write)

    def train_retrieval(self, name: str) -> EncoderTraining:
        """Ingest, train the encoder of `[embedding]` as `name`, and measure it: see `groundtune retrieval train`."""
        return train_retrieval(self.assembly, name)

    def adapters_of(self, candidate: str) -> tuple[str, ...]:
        """Return the names of the adapters that a candidate puts on the model, in order."""
        return self.assembly.candidate(candidate).adapters

    def adapter_folder(self, name: str) -> Path:
        """Return where the adapter `name` is: of several versions, the one that is used with the present settings."""
        return self.assembly.adapters.folder(name)

    def export(self, name: str, to: str, folder: str | Path, numbers: str | None = None) -> Exported:
        """Write the adapter `name` for other programs into `folder`, which must be new or empty.

        `to` is "merged" (whole weights for transformers), "adapter" (one LoRA for vLLM) or "gguf"; `numbers` is how
        weights are written ("f32", "f16", "bf16"), the format's default if None.

        Raises `InputError` for an adapter that is not there or was changed since, a full disk, and what the format has
        no room for; `SettingsError` for another format.
        """
        return export_tuned(self.assembly, name, to, Path(folder).absolute(), numbers)

    def search(
        self,
        query: str = "",
        limit: int | None = None,
        asker: Sequence[str] = EVERYONE,
        where: Mapping[str, str] | None = None,
        file: str | Path | None = None,
    ) -> list[Passage]:
        """Return passages for `query` that the principals of `asker` may read, best first.

        `where` keeps documents whose metadata has these values, as in {"author": "Ada"}. `file` is a picture or a
        recording: documents are found that are like it and, without a query, those that its own words find.

        Raises `SettingsError` for an empty query or asker, `InputError` and `UnreadableDocument` for a file that cannot
        be asked with.
        """
        if not query.strip() and file is None:
            raise SettingsError("the query is empty.", remedy='Write groundtune search "early termination fee".')
        search = Search(query, principals(asker), where or {}, None if file is None else Path(file))
        return self.assembly.knowledge.retrieve([search], limit)[0]

    def answerer(self, candidate: str) -> Answerer:
        """Return a candidate ("base", "rag", …) as an `Answerer`; a tuned one must have been tuned.

        A grounded one ingests the documents if nothing has been ingested yet.
        """
        chosen = self.assembly.candidate(candidate)
        if chosen.grounded and not self.has_knowledge():
            self.ingest()
        return self.assembly.answerer(chosen)

    def ask(
        self,
        question: str,
        candidate: str = "rag",
        history: Sequence[Message] = (),
        asker: Sequence[str] = EVERYONE,
    ) -> Answer:
        """Answer one question, from what the principals of `asker` may read: exactly those, as in ["staff"].

        Raises `SettingsError` for an empty question or asker.
        """
        if not question.strip():
            raise SettingsError("the question is empty.", remedy='Write groundtune ask "How much is …?"')
        return self.answerer(candidate).answer(Question(question, tuple(history), principals(asker)))

    # --- judging and comparing --------------------------------------------------------------------

    def calibrate_judges(
        self,
        ratings: str | Path,
        answers: str | Path | None = None,
        scale: tuple[float, float] | None = None,
        pairs: int = 50,
    ) -> Calibration:
        """Compare the judges of `[judge]` with human ratings of the answers in the records, or in `answers`."""
        file = None if answers is None else Path(answers)
        return calibrate(self.assembly, Path(ratings), datetime.now(UTC), answers_file=file, scale=scale, pairs=pairs)

    def prefer(
        self, candidate: str, other: str, criterion: str | None = None, answers: str | Path | None = None
    ) -> dict[str, Preference]:
        """Return by judge which candidate's answers it prefers, asked in both orders."""
        return prefer(self.assembly, candidate, other, criterion, None if answers is None else Path(answers))

    def compare(self, candidates: Sequence[str] = ()) -> Report:
        """Build what is missing, run the candidates on the test part, recommend, and keep the report in the records.

        It is then the latest comparison, if it is of several candidates.
        """
        return self._run(self._compared(candidates), COMPARISON)

    def evaluate(self, candidates: Sequence[str]) -> Report:
        """Run candidates as `compare` does, by themselves: what was compared last stays the latest comparison."""
        return self._run(candidates, EVALUATION)

    def _run(self, candidates: Sequence[str], kind: ComparisonKind) -> Report:
        report = compare(self.assembly, candidates, datetime.now(UTC))
        report = with_human_scores(self.assembly, report)
        self.assembly.records.save_comparison(as_json(report), kind)
        return report

    def open_gate(self, path: str | Path, candidates: Sequence[str] = ()) -> Gate:
        """Read a gate for a comparison of `candidates` (those of `[comparison]` if none), before anything is run.

        Raises `InputError` for an invalid file, and for a candidate that will not be run.
        """
        return load_gate(path, self._compared(candidates))

    def check_gate(self, gate: Gate, report: Report) -> list[GateFinding]:
        """Check a report against a gate: a finding for each scorer that it limits."""
        return check_gate(gate, report, self.settings.comparison)

    def _compared(self, candidates: Sequence[str] = ()) -> Sequence[str]:
        return candidates or self.settings.comparison.candidates or list(registered())

    def assign_raters(
        self, raters: Sequence[str], candidates: Sequence[str] = (), study: str = "study"
    ) -> tuple[Study, list[Path]]:
        """Assign the latest comparison's answers to raters; return the study and the paths of its key and sheets."""
        return make_study(self.assembly, study, raters, candidates, datetime.now(UTC))

    def import_ratings(self, files: Sequence[str | Path], study: str = "study") -> Import:
        """Import returned sheets; the result lists what is wrong with any of them."""
        return take_sheets(self.assembly, study, [Path(file) for file in files])

    def human_report(self, study: str = "study") -> HumanReport:
        """Return how people rated each candidate, from the sheets returned so far."""
        return human_report(self.assembly, study)

    def draft_unexpected(self, per_kind: int = 5) -> list[CaseLine]:
        """Return drafts of unexpected queries, made of the benchmark and the documents."""
        rng = np.random.default_rng(self.settings.human.seed)
        return draft_unexpected(self.benchmark.cases, self.assembly.knowledge.texts(), per_kind, rng)
