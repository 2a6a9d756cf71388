"""`groundtune retrieval tune`: measure pipelines on the development cases within a time, choose one, and look at the
test cases once.

Recall of the experts' evidence is what counts: no model answers. Pictures and recordings take no part. Pipelines that
hand over more text than allowed are left out; those for which there is no time, or a part is missing, are reported.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.finding import PassageFinder
from groundtune.assembly.trials import KeptTexts, Trial, drop_leftovers, only_trials
from groundtune.comparison.retrieval.cases import SEED, method_of, searches_of, unanswered, with_passages
from groundtune.comparison.retrieval.choosing import SCORER, PipelineChoice, choose
from groundtune.comparison.retrieval.pipelines import Measured, Pipeline, numbers, ways
from groundtune.errors import GroundtuneError, InputError
from groundtune.evaluation.scorers.retrieval import retrieval_recall
from groundtune.knowledge.reranking import reranker
from groundtune.protocols import Progress, Reranker
from groundtune.settings import write_settings
from groundtune.statistics.comparing import compare
from groundtune.values import Case, Difference, Passage, Score, Search

AT_ONCE = 16  # questions between two looks at the time
TIMED = 10  # questions that are asked one by one to learn what one takes
MORE_TEXT = 1.1  # share of the present length of passages that may be handed over


class OutOfTime(Exception):
    """The time is over."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, with any number of passages, and why."""

    pipeline: Pipeline
    reason: str


