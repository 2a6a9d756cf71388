"""Holding the project's judges against human ratings: asks them, computes, and keeps what was found.

The place where answers of the records, or of a file, meet ratings and judges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.judges import CALIBRATION, LATEST
from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.judge.calibration import (
    Bias,
    Bootstrap,
    Ceiling,
    JudgeAgreement,
    PositionBias,
    agreement,
    ceiling,
    doubt,
    length_bias,
    position_bias,
    self_preference,
)
from groundtune.evaluation.judge.grading import GradeScorer, JudgeScorer
from groundtune.evaluation.judge.pairwise import Duel, Preference, duel, preference
from groundtune.evaluation.judge.pass_rates import PassRate, pass_rates
from groundtune.evaluation.judge.samples import RatedAnswer, RatingScale, check_ratings, load_answers, make_samples
from groundtune.evaluation.ratings import Rating, load_ratings
from groundtune.evaluation.statistics.agreement import alpha
from groundtune.records.records import RunRecord
from groundtune.values import Answer, Score

RESAMPLES = 1000  # of intervals for agreement, each of which goes through all pairs again


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One scorer against people. `doubt` is empty where it may decide; `failed` counts scores that failed.

    `self_preference` and `position` are None for a panel, which is no one model.
    """

    scorer: str
    signature: str
    judge: str
    criterion: str
    doubt: str
    failed: int
    agreement: JudgeAgreement
    ceiling: Ceiling
    length: Bias
    self_preference: Bias | None
    position: PositionBias | None
    pass_rates: tuple[PassRate, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All scorers whose criterion was rated. `unused` names criteria in the ratings that no rubric has.

    `among_judges` is Krippendorff's alpha (interval) among the judges of a panel, by criterion.
    """

    created_at: datetime
    scorers: tuple[Calibrated, ...]
    unused: tuple[str, ...]
    among_judges: Mapping[str, float | None]
    costs: tuple[str, ...]


def calibrate(
    assembly: Assembly,
    ratings_file: Path,
    now: datetime,
    *,
    answers_file: Path | None = None,
    scale: RatingScale | None = None,
    pairs: int = 50,
) -> Calibration:
    """Judge the answers that people rated, compare, keep the result in the records, and return it.

    `pairs` is the most pairs of answers asked in both orders for the position bias. Raises `SettingsError` without
    judges and `InputError` for files that do not fit together.
    """
    _check_judges(assembly)
    ratings = load_ratings(ratings_file)
    answers = answers_to(assembly, answers_file)
    check_ratings(ratings, answers, ratings_file)
    criteria = {rating.criterion for rating in ratings}
    scorers = [scorer for scorer in assembly.judges.scorers if scorer.rubric.criterion in criteria]
    if not scorers:
        rubrics = ", ".join(rubric.criterion for rubric in assembly.judges.rubrics)
        raise InputError(
            f"rates {', '.join(sorted(criteria)) or 'nothing'}, and the rubrics are {rubrics}.",
            place=ratings_file,
            remedy="Call a rubric like the criterion that people rated: see docs/judge.md.",
        )
    scores = {one.name: one.score_many([(each.case, each.answer) for each in answers]) for one in scorers}
    job = _Job(assembly, answers, ratings, scale, _duels(answers, ratings, pairs, assembly.settings.comparison.seed))
    found = Calibration(
        now,
        tuple(job.calibrated(scorer, scores[scorer.name]) for scorer in scorers),
        tuple(sorted(criteria - {rubric.criterion for rubric in assembly.judges.rubrics})),
        _among_judges(scorers, scores),
        tuple(assembly.judges.costs()),
    )
    assembly.records.keep(CALIBRATION, LATEST, as_json(found))
    return found


def prefer(
    assembly: Assembly, one: str, other: str, criterion: str | None = None, answers_file: Path | None = None
) -> dict[str, Preference]:
    """Return which candidate's answers each judge prefers by `criterion` (the first rubric's), by judge's name."""
    _check_judges(assembly)
    known = {rubric.criterion: rubric for rubric in assembly.judges.rubrics}
    if criterion is not None and criterion not in known:
        raise SettingsError(f"there is no rubric `{criterion}`.", remedy=f"The rubrics are {', '.join(known)}.")
    rubric = known[criterion] if criterion else assembly.judges.rubrics[0]
    answers = answers_to(assembly, answers_file)
    by_case = {name: {each.case.id: each for each in answers if each.name == name} for name in (one, other)}
    for name, found in by_case.items():
        if not found:
            raise InputError(f"there is no answer of `{name}`.", remedy="Run `groundtune evaluate` for it first.")
    shared = [each for id_, each in by_case[one].items() if id_ in by_case[other]]
    duels = [Duel(each.case, each.answer, by_case[other][each.case.id].answer) for each in shared]
    return {name: preference(duels, duel(judge, rubric, duels)) for name, judge in assembly.judges.judges}


