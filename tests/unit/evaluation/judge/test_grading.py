import pytest

from groundtune.errors import ModelFailed
from groundtune.evaluation.judge.grading import GradeScorer, PanelScorer, judge_scorers, silence
from groundtune.evaluation.judge.judge import Judge
from groundtune.evaluation.judge.rubrics import Rubric, load_rubrics
from groundtune.evaluation.scorers._function import NO_IDEAL_ANSWER
from groundtune.testing.fakes import FunctionModel
from groundtune.testing.scorers import BAD, GOOD, PAIRS
from groundtune.values import Score

RUBRIC = Rubric("truth", "Is it true?", ("Wrong.", "Partly.", "Right."), 2)


def scorer(chosen, **judge):
    model = FunctionModel(lambda conversation: "Because.", chosen=chosen)
    return GradeScorer("judge_truth", Judge(model, **judge), RUBRIC)


@pytest.mark.parametrize(
    ("chosen", "value"),
    [({"1": 1}, 0), ({"3": 1}, 1), ({"1": 0.1, "2": 0.3, "3": 0.6}, 0.75), ({"2": 1}, 0.5)],
)
def test_the_score_is_the_mean_of_the_levels_weighted_with_their_probability(chosen, value):
    assert scorer(chosen).score(*GOOD).value == pytest.approx(value)


def test_without_an_ideal_answer_there_is_no_score_and_no_question():
    one = scorer({"3": 1})
    found = one.score_many(PAIRS)
    assert [score.value is None for score in found] == [not case.ideal_answer.strip() for case, _ in PAIRS]
    assert all(score.reason and not score.failed for score in found if score.value is None)
    assert one.judge.asked < len(PAIRS)


def test_a_judge_that_fails_makes_a_failed_score():
    def fail(conversation):
        raise ModelFailed("gone.")

    model = FunctionModel(fail)
    model.weigh = lambda messages, options: fail(messages)
    assert GradeScorer("judge_truth", Judge(model), RUBRIC).score(*GOOD) == Score(None, "gone.", failed=True)


def test_the_rationale_is_the_reason():
    assert scorer({"3": 1}, rationale_tokens=10).score(*GOOD) == Score(1.0, "Because.")


def test_the_signature_names_all_that_can_change_a_score():
    one = scorer({})
    others = [
        scorer({}, rationale_tokens=10),
        GradeScorer("judge_truth", one.judge, Rubric("truth", "Is it true?", ("Wrong.", "Partly.", "Right!"), 2)),
        GradeScorer("judge_truth", Judge(FunctionModel(str, "fake:other")), RUBRIC),
    ]
    assert len({one.signature, *(other.signature for other in others)}) == 4


def test_a_panel_is_the_mean_of_its_judges_who_are_asked_once():
    judges = [(name, Judge(FunctionModel(str, name, {level: 1}))) for name, level in (("a", "1"), ("b", "3"))]
    one, other, panel = judge_scorers(judges, [RUBRIC])
    assert [each.name for each in (one, other, panel)] == ["judge_truth_a", "judge_truth_b", "judge_truth"]
    assert isinstance(panel, PanelScorer)
    assert [each.score_many([GOOD, BAD]) for each in (one, other, panel)] == [
        [Score(0.0)] * 2,
        [Score(1.0)] * 2,
        [Score(0.5)] * 2,
    ]
    assert [judge.asked for _, judge in judges] == [2, 2]
    assert one.signature in panel.signature
    assert other.signature in panel.signature


def test_a_panel_has_a_score_only_where_all_have_one():
    broken = FunctionModel(str, "broken")

    def weigh(messages, options):
        raise ModelFailed("gone.")

    broken.weigh = weigh
    *_, panel = judge_scorers([("a", Judge(FunctionModel(str))), ("b", Judge(broken))], [RUBRIC])
    assert panel.score(*GOOD) == Score(None, "gone.", failed=True)


def test_one_judge_makes_one_scorer_a_rubric_and_none_makes_none():
    names = [each.name for each in judge_scorers([("a", Judge(FunctionModel(str)))], load_rubrics())]
    assert names == ["judge_accuracy", "judge_relevance", "judge_comprehensiveness"]
    assert judge_scorers([], load_rubrics()) == []


@pytest.mark.parametrize("mass", [0.0, 0.2, 0.49])
def test_where_the_judge_says_something_else_the_case_is_unscored_with_the_reason(mass):
    model = FunctionModel(lambda conversation: "The answer is fine.", chosen={"3": 1}, mass=mass)
    judge = Judge(model)
    found = GradeScorer("judge_truth", judge, RUBRIC).score(*GOOD)
    assert (found.value, found.failed) == (None, False)
    assert found.reason.startswith("the judge was asked for one of 1, 2, 3 and replied 'The answer is fine.': only ")
    assert f"{mass:.0%} of the probability" in found.reason
    assert GradeScorer("judge_truth", judge, RUBRIC).score(*GOOD) == found
    assert judge.asked == 1


@pytest.mark.parametrize("mass", [0.5, 0.51, 1.0])
def test_where_enough_stands_on_the_levels_the_rest_is_left_out(mass):
    model = FunctionModel(lambda conversation: "3", chosen={"2": 0.5, "3": 0.5}, mass=mass)
    assert GradeScorer("judge_truth", Judge(model), RUBRIC).score(*GOOD).value == 0.75


NOT_SCORED = Score(None, "the judge was asked for one of 1, 2 and replied 'Hm'")


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ([], ""),
        ([Score(0.5), Score(None, "gone.", failed=True)], ""),
        ([NO_IDEAL_ANSWER, Score(None, "no answer: gone.", failed=True)], ""),
        ([NO_IDEAL_ANSWER, NOT_SCORED], NOT_SCORED.reason),
        ([Score(None, "not asked, because so", failed=True), Score(None, "gone.", failed=True)], "gone."),
        ([Score(None, "no answer: late.", failed=True), Score(None, "gone.", failed=True)], "gone."),
    ],
)
def test_a_judge_that_gave_nothing_says_why(scores, reason):
    assert silence(scores) == reason
