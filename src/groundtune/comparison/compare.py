"""The main job: build what is missing, run every candidate on the same frozen cases, compare, recommend.

Finished work is kept as it is made: rerun to resume, whatever stopped the first run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.candidates import Candidate
from groundtune.assistant.replies import outdated
from groundtune.comparison import notes
from groundtune.comparison.agent_evidence import agent_section
from groundtune.comparison.agent_results import AgentSection
from groundtune.comparison.latency import Seconds, measured
from groundtune.comparison.latest import latest
from groundtune.comparison.report.data import Curve, CurvePoint, Latency, Report, Setting, Spread
from groundtune.comparison.since import since_then
from groundtune.comparison.summary import PART, Material, Run, summarise
from groundtune.comparison.tuned import facts, of_accepted_gates, tuned_names
from groundtune.drawing import spread
from groundtune.errors import GroundtuneError, InputError, ModelFailed, SettingsError
from groundtune.evaluation.run import answer_cases, score_answers
from groundtune.evaluation.scorers import scorers as all_scorers
from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.http.outages import one_command
from groundtune.protocols import Answerer, Scorer
from groundtune.tuning.adapters import Manifest
from groundtune.values import Answer, Case, Failure, TextPiece, Usage, digest

AGAIN = f"{PART}, again"  # what the second run of a candidate is kept under


@one_command()
def compare(assembly: Assembly, names: Sequence[str], now: datetime) -> Report:
    """Run the candidates called `names` on the test part and return the report; `now` is what it is dated.

    Raises what the parts raise; work that was finished by then is kept.
    """
    settings = assembly.settings.comparison
    candidates = [assembly.candidate(name) for name in dict.fromkeys(names)]
    cases = select(assembly.benchmark.part(PART), settings.cases, settings.seed)
    if not cases:
        raise InputError(
            "the benchmark has no test cases.",
            place=assembly.cases_file,
            remedy="Give cases `split: test`, or leave `split` out.",
        )
    scorers = all_scorers(settings, cases=cases, judges=assembly.judges.scorers)
    assembly.judges.check_may_decide(settings.decide_by)  # refused now, not at the end
    _check_can_decide(scorers, settings.decide_by, cases)
    twice = _twice(settings.repeat, candidates)
    assembly.check(candidates)
    unread = _ingest(assembly) if any(candidate.grounded for candidate in candidates) else []
    runs = tuple(evaluate(assembly, candidate, cases, scorers) for candidate in candidates)
    again = evaluate(assembly, twice, cases, scorers, AGAIN) if twice else None
    return summarise(material(assembly, runs, cases, scorers, now, again=again, unread=unread))


def _check_can_decide(scorers: Sequence[Scorer], name: str, cases: Sequence[Case]) -> None:
    """Refuse a deciding scorer that needs ideal answers where no case has one, before any question is asked."""
    if any(case.ideal_answers or not case.answerable for case in cases):
        return
    (scorer,) = (scorer for scorer in scorers if scorer.name == name)
    if scorer.score(cases[0], Answer("Nothing.", abstained=False, usage=Usage())) == NO_IDEAL_ANSWER:
        raise SettingsError(
            f"`[comparison] decide_by` is {name!r}, which needs ideal answers, and no test case has one.",
            remedy='Write ideal answers, or decide by search: --set comparison.decide_by="retrieval_recall".',
        )


def material(
    assembly: Assembly,
    runs: Sequence[Run],
    cases: Sequence[Case],
    scorers: Sequence[Scorer],
    now: datetime,
    *,
    again: Run | None = None,
    unread: Sequence[str] = (),
) -> Material:
    """Return all that the report of these runs is made of, as values."""
    benchmark = assembly.benchmark
    agents, silent = _agents(assembly, [run.candidate for run in runs], now)
    made = {name: manifest for name in tuned_names(runs) if (manifest := assembly.adapters.manifest(name))}
    tuned = tuple(facts(name, manifest) for name, manifest in made.items())
    return Material(
        project=assembly.settings.project.name,
        created_at=now,
        benchmark=benchmark,
        cases=tuple(cases),
        scorers=tuple(scorers),
        runs=tuple(runs),
        settings=assembly.settings.comparison,
        again=again,
        agents=agents,
        doubts=assembly.judges.doubts(),
        curves=tuple(Curve(name, _points(manifest)) for name, manifest in made.items()),
        adapters=tuned,
        notes=(
            *since_then(latest(assembly), runs, cases, scorers, assembly.settings.comparison),
            *notes.unread_documents(unread),
            *notes.of_silent_judges(scorers, runs),
            *notes.of_benchmark(benchmark, assembly.lock, len(cases)),
            *notes.of_scores([run.scores for run in runs]),
            *([notes.of_threshold(assembly.threshold())] if any(run.candidate.grounded for run in runs) else []),
            *of_accepted_gates(tuned),
            *notes.of_failures(runs),
            *notes.of_replies(runs),
            *silent,
        ),
        costs=tuple(assembly.judges.costs()),
        resolved=tuple(
            Setting(key, str(entry["value"]), str(entry["origin"])) for key, entry in assembly.resolved.record().items()
        ),
        versions=notes.versions(),
        learned=tuple(assembly.learned()),
    )


def _agents(
    assembly: Assembly, candidates: Sequence[Candidate], now: datetime
) -> tuple[AgentSection | None, list[str]]:
    """Return what is kept of the candidates as agents; where it cannot be read, a note why: hours of work must not end
    here."""
    try:
        return agent_section(assembly, candidates, now), []
    except GroundtuneError as error:
        return None, [f"What the candidates do as agents is not shown: {error}"]


def _twice(name: str | None, candidates: Sequence[Candidate]) -> Candidate | None:
    by_name = {candidate.name: candidate for candidate in candidates}
    if name is not None and name not in by_name:
        raise SettingsError(
            f"`comparison.repeat` is {name!r}, which is not compared.", remedy=f"Name one of: {', '.join(by_name)}."
        )
    return by_name[name] if name is not None else None


def evaluate(
    assembly: Assembly, candidate: Candidate, cases: Sequence[Case], scorers: Sequence[Scorer], part: str = PART
) -> Run:
    """Answer and score the cases with one candidate; what the records hold already of this part is not done again."""
    assembly.prepare(candidate)
    answerer = assembly.answerer(candidate)
    records = assembly.records

    def progress(stage: str, done: int, total: int) -> None:
        assembly.progress(f"{candidate.name}: {stage}", done, total)

    run = records.run(
        candidate.name, answerer.signature, assembly.benchmark.fingerprint, part, assembly.resolved.record()
    )
    unknown = assembly.settings.assistant.unknown
    outcomes = answer_cases(
        answerer,
        cases,
        {
            id: kept
            for id, kept in records.answers(run).items()
            if isinstance(kept, Failure) or not outdated(kept, unknown)
        },
        lambda made: records.save_answers(run, made),
        batch_size=assembly.answers_at_once(candidate),
        progress=progress,
    )
    scores = score_answers(
        scorers,
        [(case, outcomes[case.id]) for case in cases],
        {scorer.name: records.scores(run, scorer.signature) for scorer in scorers},
        lambda scorer, made: records.save_scores(run, scorer.name, scorer.signature, made),
        progress=progress,
    )
    records.finish(run)
    answered = [case for case in cases if isinstance(outcomes[case.id], Answer)]  # the others would only fail again
    latency = _latency(assembly, answerer, candidate.name, answered[: assembly.settings.comparison.latency_cases])
    columns = {scorer: list(values.values()) for scorer, values in scores.items()}
    return Run(candidate, answerer.signature, run.fingerprint, outcomes, columns, latency)


def select(cases: Sequence[Case], most: int | None, seed: int) -> list[Case]:
    """Return `most` cases drawn at random, spread over as many groups as there are; all if `most` is None.

    Few cases of many groups tell more than many of few, since cases of a group are alike. Answerable and
    unanswerable cases keep their shares.
    """
    if most is None or most >= len(cases):
        return list(cases)
    rng = np.random.default_rng(seed)
    unanswerable = [case for case in cases if not case.answerable]
    fewer = round(most * len(unanswerable) / len(cases))
    chosen = spread(unanswerable, attrgetter("group"), rng)[:fewer]
    chosen += spread([case for case in cases if case.answerable], attrgetter("group"), rng)[: most - fewer]
    ids = {case.id for case in chosen}
    return [case for case in cases if case.id in ids]


def _ingest(assembly: Assembly) -> list[str]:
    """Bring the store up to date; return the documents that could not be read."""
    done = assembly.knowledge.ingest()
    if done.failed and assembly.knowledge.is_empty():
        document, reason = done.failed[0]
        raise InputError(f"no document could be read, for example {document}: {reason}", remedy="Fix the documents.")
    return [document for document, _ in done.failed]


def _latency(assembly: Assembly, answerer: Answerer, name: str, cases: Sequence[Case]) -> Latency:
    """Return how long these questions take one at a time; what was measured on this machine before is kept."""
    key = digest(answerer.signature, *(case.id for case in cases))
    try:
        seconds = measured(assembly.records, key, lambda: _timed(answerer, cases, assembly, name))
    except ModelFailed:  # answers and scores stand; how long they take is measured next time
        seconds = Seconds()
    return _spreads(seconds)


def _timed(answerer: Answerer, cases: Sequence[Case], assembly: Assembly, name: str) -> Seconds:
    """Ask one question at a time, as a customer would, and take the times."""
    first: list[float] = []
    total: list[float] = []
    for number, case in enumerate(cases):
        assembly.progress(f"{name}: measuring latency", number, len(cases))
        started = time.perf_counter()
        seconds: float | None = None
        for event in answerer.stream(case.asked):
            if seconds is None and isinstance(event, TextPiece):
                seconds = time.perf_counter() - started
        total.append(time.perf_counter() - started)
        first.append(total[-1] if seconds is None else seconds)
    assembly.progress(f"{name}: measuring latency", len(cases), len(cases))
    return Seconds(tuple(first), tuple(total))


def _spreads(seconds: Seconds) -> Latency:
    def spread_of(values: Sequence[float]) -> Spread | None:
        return Spread(float(np.median(values)), float(np.quantile(values, 0.9)), len(values)) if values else None

    return Latency(spread_of(seconds.first_token), spread_of(seconds.total), seconds.machine)


def _points(manifest: Manifest) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(point.step, point.train, point.held_out) for point in manifest.loss)
