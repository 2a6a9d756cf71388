"""What people said of each candidate: means with intervals, paired differences, preferences, and how far they agree.

The unit is a case: what several raters said of one answer is averaged first, and cases of one group are not
independent. So intervals speak of other cases, rated by these raters. Knows no file and no page; randomness is passed
in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from groundtune.evaluation.human import questions
from groundtune.evaluation.human.raters import RaterCheck, check_raters
from groundtune.evaluation.human.returned import BEST, COMMENT, Reply
from groundtune.evaluation.human.study import Item, Study
from groundtune.evaluation.ratings import Rating
from groundtune.statistics import Method, agreement, compare_all, corrected, estimate
from groundtune.values import UNEXPECTED, Difference, Estimate, Score

AGREEMENT_RESAMPLES = 1000
SPAN = questions.HIGHEST - questions.LOWEST


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """How far raters agree on the same answers: `pairs` of ratings compared, over `answers` that two or more rated.

    `raw` is the share of equal pairs; `kappa` the mean over pairs of raters (quadratic weights on a scale, none for
    the choice); `alpha` Krippendorff's (ordinal, or nominal for the choice) with its interval. None: not defined.
    """

    answers: int
    pairs: int
    raw: float | None
    kappa: float | None
    alpha: float | None
    alpha_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Preferred:
    """`one` against `other`: in how many groups of cases each was chosen more often, and the exact sign test's
    two-sided p-value over these, corrected for the number of pairs."""

    one: str
    other: str
    groups_one: int
    groups_other: int
    groups_even: int
    p_value: float


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One question: `means` by candidate on the scale that was asked, `differences` of every pair, `agreement`."""

    criterion: str
    means: Mapping[str, Estimate]
    differences: tuple[Difference, ...]
    agreement: RaterAgreement


@dataclass(frozen=True, slots=True)
class PreferenceResult:
    """The choice: `shares` of the choices by candidate (shared out where all were equal), how often none was better
    and none was wanted, `pairs` with their tests."""

    shares: Mapping[str, Estimate]
    choices: int
    equal: int
    none: int
    pairs: tuple[Preferred, ...]
    agreement: RaterAgreement


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures over the ratings of some raters, `raters` being those of them who rated anything."""

    raters: tuple[str, ...]
    ratings: int
    cases: int
    criteria: tuple[CriterionResult, ...]
    preference: PreferenceResult | None

    @property
    def lines(self) -> list[tuple[str, Mapping[str, Estimate], RaterAgreement]]:
        """The lines of a table: question, means by candidate (of a preference: shares), and agreement."""
        rows = [(result.criterion, result.means, result.agreement) for result in self.criteria]
        if self.preference is not None:
            rows.append((questions.PREFERENCE, self.preference.shares, self.preference.agreement))
        return rows


@dataclass(frozen=True, slots=True)
class Comment:
    """What a rater wrote on an answer to a case."""

    case: str
    candidate: str
    rater: str
    text: str


@dataclass(frozen=True, slots=True)
class HumanReport:
    """What a study gives: `kept` without the raters who were excluded, `everybody` with them (None if nobody was)."""

    study: str
    candidates: Mapping[str, str]
    kept: Figures
    everybody: Figures | None
    raters: tuple[RaterCheck, ...]
    comments: tuple[Comment, ...]
    left_out: Mapping[str, str]


def ratings(study: Study, replies: Sequence[Reply], raters: Sequence[str]) -> list[Rating]:
    """Return what `raters` said of candidates' answers the first time that they saw them, in the shared form.

    A choice becomes a `preference` of 1 for the chosen answer and 0 for the others; 1 divided by their number for
    each if they are equal; 0 for each if none is wanted. Attention and repeat items are no ratings.
    """
    cells = {(reply.item, reply.label, reply.column): reply.value for reply in replies}
    return [
        rating
        for sheet in study.sheets
        if sheet.rater in raters
        for item in sheet.items
        if item.kind == "case"
        for rating in _ratings(item, sheet.rater, cells)
    ]


def summarise(study: Study, replies: Sequence[Reply], *, method: Method, rng: np.random.Generator) -> HumanReport:
    """Return all figures of the study. `method.margin` is a share of the scale's length, as on a scale from 0 to 1."""
    checks = check_raters(study, replies)
    kept = [check.rater for check in checks if not check.excluded]
    everybody = [check.rater for check in checks]
    return HumanReport(
        study.id,
        study.candidates,
        _figures(study, replies, kept, method, rng),
        _figures(study, replies, everybody, method, rng) if len(kept) < len(everybody) else None,
        checks,
        tuple(_comments(study, replies)),
        study.left_out,
    )


