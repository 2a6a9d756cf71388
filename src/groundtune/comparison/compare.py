"""The main job: build what is missing, run every candidate on the same frozen cases, compare, recommend.

Finished work is kept as it is made: killed at any point and called again, it goes on from there.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from groundtune.comparison.candidates import Recipe
from groundtune.comparison.recommend import Contender, Ground, recommend
from groundtune.comparison.report.data import (
    BenchmarkFacts,
    CandidateResult,
    CaseRow,
    Curve,
    Latency,
    Report,
    Setting,
    Spread,
    TokenUse,
)
from groundtune.comparison.report.scorers import describe
from groundtune.comparison.workshop import STATE, Workshop, remembered
from groundtune.errors import InputError
from groundtune.evaluation import statistics
from groundtune.evaluation.run import answer_cases, score_answers
from groundtune.evaluation.scorers import scorers as all_scorers
from groundtune.evaluation.scorers.bleu import corpus_bleu
from groundtune.protocols import Answerer, Scorer
from groundtune.tuning.adapters import read_manifest
from groundtune.values import Answer, Case, Failure, Score, Split, digest

PART: Split = "test"
VERSIONS = ("groundtune", "torch", "transformers", "trl", "peft", "sentence-transformers", "lancedb", "sacrebleu")


@dataclass(frozen=True, slots=True)
class Run:
    """One candidate over the cases, with its scores by scorer and case id."""

    candidate: Recipe
    signature: str
    outcomes: Mapping[str, Answer | Failure]
    scores: Mapping[str, Mapping[str, Score]]
    latency: Latency


def compare(workshop: Workshop, names: Sequence[str], now: datetime) -> Report:
    """Run the candidates called `names` on the test part and return the report; `now` is what it is dated.

    Raises what the parts raise; what was finished until then is kept.
    """
    candidates = [workshop.recipe(name) for name in dict.fromkeys(names)]
    cases = select(workshop.benchmark.part(PART), workshop.settings.comparison.cases, workshop.settings.comparison.seed)
    if not cases:
        raise InputError(
            "the benchmark has no test cases.",
            place=workshop.folder / workshop.settings.benchmark.cases,
            remedy="Give cases `split: test`, or leave `split` out.",
        )
    scorers = all_scorers(workshop.settings.comparison)
    all_scorers(workshop.settings.comparison, [workshop.settings.comparison.decide_by])  # refused now, not at the end
    workshop.check(candidates)
    if any(candidate.grounded for candidate in candidates):
        _ingest(workshop)
    runs = [evaluate(workshop, candidate, cases, scorers) for candidate in candidates]
    return report(workshop, runs, cases, scorers, now)


def evaluate(workshop: Workshop, candidate: Recipe, cases: Sequence[Case], scorers: Sequence[Scorer]) -> Run:
    """Answer and score the cases with one candidate; what the records hold already is not done again."""
    workshop.prepare(candidate)
    answerer = workshop.answerer(candidate)
    records = workshop.records
    run = records.run(
        candidate.name, answerer.signature, workshop.benchmark.fingerprint, PART, workshop.resolved.record()
    )
    outcomes = answer_cases(
        answerer,
        cases,
        records.answers(run),
        lambda made: records.save_answers(run, made),
        progress=lambda stage, done, total: workshop.progress(f"{candidate.name}: {stage}", done, total),
    )
    scores = score_answers(
        scorers,
        [(case, outcomes[case.id]) for case in cases],
        {scorer.name: records.scores(run, scorer.signature) for scorer in scorers},
        lambda scorer, made: records.save_scores(run, scorer.name, scorer.signature, made),
        progress=lambda stage, done, total: workshop.progress(f"{candidate.name}: {stage}", done, total),
    )
    records.finish(run)
    asked = cases[: workshop.settings.comparison.latency_cases]
    key = digest(answerer.signature, *(case.id for case in asked))
    path = workshop.folder / STATE / "latency" / f"{candidate.name}.json"
    seconds = remembered(path, key, lambda: _latency(answerer, asked, workshop, candidate.name))
    return Run(candidate, answerer.signature, outcomes, scores, _spreads(seconds))


def select(cases: Sequence[Case], most: int | None, seed: int) -> list[Case]:
    """Return about `most` cases as whole groups drawn at random, with the same share of unanswerable cases.

    All cases if `most` is None. Groups of mainly answerable and of mainly unanswerable cases are drawn apart.
    """
    if most is None or most >= len(cases):
        return list(cases)
    members: dict[str, list[Case]] = {}
    for case in cases:
        members.setdefault(case.group, []).append(case)
    rng = np.random.default_rng(seed)
    chosen: set[str] = set()
    for answerable in (True, False):
        names = [name for name, group in sorted(members.items()) if _mainly_answerable(group) is answerable]
        wanted = most * sum(len(members[name]) for name in names) / len(cases)
        for index in rng.permutation(len(names)):
            if sum(len(members[name]) for name in names if name in chosen) >= round(wanted):
                break
            chosen.add(names[index])
    return [case for case in cases if case.group in chosen]


def _mainly_answerable(group: Sequence[Case]) -> bool:
    return 2 * sum(case.answerable for case in group) >= len(group)


def report(
    workshop: Workshop, runs: Sequence[Run], cases: Sequence[Case], scorers: Sequence[Scorer], now: datetime
) -> Report:
    """Put the runs side by side."""
    settings = workshop.settings.comparison
    groups = [case.group for case in cases]
    rng = np.random.default_rng(settings.seed)
    by_scorer = {
        scorer.name: {run.candidate.name: [run.scores[scorer.name][case.id] for case in cases] for run in runs}
        for scorer in scorers
    }
    results = [_result(run, by_scorer, cases, groups, workshop, rng) for run in runs]
    differences = [
        difference
        for name, scores in by_scorer.items()
        for difference in statistics.compare_all(scores, groups, scorer=name, method=_method(workshop, name), rng=rng)
    ]
    method = _method(workshop, settings.decide_by)
    detectable = statistics.detectable_difference(by_scorer[settings.decide_by], groups, method=method)
    ground = Ground(
        settings.decide_by,
        len(cases),
        len(set(groups)),
        scale=describe(settings.decide_by).scale,
        detectable=detectable,
        confidence=settings.confidence,
        margin=method.margin,
    )
    return Report(
        project=workshop.settings.project.name,
        created_at=now,
        benchmark=BenchmarkFacts(
            workshop.benchmark.fingerprint,
            len(cases),
            PART,
            len(set(groups)),
            sum(not case.answerable for case in cases),
        ),
        decide_by=settings.decide_by,
        scorers={scorer.name: scorer.signature for scorer in scorers},
        candidates=tuple(results),
        comparisons=tuple(differences),
        recommendation=recommend(
            [_contender(one, settings.decide_by, len(cases)) for one in results], differences, ground
        ),
        cases=tuple(
            CaseRow(
                case,
                {run.candidate.name: run.outcomes[case.id] for run in runs},
                {run.candidate.name: {name: scores[case.id] for name, scores in run.scores.items()} for run in runs},
            )
            for case in cases
        ),
        curves=tuple(_curves(workshop, runs)),
        notes=tuple(_notes(workshop, cases)),
        settings=tuple(_settings(workshop)),
        versions=versions(),
        confidence=settings.confidence,
        margin=method.margin,
        detectable=detectable,
    )


def versions() -> dict[str, str]:
    """Return the versions of what computes the figures, as far as installed."""
    found = {"python": platform.python_version()}
    for package in VERSIONS:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _ingest(workshop: Workshop) -> None:
    done = workshop.ingest()
    if done.failed and not workshop.store.documents():
        document, reason = done.failed[0]
        raise InputError(f"no document could be read, {document} for one: {reason}", remedy="Correct the documents.")


def _latency(answerer: Answerer, cases: Sequence[Case], workshop: Workshop, name: str) -> dict[str, list[float]]:
    """Ask one question at a time, as a customer would, and take the times."""
    first: list[float] = []
    total: list[float] = []
    for number, case in enumerate(cases):
        workshop.progress(f"{name}: measuring latency", number, len(cases))
        started = time.perf_counter()
        pieces = answerer.stream(case.question, case.history)
        next(pieces)
        first.append(time.perf_counter() - started)
        for _ in pieces:
            pass
        total.append(time.perf_counter() - started)
    workshop.progress(f"{name}: measuring latency", len(cases), len(cases))
    return {"first_token": first, "total": total}


def _spreads(seconds: Mapping[str, Sequence[float]]) -> Latency:
    def spread(values: Sequence[float]) -> Spread | None:
        return Spread(float(np.median(values)), float(np.quantile(values, 0.9)), len(values)) if values else None

    return Latency(spread(seconds["first_token"]), spread(seconds["total"]))


def _method(workshop: Workshop, scorer: str) -> statistics.Method:
    settings = workshop.settings.comparison
    margin = settings.margin * (100 if scorer == "bleu" else 1)
    return statistics.Method(settings.confidence, settings.resamples, margin)


def _result(
    run: Run,
    by_scorer: Mapping[str, Mapping[str, Sequence[Score]]],
    cases: Sequence[Case],
    groups: Sequence[str],
    workshop: Workshop,
    rng: np.random.Generator,
) -> CandidateResult:
    name = run.candidate.name
    answers = [outcome for outcome in run.outcomes.values() if isinstance(outcome, Answer)]
    estimates = {
        scorer: statistics.estimate(scores[name], groups, method=_method(workshop, scorer), rng=rng)
        for scorer, scores in by_scorer.items()
    }
    pairs = [(case, outcome) for case in cases if isinstance(outcome := run.outcomes[case.id], Answer)]
    return CandidateResult(
        name=name,
        signature=run.signature,
        scores={**estimates, "corpus_bleu": corpus_bleu(pairs, method=_method(workshop, "bleu"), rng=rng)},
        latency=run.latency,
        usage=TokenUse(
            sum(answer.usage.prompt_tokens for answer in answers),
            sum(answer.usage.completion_tokens for answer in answers),
            len(answers),
        ),
        abstained=sum(answer.abstained for answer in answers),
        failed=len(cases) - len(answers),
        settings={"adapter": run.candidate.adapter or "none", "grounded": str(run.candidate.grounded).lower()},
    )


def _contender(result: CandidateResult, decide_by: str, cases: int) -> Contender:
    total = result.latency.total
    return Contender(result.name, result.scores[decide_by], total.median if total else None, result.abstained / cases)


def _curves(workshop: Workshop, runs: Sequence[Run]) -> list[Curve]:
    curves = []
    for adapter in dict.fromkeys(run.candidate.adapter for run in runs if run.candidate.adapter):
        manifest = read_manifest(workshop.adapter_folder(adapter))
        if manifest is not None:
            points = tuple((point.step, point.train, point.held_out) for point in manifest.loss)
            curves.append(Curve(adapter, points))
    return curves


def _notes(workshop: Workshop, cases: Sequence[Case]) -> list[str]:
    notes = []
    benchmark = workshop.benchmark
    whole = len(benchmark.part(PART))
    if len(cases) < whole:
        notes.append(f"Quick size: {len(cases)} of the {whole} test cases, drawn as whole groups.")
    if benchmark.drafts or benchmark.rejected:
        notes.append(f"Not used: {benchmark.drafts} draft and {benchmark.rejected} rejected cases.")
    if benchmark.straddling_groups:
        notes.append(
            f"{benchmark.straddling_groups} groups have cases in the development and in the test part, as the "
            "benchmark's file puts them there."
        )
    notes.append(_threshold_note(workshop))
    return notes


def _threshold_note(workshop: Workshop) -> str:
    fitted = workshop.threshold()
    rates = ""
    if fitted.sensitivity is not None and fitted.specificity is not None:
        rates = (
            f" There it lets {fitted.sensitivity:.0%} of the answerable questions through and stops "
            f"{fitted.specificity:.0%} of the others."
        )
    return (
        f"Grounded candidates answer from a retrieval support of {fitted.threshold:.2f} on, a threshold fitted on "
        f"{fitted.n} development cases.{rates} {fitted.note}".strip()
    )


def _settings(workshop: Workshop) -> list[Setting]:
    record = workshop.resolved.record()
    return [Setting(key, str(entry["value"]), str(entry["origin"])) for key, entry in record.items()]
