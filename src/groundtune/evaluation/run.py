"""Answering and scoring a benchmark in batches, so that nothing finished is lost and nothing failed is dropped.

Where `MOST_FAILURES` cases in a row fail, the rest is not asked: a model that is down must not be waited for case by
case. Knows no records: what is already done comes in as a mapping, and what gets done goes out slice by slice through
a callable. A kill loses one slice at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from groundtune.errors import GroundtuneError, ModelFailed
from groundtune.protocols import Answerer, BatchScorer, Progress, Scorer, silent
from groundtune.values import Answer, Case, Failure, Score

T = TypeVar("T")
Outcome = Answer | Failure
MOST_FAILURES = 8
NO_ANSWER = "no answer: "  # what the reason of a score begins with where there was nothing to score


def answer_cases(
    answerer: Answerer,
    cases: Sequence[Case],
    done: Mapping[str, Outcome],
    save: Callable[[Mapping[str, Outcome]], None],
    *,
    batch_size: int = 64,
    progress: Progress = silent,
) -> dict[str, Outcome]:
    """Return an answer or a failure for every case, by case id, in order of `cases`.

    Cases answered in `done` are not asked again, those that failed are. `save` gets each slice of `batch_size`
    outcomes, by case id, as soon as it is finished.
    """
    outcomes: dict[str, Outcome] = {id: outcome for id, outcome in done.items() if not isinstance(outcome, Failure)}
    missing = [case for case in cases if case.id not in outcomes]
    count = len(cases) - len(missing)
    progress("answering", count, len(cases))
    patience = _Patience()
    for part in _slices(missing, batch_size):
        new = dict(zip((case.id for case in part), _answer(answerer, part, patience), strict=True))
        save(new)
        outcomes |= new
        count += len(part)
        progress("answering", count, len(cases))
    return {case.id: outcomes[case.id] for case in cases}


def score_answers(
    scorers: Sequence[Scorer],
    pairs: Sequence[tuple[Case, Outcome]],
    done: Mapping[str, Mapping[str, Score]],
    save: Callable[[Scorer, Mapping[str, Score]], None],
    *,
    batch_size: int = 256,
    progress: Progress = silent,
) -> dict[str, dict[str, Score]]:
    """Return the scores by scorer name and case id, in order of `pairs`.

    `done` holds scores of earlier runs in the same shape: only those that this scorer, with the same signature,
    gave to the same answer; failed ones are tried again. `save` gets each slice of `batch_size` new scores. A
    failed answer is a failed score with every scorer, and so is a score that raises or is not a finite number.
    """
    scores: dict[str, dict[str, Score]] = {}
    for number, scorer in enumerate(scorers):
        known = {id: score for id, score in done.get(scorer.name, {}).items() if not score.failed}
        missing = [(case, outcome) for case, outcome in pairs if case.id not in known]
        for part in _slices(missing, batch_size):
            new = dict(zip((case.id for case, _ in part), _score(scorer, part), strict=True))
            save(scorer, new)
            known |= new
        scores[scorer.name] = {case.id: known[case.id] for case, _ in pairs}
        progress("scoring", number + 1, len(scorers))
    return scores


def _slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass
class _Patience:
    """How many cases failed by themselves since the last answer, and why."""

    failed: int = 0
    reason: str = ""


def _answer(answerer: Answerer, cases: Sequence[Case], patience: _Patience) -> list[Outcome]:
    """Answer a slice; one that fails is tried again in halves, down to the case that fails by itself."""
    if patience.failed >= MOST_FAILURES:
        return [Failure(f"not asked, because {MOST_FAILURES} cases in a row failed: {patience.reason}")] * len(cases)
    try:
        answers = answerer.answer_many([case.asked for case in cases])
        if len(answers) != len(cases):
            raise ModelFailed(f"gave {len(answers)} answers to {len(cases)} questions.", place=answerer.signature)
    except ModelFailed as error:
        if len(cases) == 1:
            patience.failed, patience.reason = patience.failed + 1, str(error)
            return [Failure(str(error))]
        middle = len(cases) // 2
        return _answer(answerer, cases[:middle], patience) + _answer(answerer, cases[middle:], patience)
    patience.failed = 0
    return list(answers)


def _score(scorer: Scorer, pairs: Sequence[tuple[Case, Outcome]]) -> list[Score]:
    answered = [(case, outcome) for case, outcome in pairs if isinstance(outcome, Answer)]
    scores = map(_finite, _score_answered(scorer, answered))
    return [
        Score(None, f"{NO_ANSWER}{outcome.reason}", failed=True) if isinstance(outcome, Failure) else next(scores)
        for _, outcome in pairs
    ]


def _score_answered(scorer: Scorer, pairs: Sequence[tuple[Case, Answer]]) -> list[Score]:
    if not isinstance(scorer, BatchScorer):
        return [_score_one(scorer, case, answer) for case, answer in pairs]
    try:
        scores = scorer.score_many(pairs)
        if len(scores) != len(pairs):
            raise ModelFailed(f"gave {len(scores)} scores for {len(pairs)} answers.", place=scorer.signature)
    except GroundtuneError as error:  # a missing package or model fails for one answer as it does for all
        return [Score(None, str(error), failed=True)] * len(pairs)
    except Exception:  # an answer in the batch that the scorer cannot take must not spoil the others
        return [_score_one(scorer, case, answer) for case, answer in pairs]
    return scores


def _finite(score: Score) -> Score:
    if score.value is None or math.isfinite(score.value):
        return score
    return Score(None, f"the scorer gave {score.value}", failed=True)


def _score_one(scorer: Scorer, case: Case, answer: Answer) -> Score:
    try:
        return scorer.score(case, answer)
    except Exception as error:  # other people's scorers raise what they like; the reason is kept
        return Score(None, f"{type(error).__name__}: {error}", failed=True)