# --- inside ---------------------------------------------------------------------------------------


def _comments(study: Study, replies: Sequence[Reply]) -> Iterator[Comment]:
    """Yield all comments on candidates' answers, of repeats too, whether the answer was rated or not."""
    texts = {(reply.item, reply.label): reply.value for reply in replies if reply.column == COMMENT}
    for sheet in study.sheets:
        for item in sheet.items:
            for shown in item.shown:
                text = texts.get((item.id, shown.label))
                if text is not None and shown.candidate is not None:
                    yield Comment(item.case, shown.candidate, sheet.rater, text)


def _ratings(item: Item, rater: str, cells: Mapping[tuple[str, str, str], str]) -> list[Rating]:
    rated = []
    best = cells.get((item.id, "", BEST))
    for shown in item.shown:
        assert shown.candidate is not None
        comment = cells.get((item.id, shown.label, COMMENT), "")
        values = {
            question.criterion: cells.get((item.id, shown.label, question.criterion))
            for question in questions.asked(item.unexpected)
        }
        given = {criterion: float(value) for criterion, value in values.items() if value is not None}
        if best is not None:
            shared = {questions.EQUAL: 1 / len(item.shown), questions.NONE: 0.0}
            given[questions.PREFERENCE] = shared.get(best, float(best == shown.label))
        rated += [Rating(item.case, shown.candidate, rater, name, value, comment) for name, value in given.items()]
    return rated


def _figures(
    study: Study, replies: Sequence[Reply], raters: Sequence[str], method: Method, rng: np.random.Generator
) -> Figures:
    rated = ratings(study, replies, raters)
    by_criterion: dict[str, list[Rating]] = {}
    for rating in rated:
        by_criterion.setdefault(rating.criterion, []).append(rating)
    results = []
    for question in questions.QUESTIONS:
        mine = by_criterion.get(question.criterion, [])
        if mine:
            results.append(_criterion(study, question.criterion, mine, method, rng))
    chosen = by_criterion.get(questions.PREFERENCE, [])
    return Figures(
        tuple(name for name in raters if any(rating.rater == name for rating in rated)),
        len(rated),
        len({rating.case for rating in rated}),
        tuple(results),
        _preference(study, replies, raters, chosen, method, rng) if chosen else None,
    )


def _scores(study: Study, rated: Sequence[Rating], low: float, span: float) -> tuple[dict[str, list[Score]], list[str]]:
    """Return each candidate's scores by case, from 0 to 1, and the cases' groups."""
    groups = study.groups
    given: dict[tuple[str, str], list[float]] = {}
    for rating in rated:
        given.setdefault((rating.case, rating.candidate), []).append((rating.value - low) / span)
    unusual = {item.case for sheet in study.sheets for item in sheet.items if item.unexpected}
    only = rated[0].criterion == UNEXPECTED
    cases = [case for case in sorted(groups) if case in unusual or not only]
    missing = Score(None, "nobody rated it")
    scores = {
        name: [Score(sum(values) / len(values)) if (values := given.get((case, name))) else missing for case in cases]
        for name in study.candidates
    }
    return scores, [groups[case] for case in cases]


def _criterion(
    study: Study, criterion: str, rated: Sequence[Rating], method: Method, rng: np.random.Generator
) -> CriterionResult:
    scores, groups = _scores(study, rated, questions.LOWEST, SPAN)
    means = {name: estimate(given, groups, method=method) for name, given in scores.items()}
    differences = compare_all(scores, groups, scorer=criterion, method=method, rng=rng)
    units: dict[str, dict[str, float]] = {}
    for rating in rated:
        units.setdefault(f"{rating.case}\n{rating.candidate}", {})[rating.rater] = rating.value
    return CriterionResult(
        criterion,
        {name: _rescaled(mean, questions.LOWEST) for name, mean in means.items()},
        tuple(replace(difference, difference=_rescaled(difference.difference, 0)) for difference in differences),
        _agreement(study, units, "ordinal", method, rng),
    )


def _rescaled(figure: Estimate, low: float) -> Estimate:
    """Turn an estimate on the scale from 0 to 1 back into the one that was asked."""

    def turned(value: float | None) -> float | None:
        return None if value is None else low + SPAN * value

    return replace(figure, mean=turned(figure.mean), low=turned(figure.low), high=turned(figure.high))


