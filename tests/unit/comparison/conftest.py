"""A made-up comparison with everything in it that a real one may have: failures, abstentions, hostile texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from groundtune.comparison.recommend import recommend
from groundtune.comparison.report import (
    BenchmarkFacts,
    CandidateResult,
    CaseRow,
    CaseScores,
    Curve,
    CurvePoint,
    Latency,
    Report,
    Setting,
    Spread,
    TokenUse,
    measure,
)
from groundtune.comparison.standings import Contender, Ground
from groundtune.evaluation.scorers import known_scorers
from groundtune.settings import ComparisonSettings
from groundtune.statistics import Method, compare_all, detectable_difference, estimate
from groundtune.values import Answer, Case, Citation, Estimate, Evidence, Failure, Message, Passage, Place, Score, Usage

METHOD = Method(resamples=1000)
SKILL = {"base": 0.28, "rag": 0.58, "tuned": 0.37, "tuned+rag": 0.6, "raft": 0.63}
SCORERS = (
    "rouge1",
    "rougeL",
    "bleu",
    "token_recall",
    "bertscore_f1",
    "retrieval_recall",
    "abstention_recall",
    "resolution",
)
MEASURES = (*SCORERS, "corpus_bleu")
KNOWN = known_scorers(ComparisonSettings())
HOSTILE = '<script>document.title = "taken over"</script><img src=x onerror=alert(1)> {{ 7 * 7 }} </textarea>'


def make_report(cases: int = 60, seed: int = 3, skill: dict[str, float] | None = None) -> Report:
    skill = skill or SKILL
    rng = np.random.default_rng(seed)
    rows = tuple(_row(number, skill, rng) for number in range(cases))
    groups = [row.case.group for row in rows]
    table = {scorer: {name: [row.scores[name][scorer] for row in rows] for name in skill} for scorer in SCORERS}
    estimates = {
        name: {scorer: estimate(table[scorer][name], groups, method=METHOD) for scorer in SCORERS}
        | {"corpus_bleu": Estimate(20 + 30 * level, 15 + 30 * level, 25 + 30 * level, cases)}
        for name, level in skill.items()
    }
    differences = [
        found
        for scorer in SCORERS
        for found in compare_all(
            table[scorer],
            groups,
            scorer=scorer,
            method=Method(resamples=1000, margin=2.0 if scorer == "bleu" else 0.02),
            rng=rng,
        )
    ]
    detectable = detectable_difference(table["resolution"], groups, method=METHOD)
    seconds = {name: 0.7 + 0.5 * ("rag" in name or name == "raft") + 0.05 * place for place, name in enumerate(skill)}
    abstained = {name: sum(_abstained(row, name) for row in rows) for name in skill}
    ground = Ground("resolution", cases, len(set(groups)), detectable=detectable)
    contenders = [
        Contender(name, estimates[name]["resolution"], seconds[name], 5, (abstained[name], cases)) for name in skill
    ]
    return Report(
        project="telecom-support",
        created_at=datetime(2026, 11, 22, 21, 0, tzinfo=UTC),
        benchmark=BenchmarkFacts(
            "9c1e0f5a7d", cases, "test", len(set(groups)), sum(not row.case.answerable for row in rows)
        ),
        decide_by="resolution",
        scorers={scorer: replace(measure(KNOWN[scorer]), signature=f"{scorer}|version:1") for scorer in MEASURES},
        candidates=tuple(
            CandidateResult(
                name,
                f"builtin:smollm2-135m-instruct|adapter:{name}|greedy",
                estimates[name],
                Latency(Spread(seconds[name] / 4, seconds[name] / 3, 5), Spread(seconds[name], seconds[name] * 1.3, 5)),
                TokenUse(cases * 400, cases * 31, cases),
                abstained[name],
                sum(isinstance(row.answers[name], Failure) for row in rows),
                {"knowledge revision": "f00"} if "rag" in name else {},
            )
            for name in skill
        ),
        comparisons=tuple(differences),
        recommendation=recommend(contenders, differences, ground),
        cases=tuple(
            CaseScores(
                row.case.id,
                row.case.group,
                row.case.answerable,
                {name: {scorer: score.value for scorer, score in own.items()} for name, own in row.scores.items()},
            )
            for row in rows
        ),
        rows=rows,
        curves=tuple(_curve(name, rng) for name in ("instruction", "raft")),
        notes=("The held-out loss of the raft adapter rose after step 80; the weights of step 80 were kept.",),
        settings=(
            Setting("model.name", "builtin:smollm2-135m-instruct", "default"),
            Setting("tuning.steps", "120", "file"),
            Setting("comparison.seed", "17", "environment"),
        ),
        versions={"groundtune": "0.1.0", "torch": "2.10.0", "sacrebleu": "2.6.0"},
        detectable=detectable,
    )


def _abstained(row: CaseRow, name: str) -> bool:
    outcome = row.answers[name]
    return isinstance(outcome, Answer) and outcome.abstained


def _row(number: int, skill: dict[str, float], rng: np.random.Generator) -> CaseRow:
    case = Case(
        id=f"case/{number}" if number else "first & <b>only</b>",
        question=HOSTILE
        if number == 0
        else f"What does plan number {number} cost when I am abroad for a week in July?",
        ideal_answer=""
        if number % 9 == 8
        else f"Plan {number} costs {number + 9}.90 a month; roaming is included in zone 1.",
        evidence=() if number % 9 == 8 else (Evidence("plans/hazel.md", f"costs {number + 9}.90 a month"),),
        answerable=number % 9 != 8,
        group=f"plans/{number // 2}",
        split="test",
        history=(Message("user", "Hello"), Message("assistant", "How can I help?")) if number % 10 == 0 else (),
        tags=("roaming",) if number % 3 else ("price", "roaming"),
        author="Ada",
    )
    ease = rng.normal(0, 0.15)
    answers, scores = {}, {}
    for name, level in skill.items():
        failed = number == 7 and name == "raft"
        value = float(np.clip(level + ease + rng.normal(0, 0.2), 0, 1))
        answers[name] = Failure("no reply: the endpoint timed out") if failed else _answer(case, name, number, value)
        scores[name] = {scorer: _score(scorer, name, case, value, failed) for scorer in SCORERS}
    return CaseRow(case, answers, scores)


def _answer(case: Case, name: str, number: int, value: float) -> Answer:
    if not case.answerable and value > 0.4:
        return Answer("I do not know. The documents that I have do not answer this question.", True, Usage(400, 14))
    text = (
        HOSTILE if number == 0 else f"Plan {number} costs {number + 9}.90 a month, and roaming in zone 1 is part of it."
    )
    if "rag" not in name and name != "raft":
        return Answer(text, False, Usage(90, 25))
    passage = Passage("plans/hazel.md", Place(10, 60), "Hazel costs ...", "Plans", 1, 0.9, 0.8)
    citation = Citation("plans/hazel.md", Place(10, 40), f"costs {number + 9}.90 a month", "attributed")
    return Answer(text, False, Usage(400, 31), (passage,), (citation,), int(number % 20 == 3), 0.8)


def _score(scorer: str, name: str, case: Case, value: float, failed: bool) -> Score:
    if failed:
        return Score(None, "no answer: the endpoint timed out", failed=True)
    if scorer == "retrieval_recall" and name in ("base", "tuned"):
        return Score(None, "closed-book: nothing was retrieved")
    if scorer == "abstention_recall":
        return Score(float(value > 0.4)) if not case.answerable else Score(None, "the case has an answer")
    if not case.ideal_answer and scorer != "resolution":
        return Score(None, "the case has no ideal answer")
    shift = {"bertscore_f1": 0.5 + value / 2, "bleu": 60 * value}
    return Score(shift.get(scorer, value))


def _curve(name: str, rng: np.random.Generator) -> Curve:
    points = []
    for step in range(5, 125, 5):
        train = 2.6 * np.exp(-step / 40) + 0.6 + rng.normal(0, 0.04)
        held = 2.4 * np.exp(-step / 35) + 0.95 + (max(0, step - 80) * 0.004 if name == "raft" else 0)
        points.append(CurvePoint(step, float(train), float(held) if step % 20 == 0 else None))
    return Curve(name, tuple(points))


@pytest.fixture(scope="session")
def report() -> Report:
    return make_report()