@dataclass(frozen=True, slots=True)
class RetrievalTuning:
    """What came of it. `cases` counts development cases; `tested` compares the winner with the present pipeline on
    `test_cases` others (None if the winner is the present one, or there are no such cases). `changes` are the settings
    that the winner needs, and `written` tells whether they stand in the file now."""

    cases: int
    test_cases: int
    present: Measured
    measured: tuple[Measured, ...]
    choice: PipelineChoice
    skipped: tuple[Skipped, ...]
    tested: Difference | None
    changes: dict[str, object] = field(default_factory=dict)
    written: bool = False
    seconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune retrieval tune --json` prints it."""
        rows = zip(self.measured, self.choice.differences, strict=True)
        return {
            "cases": self.cases,
            "test_cases": self.test_cases,
            "pipelines": [
                {
                    **asdict(each.pipeline),
                    "recall": each.recall,
                    "difference": asdict(difference.difference),
                    "verdict": difference.verdict,
                    "milliseconds": each.milliseconds,
                    "characters": each.characters,
                }
                for each, difference in rows
            ],
            "present": asdict(self.present.pipeline),
            "winner": asdict(self.choice.winner.pipeline),
            "why": self.choice.why,
            "test": None if self.tested is None else asdict(self.tested),
            "skipped": [asdict(each) for each in self.skipped],
            "changes": self.changes,
            "written": self.written,
            "seconds": round(self.seconds, 1),
        }


def tune_retrieval(assembly: Assembly, *, write: bool) -> RetrievalTuning:
    """Measure, choose, test and, with `write`, put the winner into `groundtune.toml` and its index into the store.

    Raises `InputError` if fewer than two development cases name passages, or another run is at work in this project.
    """
    began = time.monotonic()
    with only_trials(assembly.knowledge):
        return _tuned(_TuningRun(assembly, began + 60 * assembly.settings.retrieval.minutes), began, write=write)


def _tuned(run: _TuningRun, began: float, *, write: bool) -> RetrievalTuning:
    try:
        run.measure_all()
        groups, measured = [case.group for case in run.cases], run.measured
        choice = choose(measured, run.present, groups, run.method, SEED)
        changes = choice.winner.pipeline.changes(run.pipeline)
        tested = run.tested(choice.winner) if changes else None
        if write and changes:
            run.adopt(choice.winner, changes)
    finally:
        run.close()
    return RetrievalTuning(
        cases=len(run.cases),
        test_cases=len(run.test_cases),
        present=run.present,
        measured=tuple(measured),
        choice=choice,
        skipped=tuple(run.skipped),
        tested=tested,
        changes=changes,
        written=write and bool(changes),
        seconds=time.monotonic() - began,
    )


class _TuningRun:
    """One run: the cases, what was measured, and the indexes that were made for it."""

    def __init__(self, assembly: Assembly, ends: float) -> None:
        self._assembly, self._ends = assembly, ends
        self._settings = assembly.settings
        self.method = method_of(assembly.settings.comparison)
        self._base, self._texts = assembly.knowledge, KeptTexts()
        self._trials: dict[tuple[str, int], Trial] = {}
        self._failed: dict[tuple[str, int], OutOfTime | GroundtuneError] = {}
        self._took: dict[str, float] = {}  # seconds that filling an index took, by embedding
        self._rerankers: dict[str, Reranker | None] = {}
        self.pipeline = Pipeline.of(assembly.settings)
        self.cases = with_passages(assembly.benchmark, "development")
        if len({case.group for case in self.cases}) < 2:
            raise InputError(
                "fewer than two development cases name the passages that answer them.",
                place=assembly.cases_file,
                remedy="Write `passages` into more cases; see docs/benchmark.md.",
            )
        self.test_cases = with_passages(assembly.benchmark, "test")
        self._all: list[Measured] = []
        self.skipped: list[Skipped] = []

    @property
    def present(self) -> Measured:
        """What the present pipeline did."""
        return next(each for each in self._all if each.pipeline == self.pipeline)

    @property
    def measured(self) -> list[Measured]:
        """What the pipelines did that hand over no more text than allowed, the present one among them."""
        most = self._settings.retrieval.characters or MORE_TEXT * self.present.characters
        return [each for each in self._all if each.characters <= most or each.pipeline == self.pipeline]

    @cached_property
    def _searches(self) -> list[Search]:
        return searches_of(self.cases, self._base)

    def measure_all(self) -> None:
        """Measure whatever there is time for. The present pipeline comes first and is always measured."""
        fixed = self._base.retriever is not None
        pipelines = ways(self.pipeline, self._settings, fixed_index=fixed)
        for done, pipeline in enumerate(pipelines):
            self._assembly.progress("try pipelines", done, len(pipelines))
            try:
                self._measure(pipeline)
            except (OutOfTime, GroundtuneError) as error:
                if not self._all:
                    raise
                self.skipped.append(Skipped(replace(pipeline, passages=0), _reason(error)))
        self._assembly.progress("try pipelines", len(pipelines), len(pipelines))

    def _trial(self, pipeline: Pipeline) -> Trial:
        """Return the index for a pipeline, filled. Raises `OutOfTime` where there is not enough time for it."""
        place = pipeline.embedding, pipeline.chunk_size
        if place in self._failed:
            raise self._failed[place]
        if place not in self._trials:
            same = place == (self.pipeline.embedding, self.pipeline.chunk_size)
            knowledge = self._base if same else self._base.changed(pipeline.applied(self._settings))
            trial = self._trials[place] = Trial(knowledge, self._texts)
            try:
                self._fill(trial, pipeline.embedding)
            except (OutOfTime, GroundtuneError) as error:
                self._failed[place] = error
                raise
        return self._trials[place]

    def _fill(self, trial: Trial, embedding: str) -> None:
        began = time.monotonic()
        if trial.is_there:
            return
        if began + self._took.get(embedding, 0.0) > self._ends:
            raise OutOfTime
        trial.fill(self._until(self._assembly.progress))
        self._took[embedding] = time.monotonic() - began

    def _until(self, progress: Progress) -> Progress:
        """Return `progress` that ends the work when the time is over."""

        def tell(stage: str, done: int, total: int) -> None:
            if time.monotonic() > self._ends:
                raise OutOfTime
            progress(stage, done, total)

        return tell

    def _finder(self, pipeline: Pipeline) -> PassageFinder:
        settings, name = pipeline.applied(self._settings).knowledge, pipeline.reranker
        if name not in self._rerankers:
            self._rerankers[name] = reranker(settings.located(name))
        return self._trial(pipeline).finder(settings, self._rerankers[name])

    def _measure(self, widest: Pipeline) -> None:
        """Measure a pipeline with every number of passages that is tried. Raises `OutOfTime`."""
        ends = self._ends if self._all else math.inf  # the present one is always measured
        tried = numbers(self.pipeline, self._settings.retrieval.passages)
        if time.monotonic() > ends:
            raise OutOfTime
        finder, searches = self._finder(widest), self._searches
        milliseconds = _timed(finder, searches)
        if time.monotonic() + len(searches) * milliseconds / 1000 > ends:
            raise OutOfTime
        results = _find(finder, searches, tried, ends)
        pipelines = [replace(widest, passages=number) for number in tried]
        self._all += [_measured(*each, self.cases, milliseconds) for each in zip(pipelines, results, strict=True)]

    def tested(self, winner: Measured) -> Difference | None:
        """Return what the winner is better or worse by on the test cases; None without two groups of them."""
        cases = self.test_cases
        if len({case.group for case in cases}) < 2:
            return None
        searches, scores = searches_of(cases, self._base), {}
        for pipeline in (self.pipeline, winner.pipeline):
            (results,) = _find(self._finder(pipeline), searches, [pipeline.passages])
            scores[pipeline.told] = _recalls(cases, results)
        baseline, challenger = scores.values()
        names, rng = tuple(scores), np.random.default_rng(SEED)
        groups, pair = [case.group for case in cases], (names[0], names[1])
        return compare(baseline, challenger, groups, scorer=SCORER, names=pair, method=self.method, rng=rng)

    def adopt(self, winner: Measured, changes: dict[str, object]) -> None:
        """Keep the winner's index, and write its settings down."""
        self._trials[winner.pipeline.embedding, winner.pipeline.chunk_size].keep()
        write_settings(self._assembly.folder, changes)

    def close(self) -> None:
        """Delete the indexes that were made and not kept, also by runs that were killed."""
        for trial in self._trials.values():
            trial.drop()
        if self._base.retriever is None:
            drop_leftovers(self._base)


def _reason(error: Exception) -> str:
    return "there was no time left." if isinstance(error, OutOfTime) else str(error)


def _timed(finder: PassageFinder, searches: Sequence[Search]) -> float:
    """Return the median time that a question takes, in milliseconds, asked one by one. What is opened with the first
    question does not count.
    """
    finder.find(searches[:1])
    taken = []
    for search in searches[:TIMED]:
        began = time.perf_counter()
        finder.find([search])
        taken.append(1000 * (time.perf_counter() - began))
    return float(np.median(taken))


def _find(
    finder: PassageFinder, searches: Sequence[Search], numbers: Sequence[int], ends: float = math.inf
) -> list[list[list[Passage]]]:
    """Return the passages of each search, for each number of them. Raises `OutOfTime` when it is later than `ends`."""
    results: list[list[list[Passage]]] = [[] for _ in numbers]
    for start in range(0, len(searches), AT_ONCE):
        if time.monotonic() > ends:
            raise OutOfTime
        some = searches[start : start + AT_ONCE]
        ranked = finder.ranked(some, max(numbers))
        several = [finder.shown([passages[:number] for passages in ranked], some) for number in numbers]
        for own, new in zip(results, several, strict=True):
            own += new
    return results


def _measured(
    pipeline: Pipeline, results: Sequence[list[Passage]], cases: Sequence[Case], milliseconds: float
) -> Measured:
    characters = float(np.mean([sum(len(passage.text) for passage in own) for own in results]))
    return Measured(pipeline, _recalls(cases, results), milliseconds, characters)


def _recalls(cases: Sequence[Case], results: Sequence[list[Passage]]) -> list[Score]:
    return [retrieval_recall(case, unanswered(own)) for case, own in zip(cases, results, strict=True)]
