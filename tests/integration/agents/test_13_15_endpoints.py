"""Tests 13 and 15 of the list of reliability tests: endpoints that fail, hang, trickle or cut their replies, under an
agent that acts and an answer that streams. The endpoint is a real server.
"""

import threading
import time

import pytest
from _acting import TURN, Desk, pay

from groundtune.agents.action_agent import ActionAgent
from groundtune.agents.team import Team
from groundtune.assistant.closed_book import ClosedBook
from groundtune.errors import ModelFailed
from groundtune.http import Backoff
from groundtune.models.openai_compatible import OpenAICompatible
from groundtune.models.selecting import selecting
from groundtune.records import open_records
from groundtune.settings import AssistantSettings, ModelSettings
from groundtune.testing.endpoint import LocalEndpoint, Response, called, error
from groundtune.values import EffectMade, HandedOver, Message, Question, TextPiece

SAID = (Message("user", "Please pay bill B-17, 3150 cents."),)
WHOLE = called(("pay_bill", {"bill": "B-17", "cents": 3150}))
(BODY,) = WHOLE.pieces
WAYS = {
    "refuses": None,
    "is busy": error(429, "busy", {"Retry-After": "0", "X-Request-Id": "req-7f3a"}),
    "is busy for long": error(429, "busy", {"Retry-After": "3600", "X-Request-Id": "req-7f3a"}),
    "breaks": error(503, "oh", {"X-Request-Id": "req-7f3a"}),
    "hangs": Response([BODY], delay=60),
    "trickles": Response([bytes([byte]) for byte in BODY], delay_between=0.1),
    "cuts the call": Response([BODY[: BODY.index(b"B-17") + 2]]),
    "is cut at its limit": called(("pay_bill", {"bill": "B-17", "cents": 3150}), finish="length"),
}


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with open_records(f"sqlite:///{tmp_path}/records.db", tmp_path) as records:
        yield Desk(records, tmp_path)


def model(url):
    settings = ModelSettings(name=f"openai:m@{url}", timeout=0.5, concurrency=1)
    return OpenAICompatible(settings, Backoff(attempts=3, base=0.01))


@pytest.mark.parametrize("way", WAYS)
def test_13_an_endpoint_that_fails_has_no_effect_within_a_bounded_time(desk, way):
    threads, began = threading.active_count(), time.monotonic()
    with LocalEndpoint(lambda _: WAYS[way]) as endpoint:
        url = endpoint.url if WAYS[way] else "http://127.0.0.1:9/v1"
        agent = ActionAgent(selecting(model(url)), desk.tools)
        events = list(agent.act(SAID, "ana", TURN, desk.budget))
    assert time.monotonic() - began < 10
    assert not [event for event in events if isinstance(event, EffectMade)]
    assert desk.kept.effects() == []
    if way != "is cut at its limit":  # which is no failure: nothing is selected
        (handed,) = events
        assert isinstance(handed, HandedOver)
        assert ("req-7f3a" in handed.reason) == ("X-Request-Id" in (WAYS[way].headers if WAYS[way] else ()))
    assert threading.active_count() <= threads


def test_13_the_same_endpoint_is_obeyed_where_it_does_not_fail(desk):
    with LocalEndpoint(lambda _: WHOLE) as endpoint:
        agent = ActionAgent(selecting(model(endpoint.url)), desk.tools)
        events = list(agent.act(SAID, "ana", TURN, desk.budget))
    assert events[1] == EffectMade(pay(), events[1].result)
    assert events[1].result.outcome == "done"


class Stream:
    """The pieces of a reply, one every 20 ms; `sent` counts them."""

    def __init__(self, pieces):
        self.sent, self._pieces = 0, pieces

    def __iter__(self):
        for number in range(self._pieces):
            self.sent = number + 1
            yield b'data: {"choices": [{"index": 0, "delta": {"content": "word "}}]}\n\n'


def answering(endpoint):
    return Team(ClosedBook(model(endpoint.url), AssistantSettings(), "Acme"))


def test_15_a_caller_who_leaves_ends_the_reply_at_the_endpoint_too(desk):
    reply = Stream(1000)
    with LocalEndpoint(lambda _: Response(reply, delay_between=0.02)) as endpoint:
        events = answering(endpoint).respond(Question("?"), {})
        assert isinstance(next(events), TextPiece)
        events.close()
        time.sleep(0.3)
        sent = reply.sent
        time.sleep(0.3)
        assert reply.sent == sent < 1000


def test_15_a_reply_that_is_cut_is_an_error_after_what_the_agent_did(desk):
    with LocalEndpoint(lambda _: Response(Stream(3))) as endpoint:
        act = lambda: desk.agent.act(SAID, "ana", TURN, desk.budget)  # noqa: E731
        desk.model.steps[:] = [pay()]
        told = []
        with pytest.raises(ModelFailed, match=r"complete|ended|cut"):
            told.extend(answering(endpoint).respond(Question("?"), {"action": act}))
    assert [event.result.outcome for event in told if isinstance(event, EffectMade)] == ["done"]
