"""Runs side by side: estimates, differences, the recommendation and everything else in a report.

A function of values: it opens, answers, retrieves and trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from groundtune import statistics
from groundtune.assembly.candidates import Candidate, steps
from groundtune.comparison.agent_results import AgentSection
from groundtune.comparison.learned import learned_notes
from groundtune.comparison.recommend import recommend
from groundtune.comparison.repeat import repeat_note, repeated
from groundtune.comparison.report.data import (
    AdapterFacts,
    BenchmarkFacts,
    CandidateResult,
    CaseRow,
    CaseScores,
    Curve,
    Latency,
    Repeat,
    Report,
    Setting,
    TokenUse,
    measure,
)
from groundtune.comparison.standings import Contender, Ground
from groundtune.comparison.table import Scores, ScoreTable, score_table
from groundtune.comparison.tags import by_tag
from groundtune.comparison.wording import opposite
from groundtune.errors import NotComparable
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.judge.grading import PanelScorer
from groundtune.protocols import Scorer
from groundtune.reply import says_nothing
from groundtune.settings import ComparisonSettings
from groundtune.statistics import Method
from groundtune.values import Answer, Case, Difference, Failure, Score, Split

PART: Split = "test"


@dataclass(frozen=True, slots=True)
class Run:
    """One candidate over the cases of the benchmark with this fingerprint, in their order: outcomes by case id,
    scores by scorer."""

    candidate: Candidate
    signature: str
    fingerprint: str
    outcomes: Mapping[str, Answer | Failure]
    scores: Scores
    latency: Latency


@dataclass(frozen=True, slots=True)
class Material:
    """What a report is made of.

    `again` is a second run of one of the candidates, `agents` what they did as agents; `doubts` say why a judge's
    scorer does not count; `notes` are what others have to say, `costs` what judges cost. `learned` are the documents
    from conversations.
    """

    project: str
    created_at: datetime
    benchmark: Benchmark
    cases: tuple[Case, ...]
    scorers: tuple[Scorer, ...]
    runs: tuple[Run, ...]
    settings: ComparisonSettings
    again: Run | None = None
    agents: AgentSection | None = None
    doubts: Mapping[str, str] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    adapters: tuple[AdapterFacts, ...] = ()
    notes: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()
    resolved: tuple[Setting, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    learned: tuple[str, ...] = ()


def summarise(material: Material) -> Report:
    """Put the runs side by side and recommend.

    Raises `NotComparable` if a run is of another version of the benchmark.
    """
    _same_benchmark(material)
    settings, cases = material.settings, material.cases
    table = score_table(cases, material.scorers, {run.candidate.name: run.scores for run in material.runs})
    methods = {scorer.name: _method(settings).on(scorer) for scorer in material.scorers}
    rng = np.random.default_rng(settings.seed)
    results = [_result(run, cases, table, methods, rng) for run in material.runs]
    repeat = _repeat(material, table, methods, rng)
    differences = _differences(table, methods, repeat, rng)
    facts = _facts(material)
    ground = replace(_ground(table, methods, settings), steps=tuple(steps([run.candidate for run in material.runs])))
    contenders = [
        _contender(result, run, settings.decide_by, cases) for result, run in zip(results, material.runs, strict=True)
    ]
    counted = [difference for difference in differences if difference.scorer not in material.doubts]
    return Report(
        project=material.project,
        created_at=material.created_at,
        benchmark=facts,
        decide_by=settings.decide_by,
        scorers={scorer.name: measure(scorer) for scorer in material.scorers},
        candidates=tuple(results),
        comparisons=tuple(differences),
        recommendation=recommend(contenders, counted, ground, material.agents),
        cases=tuple(_values(case, table.at(place, totals=False)) for place, case in enumerate(cases)),
        curves=material.curves,
        adapters=material.adapters,
        notes=(
            *_learned_notes(material, table, differences, ground),
            *material.notes,
            *([repeat_note(repeat, material.scorers)] if repeat else []),
            *_judge_notes(table, material.doubts),
            *material.costs,
        ),
        settings=material.resolved,
        versions=material.versions,
        confidence=settings.confidence,
        margin=ground.margin,
        detectable=ground.detectable,
        repeat=repeat,
        agents=material.agents,
        by_tag=by_tag(table, settings.decide_by, methods[settings.decide_by], settings.seed),
        rows=tuple(_row(case, table.at(place), material.runs) for place, case in enumerate(cases)),
    )


def _method(settings: ComparisonSettings) -> Method:
    return Method(settings.confidence, settings.resamples, settings.margin)


def _same_benchmark(material: Material) -> None:
    for run in (*material.runs, *([material.again] if material.again else [])):
        if run.fingerprint != material.benchmark.fingerprint:
            raise NotComparable(
                f"the run of `{run.candidate.name}` is from benchmark {run.fingerprint[:8]}, but this comparison is on "
                f"{material.benchmark.fingerprint[:8]}.",
                remedy="Run all candidates on the same version of the benchmark.",
            )


def _differences(
    table: ScoreTable, methods: Mapping[str, Method], repeat: Repeat | None, rng: np.random.Generator
) -> list[Difference]:
    """Compare all pairs by each scorer."""
    differences: list[Difference] = []
    for scorer in table.scorers:
        pairs = statistics.compare_all(
            table.columns[scorer.name],
            table.groups,
            scorer=scorer.name,
            method=methods[scorer.name],
            rng=rng,
            floor=repeat.floor(scorer.name) if repeat else 0.0,
        )
        differences += [
            pair if scorer.higher_is_better else replace(pair, verdict=opposite(pair.verdict)) for pair in pairs
        ]
    return differences


def _repeat(
    material: Material, table: ScoreTable, methods: Mapping[str, Method], rng: np.random.Generator
) -> Repeat | None:
    again = material.again
    if again is None:
        return None
    first = {name: columns[again.candidate.name] for name, columns in table.columns.items()}
    return repeated(again.candidate.name, (first, again.scores), table.groups, methods, rng)


def _ground(table: ScoreTable, methods: Mapping[str, Method], settings: ComparisonSettings) -> Ground:
    columns, method = table.columns[settings.decide_by], methods[settings.decide_by]
    (scorer,) = (scorer for scorer in table.scorers if scorer.name == settings.decide_by)
    rows = list(zip(*columns.values(), strict=True))
    applies = [any(score.value is not None or score.failed for score in row) for row in rows]
    groups = {group for group, counts in zip(table.groups, applies, strict=True) if counts}
    return Ground(
        settings.decide_by,
        sum(applies),
        len(groups),
        scale=scorer.scale,
        detectable=statistics.detectable_difference(columns, table.groups, method=method),
        confidence=settings.confidence,
        margin=method.margin,
        higher_is_better=scorer.higher_is_better,
        flat=_flat(rows),
    )


def _flat(rows: Sequence[Sequence[Score]]) -> bool:
    """Whether candidates have scores for the same cases, and no case tells any two apart."""
    values = [[(score.value, score.parts) for score in row if score.value is not None] for row in rows]
    return any(len(row) > 1 for row in values) and all(len(set(row)) < 2 for row in values)


def _facts(material: Material) -> BenchmarkFacts:
    cases = material.cases
    clarify = sum(case.clarify for case in cases)
    unanswerable = sum(not case.answerable for case in cases) - clarify
    groups = len({case.group for case in cases})
    return BenchmarkFacts(material.benchmark.fingerprint, len(cases), PART, groups, unanswerable, clarify)


def _values(case: Case, scores: Mapping[str, Mapping[str, Score]]) -> CaseScores:
    values = {candidate: {name: score.value for name, score in own.items()} for candidate, own in scores.items()}
    return CaseScores(case.id, case.group, case.answerable, values, case.clarify)


def _row(case: Case, scores: Mapping[str, Mapping[str, Score]], runs: Sequence[Run]) -> CaseRow:
    return CaseRow(case, {run.candidate.name: run.outcomes[case.id] for run in runs}, scores)


def _result(
    run: Run, cases: Sequence[Case], table: ScoreTable, methods: Mapping[str, Method], rng: np.random.Generator
) -> CandidateResult:
    name = run.candidate.name
    answers = [outcome for outcome in run.outcomes.values() if isinstance(outcome, Answer)]
    return CandidateResult(
        name=name,
        signature=run.signature,
        scores={
            scorer: statistics.estimate(columns[name], table.groups, method=methods[scorer], rng=rng)
            for scorer, columns in table.columns.items()
        },
        latency=run.latency,
        usage=TokenUse(
            sum(answer.usage.prompt_tokens for answer in answers),
            sum(answer.usage.completion_tokens for answer in answers),
            len(answers),
            sum(bool(answer.reasoning or answer.usage.reasoning_tokens) for answer in answers),
            sum(len(answer.reasoning.split()) for answer in answers),
            sum(answer.usage.reasoning_tokens for answer in answers),
        ),
        abstained=sum(answer.abstained for answer in answers),
        failed=len(table.cases) - len(answers),
        settings={"adapter": run.candidate.adapter or "none", "grounded": str(run.candidate.grounded).lower()},
        without_content=sum(_says_nothing(run.outcomes[case.id], case) for case in cases),
    )


def _says_nothing(outcome: Answer | Failure, case: Case) -> bool:
    return isinstance(outcome, Answer) and says_nothing(outcome, case.question)


def _contender(result: CandidateResult, run: Run, decide_by: str, cases: Sequence[Case]) -> Contender:
    total = result.latency.total
    unanswerable = [run.outcomes[case.id] for case in cases if not case.answerable and not case.clarify]
    made_up = sum(isinstance(outcome, Answer) and not outcome.abstained for outcome in unanswerable)
    return Contender(
        result.name,
        result.scores[decide_by],
        total.median if total else None,
        total.n if total else 0,
        (result.abstained, len(cases)),
        (made_up, len(unanswerable)),
        result.scores.get(f"{decide_by}_answerable"),
        run.candidate.cost,
    )


def _learned_notes(
    material: Material, table: ScoreTable, differences: Sequence[Difference], ground: Ground
) -> list[str]:
    candidates = [run.candidate for run in material.runs]
    outcomes = {run.candidate.name: run.outcomes for run in material.runs}
    return learned_notes(candidates, outcomes, material.learned, table, differences, ground)


def _judge_notes(table: ScoreTable, doubts: Mapping[str, str]) -> list[str]:
    """Say which judges do not count, and how far apart the judges of a panel are."""
    kept_out: dict[str, list[str]] = {}
    for name, doubt in doubts.items():
        kept_out.setdefault(doubt, []).append(name)
    notes = [
        f"Shown, but not used in the recommendation: {', '.join(who)}, because {why}." for why, who in kept_out.items()
    ]
    for panel in table.scorers:
        apart = panel.disagreement(table.columns) if isinstance(panel, PanelScorer) else None
        if apart is not None:
            notes.append(f"The judges of {panel.name} are {apart:.2f} apart on average, on a scale from 0 to 1.")
    return notes
