"""Runs side by side: estimates, differences, the recommendation and all else that a report says.

Computes from finished runs only; answers and trains nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from groundtune.comparison.candidates import Recipe
from groundtune.comparison.recommend import Contender, Ground, recommend
from groundtune.comparison.repeat import repeat_note, repeated, with_bleu
from groundtune.comparison.report.data import (
    BenchmarkFacts,
    CandidateResult,
    CaseRow,
    Curve,
    Latency,
    Repeat,
    Report,
    Setting,
    TokenUse,
)
from groundtune.comparison.report.scorers import describe
from groundtune.comparison.workshop import Workshop
from groundtune.errors import NotComparable
from groundtune.evaluation import statistics
from groundtune.evaluation.benchmark.versions import note
from groundtune.evaluation.scorers.bleu import corpus_bleu
from groundtune.evaluation.scorers.corpus_bleu import compare_corpus_bleu
from groundtune.evaluation.scorers.resolution import ANSWERABLE
from groundtune.protocols import Scorer
from groundtune.tuning.adapters import read_manifest
from groundtune.values import Answer, Case, Difference, Failure, Score, Split, Verdict

PART: Split = "test"
VERSIONS = ("groundtune", "torch", "transformers", "trl", "peft", "sentence-transformers", "lancedb", "sacrebleu")


@dataclass(frozen=True, slots=True)
class Run:
    """One candidate over the cases of the benchmark with this fingerprint, with its scores by scorer and case id."""

    candidate: Recipe
    signature: str
    fingerprint: str
    outcomes: Mapping[str, Answer | Failure]
    scores: Mapping[str, Mapping[str, Score]]
    latency: Latency


def summarise(
    workshop: Workshop,
    runs: Sequence[Run],
    cases: Sequence[Case],
    scorers: Sequence[Scorer],
    now: datetime,
    again: Run | None = None,
) -> Report:
    """Put the runs side by side and recommend; `now` is what the report is dated, `again` a second run of one.

    Raises `NotComparable` if a run is of another version of the benchmark.
    """
    _same_benchmark(workshop, [*runs, *([again] if again else [])])
    settings = workshop.settings.comparison
    groups = [case.group for case in cases]
    rng = np.random.default_rng(settings.seed)
    by_scorer = {
        scorer.name: {run.candidate.name: [run.scores[scorer.name][case.id] for case in cases] for run in runs}
        for scorer in scorers
    }
    results = [_result(run, by_scorer, cases, groups, workshop, rng) for run in runs]
    repeat = None if again is None else _repeat(workshop, runs, again, cases, rng)
    differences = _differences(workshop, runs, cases, scorers, repeat, rng)
    method = _method(workshop, settings.decide_by)
    facts = _facts(workshop, cases)
    doubts = workshop.judges.doubts()
    detectable = statistics.detectable_difference(by_scorer[settings.decide_by], groups, method=method)
    ground = Ground(
        settings.decide_by,
        facts.cases,
        facts.groups,
        scale=describe(settings.decide_by).scale,
        detectable=detectable,
        confidence=settings.confidence,
        margin=method.margin,
    )
    contenders = [_contender(one, run, settings.decide_by, cases) for one, run in zip(results, runs, strict=True)]
    return Report(
        project=workshop.settings.project.name,
        created_at=now,
        benchmark=facts,
        decide_by=settings.decide_by,
        scorers={scorer.name: scorer.signature for scorer in scorers},
        candidates=tuple(results),
        comparisons=tuple(differences),
        recommendation=recommend(contenders, [one for one in differences if one.scorer not in doubts], ground),
        cases=tuple(_row(case, runs) for case in cases),
        curves=tuple(_curves(workshop, runs)),
        notes=(
            *_notes(workshop, runs, cases),
            *([repeat_note(repeat)] if repeat else []),
            *_judge_notes(workshop, doubts, by_scorer),
        ),
        settings=tuple(_settings(workshop)),
        versions=versions(),
        confidence=settings.confidence,
        margin=method.margin,
        detectable=detectable,
        repeat=repeat,
    )


def _differences(
    workshop: Workshop,
    runs: Sequence[Run],
    cases: Sequence[Case],
    scorers: Sequence[Scorer],
    repeat: Repeat | None,
    rng: np.random.Generator,
) -> list[Difference]:
    """Compare all pairs by each scorer, and by corpus BLEU, which is no mean of cases."""
    groups = [case.group for case in cases]
    found: list[Difference] = []
    for scorer in scorers:
        scores = {run.candidate.name: [run.scores[scorer.name][case.id] for case in cases] for run in runs}
        method, floor = _method(workshop, scorer.name), repeat.floor(scorer.name) if repeat else 0.0
        pairs = statistics.compare_all(scores, groups, scorer=scorer.name, method=method, rng=rng, floor=floor)
        found += pairs if getattr(scorer, "higher_is_better", True) else map(_turned, pairs)
    outcomes = {run.candidate.name: run.outcomes for run in runs}
    method, floor = _method(workshop, "bleu"), repeat.floor("corpus_bleu") if repeat else 0.0
    return found + compare_corpus_bleu(outcomes, cases, method=method, rng=rng, floor=floor)


def _repeat(
    workshop: Workshop, runs: Sequence[Run], again: Run, cases: Sequence[Case], rng: np.random.Generator
) -> Repeat:
    name = again.candidate.name
    first = next(run for run in runs if run.candidate.name == name)
    methods = {scorer: _method(workshop, scorer) for scorer in first.scores}
    found = repeated(name, (first.scores, again.scores), cases, methods)
    return with_bleu(found, (first.outcomes, again.outcomes), cases, _method(workshop, "bleu"), rng)


def _same_benchmark(workshop: Workshop, runs: Sequence[Run]) -> None:
    for run in runs:
        if run.fingerprint != workshop.benchmark.fingerprint:
            raise NotComparable(
                f"the run of `{run.candidate.name}` is of the benchmark {run.fingerprint[:8]}, and this one is "
                f"{workshop.benchmark.fingerprint[:8]}.",
                remedy="Run all candidates on the same version of the benchmark.",
            )


def _turned(difference: Difference) -> Difference:
    """Return the difference with the verdict of a scorer of which less is better."""
    verdicts: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
    return replace(difference, verdict=verdicts.get(difference.verdict, difference.verdict))


def _facts(workshop: Workshop, cases: Sequence[Case]) -> BenchmarkFacts:
    unanswerable = sum(not case.answerable for case in cases)
    groups = len({case.group for case in cases})
    return BenchmarkFacts(workshop.benchmark.fingerprint, len(cases), PART, groups, unanswerable)


def _row(case: Case, runs: Sequence[Run]) -> CaseRow:
    return CaseRow(
        case,
        {run.candidate.name: run.outcomes[case.id] for run in runs},
        {run.candidate.name: {name: scores[case.id] for name, scores in run.scores.items()} for run in runs},
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


def _method(workshop: Workshop, scorer: str) -> statistics.Method:
    settings = workshop.settings.comparison
    known = describe(scorer).scale
    scale = None if known[1] == 1 else known  # None: from 0 to 1 if all scores lie there
    return statistics.Method(settings.confidence, settings.resamples, settings.margin * known[1], scale)


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
        scorer: statistics.estimate(scores[name], groups, method=_method(workshop, scorer))
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


def _contender(result: CandidateResult, run: Run, decide_by: str, cases: Sequence[Case]) -> Contender:
    total = result.latency.total
    unanswerable = [run.outcomes[case.id] for case in cases if not case.answerable]
    made_up = sum(isinstance(outcome, Answer) and not outcome.abstained for outcome in unanswerable)
    return Contender(
        result.name,
        result.scores[decide_by],
        total.median if total else None,
        result.abstained / len(cases),
        (made_up, len(unanswerable)),
        result.scores.get(ANSWERABLE) if decide_by == "resolution" else None,
    )


def _curves(workshop: Workshop, runs: Sequence[Run]) -> list[Curve]:
    curves = []
    for adapter in dict.fromkeys(run.candidate.adapter for run in runs if run.candidate.adapter):
        manifest = read_manifest(workshop.adapter_folder(adapter))
        if manifest is not None:
            points = tuple((point.step, point.train, point.held_out) for point in manifest.loss)
            curves.append(Curve(adapter, points))
    return curves


def _notes(workshop: Workshop, runs: Sequence[Run], cases: Sequence[Case]) -> list[str]:
    benchmark = workshop.benchmark
    frozen = note(workshop.lock, benchmark)
    notes = [] if frozen is None else [frozen]
    whole = len(benchmark.part(PART))
    if len(cases) < whole:
        notes.append(f"Run on {len(cases)} of the {whole} test cases, drawn across all groups.")
    if benchmark.drafts or benchmark.rejected:
        notes.append(f"Not used: {benchmark.drafts} draft and {benchmark.rejected} rejected cases.")
    if benchmark.straddling_groups:
        notes.append(
            f"{benchmark.straddling_groups} groups have cases in the development and in the test part, as the "
            "benchmark's file puts them there."
        )
    if any(run.candidate.grounded for run in runs):
        notes.append(_threshold_note(workshop))
    return notes


def _judge_notes(
    workshop: Workshop, doubts: Mapping[str, str], scores: Mapping[str, Mapping[str, Sequence[Score]]]
) -> list[str]:
    """Say which judges do not count, how far a panel is at one, and what was spent."""
    kept_out: dict[str, list[str]] = {}
    for name, doubt in doubts.items():
        kept_out.setdefault(doubt, []).append(name)
    notes = [f"Shown, but kept out of the recommendation: {', '.join(who)}: {why}." for why, who in kept_out.items()]
    for panel in workshop.judges.panels:
        apart = panel.disagreement(scores)
        if apart is not None:
            notes.append(f"The judges of {panel.name} are {apart:.2f} apart on average, on a scale from 0 to 1.")
    return [*notes, *workshop.judges.costs()]


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
