"""Which of two answers a judge prefers, asked in both orders.

    answer A first → "first",  answer B first → "second"     A wins
    answer A first → "first",  answer B first → "first"      a flip: the judge follows the place; counts as a tie
    anything with "equal"                                     a tie
    less than half of the probability on any of these         unscored

Source: both orders, and a changed verdict as a tie, as in Zheng et al. 2023, "Judging LLM-as-a-Judge with MT-Bench
and Chatbot Arena", arXiv:2306.05685.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from groundtune.evaluation.judge.judge import Judge, Judgement, JudgeRequest
from groundtune.evaluation.judge.prompts import PREFERENCES, pairing_messages
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.values import Answer, Case, Failure

DuelOutcome = Literal["win", "tie", "loss"]


@dataclass(frozen=True, slots=True)
class Duel:
    """Two answers to one case; the outcome is that of `answer_a`."""

    case: Case
    answer_a: Answer
    answer_b: Answer


@dataclass(frozen=True, slots=True)
class DuelVerdict:
    """What came of a duel. `flip` is "first" or "second" where the judge preferred that place in both orders."""

    outcome: DuelOutcome
    flip: Literal["first", "second"] | None = None


@dataclass(frozen=True, slots=True)
class Unscored:
    """A duel without a verdict, since the judge named no preference in one of the orders; with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Preference:
    """Duels counted, seen from the first of the two. `p_value` is of the exact two-sided sign test over groups.

    Cases of a group are not independent, so each group has one vote: that of most of its cases that are not ties.
    `reason` is why there is no verdict at all, empty if there is any.
    """

    wins: int
    ties: int
    losses: int
    flips: int
    failed: int
    unscored: int
    groups_won: int
    groups_lost: int
    p_value: float
    reason: str = ""


def duel(judge: Judge, rubric: Rubric, duels: Sequence[Duel]) -> list[DuelVerdict | Unscored | Failure]:
    """Return the verdict on each duel, in order; failed where either order did, unscored where either was."""
    requests = []
    for each in duels:
        for first, second in ((each.answer_a, each.answer_b), (each.answer_b, each.answer_a)):
            requests.append(JudgeRequest(pairing_messages(rubric, each.case, first, second), tuple(PREFERENCES)))
    judgements = judge.ask(requests)
    return [_verdict(straight, turned) for straight, turned in zip(judgements[::2], judgements[1::2], strict=True)]


def preference(duels: Sequence[Duel], verdicts: Sequence[DuelVerdict | Unscored | Failure]) -> Preference:
    """Return the counts and the test."""
    votes: Counter[str] = Counter()
    counts: Counter[DuelOutcome] = Counter()
    for each, verdict in zip(duels, verdicts, strict=True):
        if isinstance(verdict, DuelVerdict):
            counts[verdict.outcome] += 1
            votes[each.case.group] += {"win": 1, "tie": 0, "loss": -1}[verdict.outcome]
    won = sum(vote > 0 for vote in votes.values())
    lost = sum(vote < 0 for vote in votes.values())
    return Preference(
        counts["win"],
        counts["tie"],
        counts["loss"],
        sum(isinstance(verdict, DuelVerdict) and verdict.flip is not None for verdict in verdicts),
        sum(isinstance(verdict, Failure) for verdict in verdicts),
        sum(isinstance(verdict, Unscored) for verdict in verdicts),
        won,
        lost,
        sign_test(won, lost),
        "" if counts else next((each.reason for each in verdicts if not isinstance(each, DuelVerdict)), ""),
    )


def sign_test(won: int, lost: int) -> float:
    """Return the two-sided p-value of `won` against `lost` if each were as likely; 1 where there is neither."""
    from scipy import stats

    return float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0


def _verdict(straight: Judgement | Failure, turned: Judgement | Failure) -> DuelVerdict | Unscored | Failure:
    if isinstance(straight, Failure):
        return straight
    if isinstance(turned, Failure):
        return turned
    if doubt := straight.doubt or turned.doubt:
        return Unscored(f"the judge {doubt}")
    match _likeliest(straight), _likeliest(turned):
        case "first", "second":
            return DuelVerdict("win")
        case "second", "first":
            return DuelVerdict("loss")
        case "first", "first":
            return DuelVerdict("tie", "first")
        case "second", "second":
            return DuelVerdict("tie", "second")
    return DuelVerdict("tie")


def _likeliest(judgement: Judgement) -> str:
    return PREFERENCES[max(judgement.probabilities, key=lambda option: judgement.probabilities[option])]
