import pytest
from scipy import stats

from groundtune.errors import ModelFailed
from groundtune.evaluation.judge.calibration import position_bias
from groundtune.evaluation.judge.judge import Judge
from groundtune.evaluation.judge.pairwise import Duel, DuelVerdict, Unscored, duel, preference, sign_test
from groundtune.evaluation.judge.prompts import PREFERENCES
from groundtune.evaluation.judge.rubrics import Rubric
from groundtune.testing.fakes import FunctionModel
from groundtune.values import Answer, Case, Failure, Usage

RUBRIC = Rubric("truth", "Is it true?", ("No.", "Yes."), 2)


def make(one, other, group="g", id_="1"):
    case = Case(id_, "?", "Yes.", (), True, group, "test")
    return Duel(case, Answer(one, False, Usage()), Answer(other, False, Usage()))


class Opinion(FunctionModel):
    """Prefers as `prefer(first answer, second answer)` says."""

    def __init__(self, prefer):
        super().__init__(str)
        self.prefer = prefer

    def weigh(self, messages, options):
        text = messages[-1].content
        first, second = (text.split(f"<{tag}>\n")[1].split("\n<")[0] for tag in ("first_answer", "second_answer"))
        weights = {self.prefer(first, second): 0.8, "equal": 0.2}
        self._chosen = {number: weights.get(name, 0.0) for number, name in PREFERENCES.items()}
        return super().weigh(messages, options)


def verdict(prefer):
    return duel(Judge(Opinion(prefer)), RUBRIC, [make("good", "poor")])[0]


def test_both_orders_must_agree():
    assert verdict(lambda first, second: "first" if first == "good" else "second") == DuelVerdict("win")
    assert verdict(lambda first, second: "first" if first == "poor" else "second") == DuelVerdict("loss")
    assert verdict(lambda first, second: "equal") == DuelVerdict("tie")
    assert verdict(lambda first, second: "first") == DuelVerdict("tie", "first")
    assert verdict(lambda first, second: "second") == DuelVerdict("tie", "second")
    assert verdict(lambda first, second: "first" if first == "good" else "equal") == DuelVerdict("tie")


def test_a_duel_fails_if_one_order_does():
    def prefer(first, second):
        if first == "poor":
            raise ModelFailed("gone.")
        return "first"

    assert verdict(prefer) == Failure("gone.")


def test_counts_and_votes_by_group():
    """Three cases of one group have one vote."""
    duels = [make("a", "b", group, str(n)) for n, group in enumerate(["x", "x", "x", "y", "z", "w"])]
    verdicts = [
        DuelVerdict("win"),
        DuelVerdict("win"),
        DuelVerdict("loss"),
        DuelVerdict("loss"),
        DuelVerdict("tie", "first"),
        Failure("gone."),
    ]
    found = preference(duels, verdicts)
    assert (found.wins, found.ties, found.losses, found.flips, found.failed) == (2, 1, 2, 1, 1)
    assert (found.groups_won, found.groups_lost, found.p_value) == (1, 1, 1.0)


@pytest.mark.parametrize(("won", "lost"), [(9, 1), (5, 5), (0, 6), (30, 12)])
def test_the_sign_test_is_that_of_scipy_and_by_hand(won, lost):
    tail = stats.binom.cdf(min(won, lost), won + lost, 0.5)
    assert sign_test(won, lost) == pytest.approx(min(1.0, 2 * tail))
    assert sign_test(0, 6) == pytest.approx(2 / 64)
    assert sign_test(0, 0) == 1


@pytest.mark.parametrize("mass", [0.0, 0.3, 0.49])
def test_a_duel_is_unscored_where_the_judge_names_no_preference(mass):
    judge = Judge(FunctionModel(lambda conversation: "Both have merits.", chosen={"1": 1}, mass=mass))
    duels = [make("good", "poor")]
    (found,) = verdicts = duel(judge, RUBRIC, duels)
    assert isinstance(found, Unscored)
    assert "was asked for one of 1, 2, 3 and replied 'Both have merits.'" in found.reason
    counted = preference(duels, verdicts)
    assert (counted.unscored, counted.failed, counted.ties, counted.reason) == (1, 0, 0, found.reason)
    biased = position_bias(verdicts)
    assert (biased.pairs, biased.unscored, biased.failed) == (0, 1, 0)
