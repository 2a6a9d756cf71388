"""Agents work beside the answer, and nothing that they do delays or spoils it."""

import statistics
import threading
import time

import pytest

from groundtune.agents.team import Team, TeamLimits
from groundtune.errors import ModelFailed
from groundtune.values import (
    ActionCall,
    ActionResult,
    Answer,
    Answered,
    EffectMade,
    HandedOver,
    Question,
    TextPiece,
    Usage,
)

MADE = EffectMade(ActionCall("pay_bill"), ActionResult("done"))
ANSWER = Answer("One two.", abstained=False, usage=Usage())


class Answering:
    """Streams two pieces, with a pause between them, and the answer."""

    signature = "two pieces"

    def __init__(self, pause=0.0, error=None):
        self.pause, self.error = pause, error

    def stream(self, question):
        yield TextPiece("One ")
        time.sleep(self.pause)
        if self.error:
            raise self.error
        yield TextPiece("two.")
        yield Answered(ANSWER)


def respond(agents, answering=None, **limits):
    return list(Team(answering or Answering(), TeamLimits(**limits)).respond(Question("?"), agents))


def texts(events):
    return [event.text for event in events if isinstance(event, TextPiece)]


def test_what_agents_do_comes_in_between():
    events = respond({"action": lambda: iter([MADE])}, Answering(pause=0.3))
    assert texts(events) == ["One ", "two."]
    assert events.index(MADE) < events.index(Answered(ANSWER))


def test_agents_work_at_the_same_time():
    """Each waits for the other two."""
    meeting = threading.Barrier(3, timeout=10)

    def meets():
        meeting.wait()
        yield MADE

    events = respond({"action": meets, "enrichment": meets, "feedback": meets})
    assert events.count(MADE) == 3


def test_an_agent_that_breaks_is_said_to_and_spoils_nothing():
    def breaks():
        yield MADE
        raise ValueError("boom")

    events = respond({"action": breaks, "feedback": lambda: iter([MADE])})
    assert texts(events) == ["One ", "two."]
    assert events.count(MADE) == 2
    (told,) = [event for event in events if isinstance(event, HandedOver)]
    assert told.reason == "the agent action broke (ValueError)."


def test_an_agent_that_hangs_is_left_behind():
    ends = threading.Event()
    began = time.monotonic()
    events = respond({"action": lambda: iter([MADE] if ends.wait(60) else [])}, seconds=0.3)
    assert time.monotonic() - began < 5
    assert events[-1] == Answered(ANSWER)
    ends.set()


def test_when_too_many_hang_no_more_are_begun():
    ends = threading.Event()
    team = Team(Answering(), TeamLimits(seconds=0.05, hanging=2))
    for _ in range(2):
        list(team.respond(Question("?"), {"action": lambda: iter([MADE] if ends.wait(60) else [])}))
    threads = threading.active_count()
    events = list(team.respond(Question("?"), {"action": lambda: iter([MADE])}))
    assert threading.active_count() == threads
    assert [event.reason for event in events if isinstance(event, HandedOver)] == ["too many agents hang."]
    assert texts(events) == ["One ", "two."]
    ends.set()


@pytest.mark.parametrize("agent", ["hangs", "raises", "works"])
def test_the_first_words_come_before_any_agent_begins(agent):
    """So that no agent can delay them, whatever it does."""
    begun = []

    def work():
        begun.append(agent)
        if agent == "hangs":
            time.sleep(0.5)
        if agent == "raises":
            raise ValueError
        yield MADE

    stream = Team(Answering(), TeamLimits(seconds=2)).respond(Question("?"), {"action": work})
    first = next(stream)
    assert (first, begun) == (TextPiece("One "), [])
    assert Answered(ANSWER) in list(stream)
    assert begun == [agent]


def test_where_the_answer_fails_the_agents_still_work_and_what_they_did_is_told_first():
    events = Team(Answering(error=ModelFailed("gone."))).respond(Question("?"), {"action": lambda: iter([MADE])})
    told = []
    with pytest.raises(ModelFailed):
        told.extend(events)
    assert told[-1] == MADE


def test_15_a_caller_who_leaves_before_the_first_words_has_nothing_done():
    begun = []
    stream = Team(Answering()).respond(Question("?"), {"action": lambda: iter(begun.append("action") or [])})
    next(stream)
    stream.close()
    time.sleep(0.1)
    assert begun == []


def test_without_agents_it_is_the_answer():
    assert respond({}) == [TextPiece("One "), TextPiece("two."), Answered(ANSWER)]


def test_what_is_in_the_background_begins_after_the_first_words_and_nobody_waits_for_it():
    begun, ends = [], threading.Event()
    team = Team(Answering(), background=lambda: begun.append("again") or ends.wait(30))
    began = time.monotonic()
    stream = team.respond(Question("?"), {})
    assert (next(stream), begun) == (TextPiece("One "), [])
    assert list(stream)[-1] == Answered(ANSWER)
    list(team.respond(Question("?"), {}))
    assert time.monotonic() - began < 5
    assert begun == ["again"], "while it is at work, it is not begun a second time"
    team.close(0.01)
    ends.set()
    team.close()
    list(team.respond(Question("?"), {}))
    team.close()
    assert begun == ["again"] * 2


def test_what_breaks_in_the_background_is_logged_and_spoils_nothing(caplog):
    def breaks():
        raise ValueError("boom")

    team = Team(Answering(), background=breaks)
    for _ in range(2):
        assert list(team.respond(Question("?"), {}))[-1] == Answered(ANSWER)
        team.close()
    assert caplog.text.count("What is worked on in the background broke.") == 2


def test_agents_that_hang_raise_or_leak_do_not_delay_the_first_words():
    """By less than 5 %, turn after turn, with what earlier turns left behind."""
    leaked, ends = [], threading.Event()

    def leaks():
        leaked.append(bytes(1_000_000))
        raise MemoryError

    class Thinking(Answering):
        def stream(self, question):
            time.sleep(0.04)
            yield from super().stream(question)

    agents = {"action": leaks, "feedback": lambda: iter([MADE] if ends.wait(60) else [])}
    alone, team = Team(Thinking()), Team(Thinking(), TeamLimits(seconds=0.02, hanging=40), ends.wait)
    seconds = {alone: [], team: []}
    for _ in range(20):
        for each, beside in ((alone, {}), (team, agents)):
            began = time.perf_counter()
            stream = each.respond(Question("?"), beside)
            next(stream)
            seconds[each].append(time.perf_counter() - began)
            list(stream)
    ends.set()
    assert len(leaked) == 20
    assert statistics.median(seconds[team]) < 1.05 * statistics.median(seconds[alone])