def answers_to(assembly: Assembly, answers_file: Path | None) -> list[RatedAnswer]:
    """Return the answers in a file, or those of each candidate's latest run over the benchmark as it is now."""
    if answers_file is not None:
        return load_answers(answers_file, assembly.benchmark)
    cases = {case.id: case for case in assembly.benchmark.cases}
    runs = {run.candidate: run for run in assembly.records.runs() if run.fingerprint == assembly.benchmark.fingerprint}
    return [
        RatedAnswer(cases[id_], name, answer, _model_of(run))
        for name, run in runs.items()
        for id_, answer in assembly.records.answers(run).items()
        if isinstance(answer, Answer) and id_ in cases
    ]


def _model_of(run: RunRecord) -> str:
    """Return the model that the run was made with, as its record tells."""
    kept = run.settings.get("model.name")
    return str(kept["value"]) if isinstance(kept, dict) else run.candidate


def _check_judges(assembly: Assembly) -> None:
    if not assembly.judges.judges:
        raise SettingsError(
            "there is no judge.", remedy='Name one: `[judge] models = ["openai:MODEL@BASE_URL"]`; see docs/judge.md.'
        )


@dataclass(frozen=True, slots=True)
class _Job:
    assembly: Assembly
    answers: Sequence[RatedAnswer]
    ratings: Sequence[Rating]
    scale: RatingScale | None
    duels: Sequence[Duel]

    def calibrated(self, scorer: JudgeScorer, scores: Sequence[Score]) -> Calibrated:
        settings, rubric = self.assembly.settings.comparison, scorer.rubric
        rng = np.random.default_rng(settings.seed)
        bootstrap = Bootstrap(settings.confidence, RESAMPLES, rng)
        scale = self.scale or (1.0, float(len(rubric.levels)))
        samples = make_samples(self.answers, scores, self.ratings, rubric, scale)
        found = agreement(samples, rubric, bootstrap)
        single = scorer.judge if isinstance(scorer, GradeScorer) else None
        return Calibrated(
            scorer.name,
            scorer.signature,
            single.model.name if single else "panel",
            rubric.criterion,
            doubt(found.answers, found.weighted_kappa.value, self.assembly.settings.judge.least_agreement),
            sum(score.failed for score in scores),
            found,
            ceiling(samples, bootstrap),
            length_bias(samples, rubric, bootstrap),
            self_preference(samples, single.model.name, rubric, bootstrap) if single else None,
            position_bias(duel(single, rubric, self.duels)) if single else None,
            tuple(
                pass_rates(
                    samples,
                    rubric.passes_from,
                    confidence=settings.confidence,
                    resamples=settings.resamples,
                    rng=rng,
                )
            ),
        )


def _duels(answers: Sequence[RatedAnswer], ratings: Sequence[Rating], most: int, seed: int) -> list[Duel]:
    """Return at most `most` pairs of different rated answers to one case, drawn at random."""
    rated = {(rating.case, rating.candidate) for rating in ratings}
    by_case: dict[str, list[RatedAnswer]] = {}
    for each in answers:
        if (each.case.id, each.name) in rated:
            by_case.setdefault(each.case.id, []).append(each)
    found = [
        Duel(one.case, one.answer, other.answer)
        for same in by_case.values()
        for one, other in combinations(same, 2)
        if one.answer.prose.strip() != other.answer.prose.strip()
    ]
    drawn = np.random.default_rng(seed).permutation(len(found))[:most]
    return [found[index] for index in sorted(drawn)]


def _among_judges(scorers: Sequence[JudgeScorer], scores: Mapping[str, Sequence[Score]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for scorer in scorers:
        if not isinstance(scorer, GradeScorer):
            columns = [scores[member.name] for member in scorer.members]
            units = [[one.value for one in row if one.value is not None] for row in zip(*columns, strict=True)]
            found[scorer.rubric.criterion] = alpha(units, "interval")
    return found


def as_json(found: Calibration) -> dict[str, object]:
    """Return the calibration as JSON types, scorers by name."""
    return {
        "created_at": found.created_at.isoformat(),
        "scorers": {one.scorer: asdict(one) for one in found.scorers},
        "unused_criteria": list(found.unused),
        "among_judges": dict(found.among_judges),
        "costs": list(found.costs),
    }
