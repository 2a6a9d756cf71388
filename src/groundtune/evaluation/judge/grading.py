"""`judge_CRITERION`: what a judge thinks of an answer by one criterion of a rubric, in [0, 1].

    levels        1 wrong   2 partly   3 right
    probability   0.1       0.3        0.6          → 0.1 · 0 + 0.3 · 0.5 + 0.6 · 1 = 0.75

The score is the mean of the levels, weighted with the probability that the judge gives each; so a judge that wavers
between two levels says so. A case without an ideal answer is unscored, and so is one where less than half of the
probability stands on the levels: the judge said something else. Where a judge gives a rationale, it is the score's
`reason`.

A panel is the mean of its judges. It has a score only where all of them have one.

Source: weighting with probabilities as in Liu et al. 2023, "G-Eval: NLG Evaluation using GPT-4 with Better Human
Alignment", arXiv:2303.16634.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundtune.evaluation.judge.judge import NOT_ASKED, Judge, Judgement, JudgeRequest
from groundtune.evaluation.judge.prompts import grading_messages, prompt_signature, rationale_messages
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.evaluation.run import NO_ANSWER
from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.protocols import ScorerDefaults, Words
from groundtune.values import Answer, Case, Failure, Score

PREFIX = "judge_"
GRADED = "judge|"  # what the signature of a single judge's scorer begins with
JudgedPair = tuple[Case, Answer]


@dataclass(frozen=True, slots=True)
class GradeScorer(ScorerDefaults):
    """One judge with one rubric: a `BatchScorer`."""

    name: str
    judge: Judge
    rubric: Rubric

    @property
    def words(self) -> Words:
        """What the report says of it."""
        return _words(self.name)

    @property
    def signature(self) -> str:
        """Rubric, prompt and judge: all that can change a score."""
        rubric = f"rubric:{self.rubric.criterion}:{self.rubric.hash}"
        return f"{GRADED}{rubric}|prompt:{prompt_signature(self.rubric)}|{self.judge.signature}|version:2"

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the score of one answer; failed, with the reason, where the judge fails."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[JudgedPair]) -> list[Score]:
        """Return the scores of `pairs`, in order."""
        asked = [pair for pair in pairs if pair[0].ideal_answer.strip()]
        judgements = iter(self.judge.ask([self._request(*pair) for pair in asked]))
        return [self._score(next(judgements)) if case.ideal_answer.strip() else NO_IDEAL_ANSWER for case, _ in pairs]

    def _request(self, case: Case, answer: Answer) -> JudgeRequest:
        if self.judge.rationale_tokens:
            return JudgeRequest(rationale_messages(self.rubric, case, answer), self.rubric.options, rationale=True)
        return JudgeRequest(grading_messages(self.rubric, case, answer), self.rubric.options)

    def _score(self, judgement: Judgement | Failure) -> Score:
        if isinstance(judgement, Failure):
            return Score(None, judgement.reason, failed=True)
        if judgement.doubt:
            return Score(None, f"the judge {judgement.doubt}")
        shares = judgement.probabilities.items()
        value = sum(share * self.rubric.value(int(level)) for level, share in shares)
        return Score(min(1.0, max(0.0, value)), judgement.rationale)


@dataclass(frozen=True, slots=True)
class PanelScorer(ScorerDefaults):
    """Several judges with one rubric: a `BatchScorer` that gives their mean."""

    name: str
    members: tuple[GradeScorer, ...]

    @property
    def rubric(self) -> Rubric:
        """The rubric that all of them have."""
        return self.members[0].rubric

    @property
    def words(self) -> Words:
        """What the report says of it."""
        return _words(self.name)

    @property
    def signature(self) -> str:
        """Those of its judges."""
        return "panel|mean|" + "||".join(member.signature for member in self.members)

    def score(self, case: Case, answer: Answer) -> Score:
        """Return the score of one answer; failed where one of the judges fails."""
        return self.score_many([(case, answer)])[0]

    def score_many(self, pairs: Sequence[JudgedPair]) -> list[Score]:
        """Return the scores of `pairs`, in order. Judges that were asked already remember."""
        columns = [member.score_many(pairs) for member in self.members]
        return [_mean(scores) for scores in zip(*columns, strict=True)]

    def disagreement(self, scores: Mapping[str, Mapping[str, Sequence[Score]]]) -> float | None:
        """Return how far its judges are apart: mean over answers of highest less lowest, None if none has all scores.

        `scores` are by scorer name and candidate.
        """
        apart = []
        for candidate in next(iter(scores.values()), {}):
            columns = [scores[member.name][candidate] for member in self.members]
            for row in zip(*columns, strict=True):
                values = [score.value for score in row if score.value is not None]
                if len(values) == len(row):
                    apart.append(max(values) - min(values))
        return sum(apart) / len(apart) if apart else None


JudgeScorer = GradeScorer | PanelScorer


def silence(scores: Iterable[Score]) -> str:
    """Return why a judge gave no score at all to the answers that it was asked about; empty if it gave any."""
    asked = [score for score in scores if score != NO_IDEAL_ANSWER and not score.reason.startswith(NO_ANSWER)]
    if any(score.value is not None for score in asked):
        return ""
    reasons = [score.reason for score in asked]
    return next((reason for reason in reasons if not reason.startswith(NOT_ASKED)), next(iter(reasons), ""))


def _words(name: str) -> Words:
    return Words(
        name.replace("_", " ").capitalize(),
        "A language model grades the answer by a rubric and compares it with the ideal answer.",
        "Models make mistakes and favour long answers and their own kind: see the calibration.",
    )


def _mean(scores: Sequence[Score]) -> Score:
    missing = [score for score in scores if score.value is None]
    if missing:
        return missing[0]
    return Score(sum(score.value or 0.0 for score in scores) / len(scores))


def silent_judges(reasons: Mapping[str, str]) -> list[str]:
    """Return a sentence for each reason why judges gave no score at all; `reasons` are by scorer name."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        if reason:
            names.setdefault(reason, []).append(name)
    return [f"{', '.join(silent)} gave no score to any answer: {reason}" for reason, silent in names.items()]


def judge_scorers(judges: Sequence[tuple[str, Judge]], rubrics: Sequence[Rubric]) -> list[JudgeScorer]:
    """Return a scorer for each rubric; of several (name, judge) one for each judge, and one for the panel.

    Names are `judge_CRITERION`, and for the judges of a panel `judge_CRITERION_NAME`.
    """
    scorers: list[JudgeScorer] = []
    for rubric in rubrics:
        name = f"{PREFIX}{rubric.criterion}"
        if len(judges) == 1:
            scorers.append(GradeScorer(name, judges[0][1], rubric))
        elif judges:
            members = tuple(GradeScorer(f"{name}_{short}", judge, rubric) for short, judge in judges)
            scorers += [*members, PanelScorer(name, members)]
    return scorers
