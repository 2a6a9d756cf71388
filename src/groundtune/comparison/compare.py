"""The main job: build what is missing, run every candidate on the same frozen cases, compare, recommend.

Finished work is kept as it is made: killed at any point and called again, it goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter

import numpy as np

from groundtune.comparison.candidates import Recipe
from groundtune.comparison.report.data import Latency, Report, Spread
from groundtune.comparison.summary import PART, Run, summarise
from groundtune.comparison.workshop import STATE, Workshop, remembered
from groundtune.drawing import spread
from groundtune.errors import InputError, ModelFailed, SettingsError
from groundtune.evaluation.run import answer_cases, score_answers
from groundtune.evaluation.scorers import scorers as all_scorers
from groundtune.protocols import Answerer, Scorer
from groundtune.values import Answer, Case, digest

AGAIN = f"{PART}, again"  # what the second run of a candidate is kept under


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
    scorers = all_scorers(workshop.settings.comparison, cases=cases, judges=workshop.judges.scorers)
    workshop.judges.check_may_decide(workshop.settings.comparison.decide_by)  # refused now, not at the end
    twice = _twice(workshop.settings.comparison.repeat, candidates)
    workshop.check(candidates)
    unread = _ingest(workshop) if any(candidate.grounded for candidate in candidates) else []
    runs = [evaluate(workshop, candidate, cases, scorers) for candidate in candidates]
    again = evaluate(workshop, twice, cases, scorers, AGAIN) if twice else None
    report = summarise(workshop, runs, cases, scorers, now, again)
    return replace(report, notes=(*unread, *report.notes))


def _twice(name: str | None, candidates: Sequence[Recipe]) -> Recipe | None:
    found = [candidate for candidate in candidates if candidate.name == name]
    if name is not None and not found:
        known = ", ".join(candidate.name for candidate in candidates)
        raise SettingsError(f"`comparison.repeat` is {name!r}, which is not compared.", remedy=f"Name one of: {known}.")
    return found[0] if found else None


def evaluate(
    workshop: Workshop, candidate: Recipe, cases: Sequence[Case], scorers: Sequence[Scorer], part: str = PART
) -> Run:
    """Answer and score the cases with one candidate; what the records hold already of this part is not done again."""
    workshop.prepare(candidate)
    answerer = workshop.answerer(candidate)
    records = workshop.records
    run = records.run(
        candidate.name, answerer.signature, workshop.benchmark.fingerprint, part, workshop.resolved.record()
    )
    outcomes = answer_cases(
        answerer,
        cases,
        records.answers(run),
        lambda made: records.save_answers(run, made),
        batch_size=workshop.answers_at_once(candidate),
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
    answered = [case for case in cases if isinstance(outcomes[case.id], Answer)]  # the others would only fail again
    asked = answered[: workshop.settings.comparison.latency_cases]
    key = digest(answerer.signature, *(case.id for case in asked))
    path = workshop.folder / STATE / "latency" / f"{candidate.name}.json"
    try:
        seconds = remembered(path, key, lambda: _latency(answerer, asked, workshop, candidate.name))
    except ModelFailed:  # answers and scores stand; how long they take is measured next time
        seconds = {"first_token": [], "total": []}
    return Run(candidate, answerer.signature, run.fingerprint, outcomes, scores, _spreads(seconds))


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


def _ingest(workshop: Workshop) -> list[str]:
    """Bring the store up to date; return what a report has to say of it."""
    done = workshop.ingest()
    if done.failed and workshop.store.is_empty():
        document, reason = done.failed[0]
        raise InputError(f"no document could be read, {document} for one: {reason}", remedy="Correct the documents.")
    if not done.failed:
        return []
    names = ", ".join(document for document, _ in done.failed[:5]) + (", …" if len(done.failed) > 5 else "")
    return [f"Documents that could not be read: {len(done.failed)} ({names}). `groundtune ingest` says why."]


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
