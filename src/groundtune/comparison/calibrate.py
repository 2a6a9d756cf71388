"""Calibrates the project's judges against human ratings: asks them, computes, and keeps the result.

The place where answers of the records, or of a file, meet ratings and judges.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.assembly.judges import CALIBRATION, LATEST
from groundtune.comparison.latest import latest_runs
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
from groundtune.evaluation.judge.grading import GradeScorer, JudgeScorer, silence
from groundtune.evaluation.judge.pairwise import Duel, Preference, duel, preference
from groundtune.evaluation.judge.pass_rates import PassRate, pass_rates
from groundtune.evaluation.judge.samples import RatedAnswer, RatingScale, check_ratings, load_answers, make_samples
from groundtune.evaluation.ratings import Rating, load_ratings
from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.http.outages import one_command
from groundtune.records import Records
from groundtune.records.records import RunRecord
from groundtune.statistics.agreement import alpha
from groundtune.values import Answer, Score

_log = logging.getLogger(__name__)
RESAMPLES = 1000  # of intervals for agreement, each of which goes through all pairs again


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One scorer against people. `doubt` is empty where it may decide; `failed` counts scores that failed, `unclear`
    those that are missing because the judge named no level, and `silence` is why there is no score at all.

    `self_preference` and `position` are None for a panel, which is no one model.
    """

    scorer: str
    signature: str
    judge: str
    criterion: str
    doubt: str
    failed: int
    unclear: int
    silence: str
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


@one_command()
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

    A judge that gave no score at all says why in `silence`, and nothing is kept of it.

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
            f"rates {', '.join(sorted(criteria)) or 'nothing'}, but the rubrics are {rubrics}.",
            place=ratings_file,
            remedy="Name a rubric after the criterion that people rated; see docs/judge.md.",
        )
    judged = [(candidate.case, candidate.answer) for candidate in answers]
    scores = {scorer.name: scorer.score_many(judged) for scorer in scorers}
    job = _Job(assembly, answers, ratings, scale, _duels(answers, ratings, pairs, assembly.settings.comparison.seed))
    calibration = Calibration(
        now,
        tuple(job.calibrated(scorer, scores[scorer.name]) for scorer in scorers),
        tuple(sorted(criteria - {rubric.criterion for rubric in assembly.judges.rubrics})),
        _among_judges(scorers, scores),
        tuple(assembly.judges.costs()),
    )
    _keep(assembly.records, calibration)
    return calibration


def _keep(records: Records, calibration: Calibration) -> None:
    """Keep the calibration. A judge that gave no score was not calibrated: what was known of it before still holds."""
    earlier = (records.kept(CALIBRATION, LATEST) or {}).get("scorers", {})
    silent = {one.scorer for one in calibration.scorers if one.silence}
    made = as_json(calibration)
    scorers = {one.scorer: asdict(one) for one in calibration.scorers if not one.silence}
    before = {name: known for name, known in earlier.items() if name in silent}
    if scorers:
        records.keep(CALIBRATION, LATEST, {**made, "scorers": {**scorers, **before}})


@one_command()
def prefer(
    assembly: Assembly, candidate: str, other: str, criterion: str | None = None, answers_file: Path | None = None
) -> dict[str, Preference]:
    """Return which candidate's answers each judge prefers by `criterion` (the first rubric's), by judge's name."""
    _check_judges(assembly)
    known = {rubric.criterion: rubric for rubric in assembly.judges.rubrics}
    if criterion is not None and criterion not in known:
        raise SettingsError(f"there is no rubric `{criterion}`.", remedy=f"The rubrics are {', '.join(known)}.")
    rubric = known[criterion] if criterion else assembly.judges.rubrics[0]
    answers = answers_to(assembly, answers_file)
    by_case = {
        name: {answer.case.id: answer for answer in answers if answer.name == name} for name in (candidate, other)
    }
    for name, own in by_case.items():
        if not own:
            raise InputError(f"there is no answer of `{name}`.", remedy="Run `groundtune evaluate` for it first.")
    shared = [answer for id_, answer in by_case[candidate].items() if id_ in by_case[other]]
    duels = [Duel(answer.case, answer.answer, by_case[other][answer.case.id].answer) for answer in shared]
    return {name: preference(duels, duel(judge, rubric, duels)) for name, judge in assembly.judges.judges}


def answers_to(assembly: Assembly, answers_file: Path | None) -> list[RatedAnswer]:
    """Return the answers in a file, or those in the records to the benchmark as it is now.

    Those are of the latest comparison, and of candidates that were not compared the latest run.
    """
    if answers_file is not None:
        return load_answers(answers_file, assembly.benchmark)
    cases = {case.id: case for case in assembly.benchmark.cases}
    runs, compared = latest_runs(assembly)
    others = [name for name in runs if compared is None or name not in compared.signatures]
    if compared is not None:
        _log.info("The answers are those of the %s.", compared)
    if others:
        _log.info("Those of %s are from the latest run of each.", ", ".join(others))
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
            "there is no judge.",
            remedy='Name one: `[judge] models = ["openai:MODEL@BASE_URL"]`, or --set judge.models=… for a call; '
            "see docs/judge.md.",
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
        agreed = agreement(samples, rubric, bootstrap)
        single = scorer.judge if isinstance(scorer, GradeScorer) else None
        return Calibrated(
            scorer.name,
            scorer.signature,
            single.model.name if single else "panel",
            rubric.criterion,
            doubt(agreed.answers, agreed.weighted_kappa.value, self.assembly.settings.judge.least_agreement),
            sum(score.failed for score in scores),
            sum(score.value is None and not score.failed and score != NO_IDEAL_ANSWER for score in scores),
            silence(scores),
            agreed,
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
    for answer in answers:
        if (answer.case.id, answer.name) in rated:
            by_case.setdefault(answer.case.id, []).append(answer)
    duels = [
        Duel(first.case, first.answer, second.answer)
        for same in by_case.values()
        for first, second in combinations(same, 2)
        if first.answer.prose.strip() != second.answer.prose.strip()
    ]
    drawn = np.random.default_rng(seed).permutation(len(duels))[:most]
    return [duels[index] for index in sorted(drawn)]


def _among_judges(scorers: Sequence[JudgeScorer], scores: Mapping[str, Sequence[Score]]) -> dict[str, float | None]:
    alphas: dict[str, float | None] = {}
    for scorer in scorers:
        if not isinstance(scorer, GradeScorer):
            columns = [scores[member.name] for member in scorer.members]
            units = [[score.value for score in row if score.value is not None] for row in zip(*columns, strict=True)]
            alphas[scorer.rubric.criterion] = alpha(units, "interval")
    return alphas


def as_json(calibration: Calibration) -> dict[str, object]:
    """Return the calibration as JSON types, scorers by name."""
    return {
        "created_at": calibration.created_at.isoformat(),
        "scorers": {calibrated.scorer: asdict(calibrated) for calibrated in calibration.scorers},
        "unused_criteria": list(calibration.unused),
        "among_judges": dict(calibration.among_judges),
        "costs": list(calibration.costs),
    }
