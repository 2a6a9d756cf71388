import math
from dataclasses import replace

import pytest

from groundtune.errors import ModelFailed, NotInstalled
from groundtune.evaluation.run import answer_cases, score_answers
from groundtune.protocols import ScorerDefaults, Words
from groundtune.values import Answer, Case, Failure, Score, Usage

CASES = [Case(str(number), f"question {number}", "a", (), True, "g", "test") for number in range(10)]
ANSWER = Answer("earlier", False, Usage())


class Echo:
    """An answerer that fails on batches with a bad question, and notes what it was asked."""

    signature = "echo"

    def __init__(self, *bad):
        self.bad = {f"question {number}" for number in bad}
        self.batches = []

    def answer_many(self, questions):
        texts = [question.text for question in questions]
        self.batches.append(texts)
        for text in texts:
            if text in self.bad:
                raise ModelFailed(f"cannot take {text}.")
        return [Answer(text, False, Usage()) for text in texts]


def test_cases_are_answered_in_batches_and_saved_slice_by_slice():
    answerer, saved, seen = Echo(), [], []
    found = answer_cases(
        answerer, CASES, {}, saved.append, batch_size=4, progress=lambda stage, done, total: seen.append((done, total))
    )
    assert [len(batch) for batch in answerer.batches] == [4, 4, 2]
    assert [list(part) for part in saved] == [["0", "1", "2", "3"], ["4", "5", "6", "7"], ["8", "9"]]
    assert [outcome.text for outcome in found.values()] == [case.question for case in CASES]
    assert seen == [(0, 10), (4, 10), (8, 10), (10, 10)]


def test_what_is_done_is_not_asked_again_and_what_failed_is():
    answerer = Echo()
    done = {"0": ANSWER, "1": Failure("timeout")}
    found = answer_cases(answerer, CASES[:3], done, lambda new: None)
    assert answerer.batches == [["question 1", "question 2"]]
    assert list(found) == ["0", "1", "2"]
    assert found["0"] is ANSWER
    assert found["1"].text == "question 1"


def test_a_failing_case_is_found_kept_and_spoils_no_other():
    answerer = Echo(5)
    found = answer_cases(answerer, CASES, {}, lambda new: None)
    assert found["5"] == Failure("cannot take question 5.")
    assert all(isinstance(found[case.id], Answer) for case in CASES if case.id != "5")
    assert len(answerer.batches) < len(CASES)


def test_all_may_fail():
    found = answer_cases(Echo(*range(10)), CASES, {}, lambda new: None)
    assert [type(outcome) for outcome in found.values()] == [Failure] * 10


def test_answers_that_do_not_match_their_questions_in_number_are_a_failure():
    class Short(Echo):
        def answer_many(self, questions):
            return super().answer_many(questions)[:-1]

    found = answer_cases(Short(), CASES[:1], {}, lambda new: None)
    assert "0 answers to 1 questions" in found["0"].reason


def test_a_kill_loses_one_slice_at_most():
    saved = {}

    class Killed(Echo):
        def answer_many(self, questions):
            if len(self.batches) == 2:
                raise KeyboardInterrupt
            return super().answer_many(questions)

    with pytest.raises(KeyboardInterrupt):
        answer_cases(Killed(), CASES, {}, saved.update, batch_size=4)
    again = Echo()
    answer_cases(again, CASES, saved, saved.update, batch_size=4)
    assert again.batches == [["question 8", "question 9"]]
    assert len(saved) == 10


class Length(ScorerDefaults):
    """Scores an answer by its length."""

    name = "length"
    words = Words("Length", "How long it is.", "Long is not good.")
    signature = "length|version:1"

    def score(self, case, answer):
        if answer.text == "bad":
            raise ValueError("cannot score this")
        return Score(float(len(answer.text)))


class Batched(Length):
    name = "batched"

    def __init__(self, error=None):
        self.error = error
        self.batches = []

    def score_many(self, pairs):
        self.batches.append(len(pairs))
        if self.error:
            raise self.error
        return [self.score(case, answer) for case, answer in pairs]


def pairs(*texts):
    return [
        (case, Failure("timeout") if text is None else Answer(text, False, Usage()))
        for case, text in zip(CASES, texts, strict=False)
    ]


def test_scores_come_by_scorer_and_case_and_are_saved():
    saved = []
    found = score_answers(
        [Length(), Batched()], pairs("a", "abc"), {}, lambda scorer, new: saved.append((scorer.name, dict(new)))
    )
    expected = {"0": Score(1.0), "1": Score(3.0)}
    assert found == {"length": expected, "batched": expected}
    assert saved == [("length", expected), ("batched", expected)]


@pytest.mark.parametrize("scorer", [Length(), Batched()])
def test_failed_answers_and_failing_scorers_are_failed_scores(scorer):
    (found,) = score_answers([scorer], pairs("a", None, "bad", "abc"), {}, lambda scorer, new: None).values()
    assert found["0"].value == 1
    assert found["1"] == Score(None, "no answer: timeout", failed=True)
    assert found["2"] == Score(None, "ValueError: cannot score this", failed=True)
    assert found["3"].value == 3


def test_a_missing_package_fails_all_at_once_with_its_remedy():
    scorer = Batched(NotInstalled("needs torch.", remedy="Install it."))
    (found,) = score_answers([scorer], pairs("a", "b"), {}, lambda scorer, new: None).values()
    assert set(found.values()) == {Score(None, "needs torch. Install it.", failed=True)}
    assert scorer.batches == [2]


def test_a_number_that_is_none_is_a_failed_score():
    class Broken(Length):
        def score(self, case, answer):
            return Score(math.nan)

    (found,) = score_answers([Broken()], pairs("a"), {}, lambda scorer, new: None).values()
    assert found["0"] == Score(None, "the scorer gave nan", failed=True)


def test_earlier_scores_are_kept_and_failed_ones_tried_again():
    scorer, saved = Batched(), {}
    done = {"batched": {"0": Score(9.0), "1": Score(None, "crash", failed=True), "2": Score(None, "does not apply")}}
    (found,) = score_answers([scorer], pairs("a", "ab", "abc"), done, lambda scorer, new: saved.update(new)).values()
    assert [score.value for score in found.values()] == [9.0, 2.0, None]
    assert list(saved) == ["1"]


def test_a_model_that_is_down_is_given_up_and_every_case_says_so():
    cases = [replace(CASES[0], id=str(number), question=f"question {number}") for number in range(100)]
    answerer = Echo(*range(100))
    found = answer_cases(answerer, cases, {}, lambda new: None, batch_size=4)
    assert len(answerer.batches) == 14  # two slices, each as a whole, in halves and one by one
    assert [outcome.reason for outcome in found.values()][7:9] == [
        "cannot take question 7.",
        "not asked, because 8 cases in a row failed: cannot take question 7.",
    ]
    assert len(found) == 100


def test_failures_between_answers_are_not_taken_for_a_model_that_is_down():
    cases = [replace(CASES[0], id=str(number), question=f"question {number}") for number in range(40)]
    found = answer_cases(Echo(*(n for n in range(40) if n % 4)), cases, {}, lambda new: None, batch_size=1)
    assert sum(isinstance(outcome, Answer) for outcome in found.values()) == 10
    assert not any("not asked" in getattr(outcome, "reason", "") for outcome in found.values())
