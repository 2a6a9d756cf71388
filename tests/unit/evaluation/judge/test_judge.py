import threading
import time

import pytest

from groundtune.errors import ModelFailed, SettingsError
from groundtune.evaluation.judge.judge import MOST_FAILURES, Judge, Judgement, JudgeRequest, ShortMemory
from groundtune.testing.fakes import FunctionModel
from groundtune.values import Choice, Failure, Message, Usage

YES_NO = ("yes", "no")


def question(text, options=YES_NO, *, rationale=False):
    return JudgeRequest((Message("user", text),), options, rationale)


class Model(FunctionModel):
    """Fails on questions that contain "bad", as `error` says; asks `parallel` at once."""

    def __init__(self, error=None, parallel=1):
        super().__init__(lambda conversation: "I think so.", chosen={"yes": 0.75, "no": 0.25})
        self.error = error or ModelFailed("no reply.")
        self.at_once = parallel
        self.running = self.most_running = 0
        self.lock = threading.Lock()

    @property
    def parallel(self):
        return self.at_once

    def weigh(self, messages, options):
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        time.sleep(0.01 * (self.at_once > 1))
        with self.lock:
            self.running -= 1
        choice = super().weigh(messages, options)
        if "bad" in messages[-1].content:
            raise self.error
        return choice


def test_questions_are_judged_in_order_and_counted():
    judge = Judge(Model())
    found = judge.ask([question("one two"), question("three")])
    assert found == [Judgement({"yes": 0.75, "no": 0.25}, 2, 1), Judgement({"yes": 0.75, "no": 0.25}, 1, 1)]
    assert (judge.asked, judge.usage) == (2, Usage(3, 2))
    assert judge.ask([]) == []


def test_equal_questions_are_asked_once_and_remembered():
    judge = Judge(Model())
    first, again = judge.ask([question("one"), question("one")])
    assert first == again == judge.ask([question("one")])[0]
    assert len(judge.model.asked) == judge.asked == 1


def test_everything_that_can_change_a_judgement_makes_a_new_question():
    memory = ShortMemory()
    judge = Judge(Model(), memory)
    judge.ask([question("one"), question("one", ("yes", "no", "perhaps")), question("two")])
    judge.ask([JudgeRequest((Message("system", "one"),), YES_NO), question("one", rationale=True)])
    assert judge.asked == 5
    other = Judge(FunctionModel(str, "fake:other"), memory)
    other.ask([question("one")])
    longer = Judge(Model(), memory, rationale_tokens=20)
    longer.ask([question("one")])
    assert other.asked == longer.asked == 1


def test_a_question_that_fails_spoils_no_other_and_is_asked_again():
    judge = Judge(Model())
    found = judge.ask([question("good"), question("bad"), question("fine")])
    assert [isinstance(each, Failure) for each in found] == [False, True, False]
    assert found[1].reason == "no reply."
    judge.ask([question("good"), question("bad")])
    assert len(judge.model.asked) == 4


@pytest.mark.parametrize("error", [IndexError("too long"), RuntimeError("no memory")])
def test_what_a_library_raises_is_a_failure_too(error):
    (found,) = Judge(Model(error)).ask([question("bad")])
    assert found == Failure(f"{type(error).__name__}: {error}")


def test_what_fails_for_all_is_raised():
    with pytest.raises(SettingsError):
        Judge(Model(SettingsError("wrong"))).ask([question("bad"), question("good")])


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_judge_that_is_down_is_given_up(parallel):
    judge = Judge(Model(parallel=parallel))
    found = judge.ask([question(f"bad {number}") for number in range(100)])
    assert all(isinstance(each, Failure) for each in found)
    assert MOST_FAILURES <= len(judge.model.asked) < MOST_FAILURES + parallel
    assert found[-1].reason == "not asked, because 8 questions in a row failed: no reply."


def test_now_and_then_a_failure_does_not_stop_the_rest():
    judge = Judge(Model())
    texts = [f"{'bad' if number % 4 else 'good'} {number}" for number in range(60)]
    judge.ask([question(text) for text in texts])
    assert len(judge.model.asked) == 60


def test_as_many_are_asked_at_once_as_the_model_says():
    judge = Judge(Model(parallel=4))
    judge.ask([question(str(number)) for number in range(20)])
    assert judge.model.most_running == 4


def test_a_rationale_comes_first_and_is_kept():
    model = Model()
    (found,) = Judge(model, rationale_tokens=20).ask([question("one", rationale=True)])
    assert found.rationale == "I think so."
    asked, chosen = model.asked
    assert [message.role for message in asked] == ["user"]
    assert [message.role for message in chosen] == ["user", "assistant", "user"]
    assert found.prompt_tokens == 1 + sum(len(message.content.split()) for message in chosen)
    assert found.completion_tokens == 3 + 1


def test_a_plain_chat_model_will_do():
    class Plain:
        name = signature = "plain"

        def complete(self, conversations, max_tokens=None):
            raise AssertionError

        stream = complete

        def choose(self, messages, options):
            return {"yes": 1.0, "no": 0.0}

    assert Judge(Plain()).ask([question("one")]) == [Judgement({"yes": 1.0, "no": 0.0})]


def test_what_a_memory_keeps_is_not_asked_again():
    """Each judgement is kept as it is made, a failure is not."""
    memory = ShortMemory()
    questions = [question("one"), question("two", rationale=True)]
    first = Judge(Model(), memory, rationale_tokens=5)
    judged = first.ask([question("bad"), *questions])[1:]
    again = Judge(Model(), memory, rationale_tokens=5)
    assert again.ask(questions) == judged
    assert again.asked == 0
    again.ask([question("bad")])
    assert len(again.model.asked) == 1


def test_a_model_is_weighed_with_its_costs():
    assert Model().weigh((Message("user", "one"),), YES_NO) == Choice({"yes": 0.75, "no": 0.25}, Usage(1, 1))