def _preference(
    study: Study,
    replies: Sequence[Reply],
    raters: Sequence[str],
    rated: Sequence[Rating],
    method: Method,
    rng: np.random.Generator,
) -> PreferenceResult:
    scores, groups = _scores(study, rated, 0.0, 1.0)
    shares = {name: estimate(given, groups, method=method) for name, given in scores.items()}
    choices = _choices(study, replies, raters)
    numbers = {name: float(number) for number, name in enumerate([questions.EQUAL, questions.NONE, *study.candidates])}
    units: dict[str, dict[str, float]] = {}
    for item, rater, choice in choices:
        units.setdefault(f"{item.case}\n", {})[rater] = numbers[choice]
    made = [choice for _, _, choice in choices]
    return PreferenceResult(
        shares,
        len(choices),
        made.count(questions.EQUAL),
        made.count(questions.NONE),
        _pairs(list(study.candidates), choices),
        _agreement(study, units, "nominal", method, rng),
    )


def _choices(study: Study, replies: Sequence[Reply], raters: Sequence[str]) -> list[tuple[Item, str, str]]:
    """Return (item, rater, chosen candidate or `equal` or `none`) of every case that was chosen on."""
    best = {reply.item: reply.value for reply in replies if reply.column == BEST}
    choices = []
    for sheet in study.sheets:
        for item in sheet.items:
            if sheet.rater in raters and item.kind == "case" and item.id in best:
                choice = best[item.id]
                name = choice if choice in (questions.EQUAL, questions.NONE) else item.candidate(choice)
                choices.append((item, sheet.rater, str(name)))
    return choices


def _pairs(names: Sequence[str], choices: Sequence[tuple[Item, str, str]]) -> tuple[Preferred, ...]:
    """Test every pair over groups of cases, since neither raters of one case nor cases of one group are independent.

    A group speaks for the candidate chosen more often in it, among choices where both were shown; under no
    preference either is as likely (sign test, exact by the binomial distribution).
    """
    from scipy import stats

    tested = []
    for first, second in combinations(names, 2):
        balance: dict[str, int] = {}
        for item, _, choice in choices:
            if {first, second} <= {shown.candidate for shown in item.shown}:
                balance[item.group] = balance.get(item.group, 0) + (choice == first) - (choice == second)
        ahead, behind = sum(value > 0 for value in balance.values()), sum(value < 0 for value in balance.values())
        p_value = float(stats.binomtest(ahead, ahead + behind, 0.5).pvalue) if ahead + behind else 1.0
        tested.append(Preferred(first, second, ahead, behind, len(balance) - ahead - behind, p_value))
    p_values = corrected([preferred.p_value for preferred in tested])
    return tuple(replace(preferred, p_value=p_value) for preferred, p_value in zip(tested, p_values, strict=True))


def _agreement(
    study: Study,
    units: Mapping[str, Mapping[str, float]],
    level: agreement.Level,
    method: Method,
    rng: np.random.Generator,
) -> RaterAgreement:
    """`units` holds the values by rater of each answer, whose key begins with its case and a line break."""
    several = {key: values for key, values in units.items() if len(values) > 1}
    pairs: dict[tuple[str, str], list[agreement.RatingPair]] = {}
    groups: dict[str, list[list[float]]] = {}
    for key, values in several.items():
        groups.setdefault(study.groups[key.partition("\n")[0]], []).append(list(values.values()))
        for first, second in combinations(sorted(values), 2):
            pairs.setdefault((first, second), []).append((values[first], values[second]))
    all_pairs = [pair for shared in pairs.values() for pair in shared]
    weights: Literal["none", "quadratic"] = "none" if level == "nominal" else "quadratic"
    kappas = [value for shared in pairs.values() if (value := agreement.kappa(shared, weights)) is not None]
    return RaterAgreement(
        len(several),
        len(all_pairs),
        agreement.raw_agreement(all_pairs),
        sum(kappas) / len(kappas) if kappas else None,
        agreement.alpha([list(values.values()) for values in several.values()], level),
        agreement.bootstrap_interval(
            lambda drawn: agreement.alpha([unit for group in drawn for unit in group], level),
            list(groups.values()),
            confidence=method.confidence,
            resamples=AGREEMENT_RESAMPLES,
            rng=rng,
        ),
    )
