"""What came of a call, for each way in which it can go wrong; nothing is sent twice."""

from __future__ import annotations

import time

import pytest
from _pay_service import DOCUMENT, serving

from groundtune.agents.actions.opening import open_actions
from groundtune.errors import SettingsError
from groundtune.settings.actions import ActionsSettings
from groundtune.values import Actor

ANA = Actor("ana")
PAY = {"bill": "B-1", "amount": 19.99}
WAYS = {"look_up": "findCall", "undo": "cancel", "give_up": "void", "reference": "paymentId"}


@pytest.fixture
def server():
    with serving() as server:
        yield server


def opened(folder, url, said=None, **more):
    (folder / "pay.yaml").write_text(DOCUMENT, encoding="utf-8")
    backend = {
        "name": "bank",
        "seconds": 0.8,
        "kilobytes": 100,
        "openapi": {"file": "pay.yaml", "base_url": url, **more},
        "actions": {"pay": WAYS, **(said or {})},
    }
    opened = open_actions(ActionsSettings(backends=[backend]), folder)
    return {each.schema.name: each for each in opened.actions}


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        ("cut", "unknown", "Server disconnected"),
        ("hang", "unknown", "did not reply within 0.8 seconds"),
        ("drip", "unknown", "did not reply within 0.8 seconds"),
        ("500", "unknown", "500: out of order"),
        ("moved", "unknown", "307: it leads to http://127.0.0.1"),
        ("large", "done", "larger than is read"),
        ("", "done", ""),
    ],
)
def test_a_write_is_sent_once_whatever_becomes_of_it(tmp_path, server, fault, outcome, reason):
    server.fault = fault
    started = time.monotonic()
    action = opened(tmp_path, server.url)["pay"]
    result = action.perform(PAY, ANA, "key-1")
    assert time.monotonic() - started < 2
    assert result.outcome == outcome
    assert reason in result.reason
    assert len(server.requests) == 1
    assert server.requests[0][2]["Idempotency-Key"] == "key-1"
    server.fault = ""
    known = action.look_up(PAY, ANA, "key-1")
    assert (known.outcome, known.reference) == ("done", "p1")
    read = opened(tmp_path, server.url)["show"]
    server.fault = fault
    failed = read.perform({"paymentId": "p0"}, ANA, "key-2")
    assert failed.outcome == ("done" if outcome == "done" else "refused")


def test_a_refusal_says_why(tmp_path, server):
    actions = opened(tmp_path, server.url)
    over = actions["pay"].perform({"bill": "B-1", "amount": 1001}, ANA, "key-1")
    assert (over.outcome, over.reason) == ("refused", "422: the limit is 1000")
    gone = actions["show"].perform({"paymentId": "p9"}, ANA, "key-1")
    assert (gone.outcome, gone.reason) == ("refused", "404: no such payment")


def test_arguments_are_looked_at_without_a_call(tmp_path, server):
    actions = opened(tmp_path, server.url)
    assert actions["pay"].fault(PAY, ANA, "k") == ""
    assert "19.995 is not a multiple of 0.01 (at $.amount)" in actions["pay"].fault({**PAY, "amount": 19.995}, ANA, "k")
    assert "cannot be a step of a path" in actions["show"].fault({"paymentId": "../p0"}, ANA, "k")
    assert not server.requests


def test_a_call_of_which_nothing_is_known_is_not_called_refused(tmp_path, server):
    action = opened(tmp_path, server.url)["pay"]
    for fault in ("cut", "hang", "500", "moved"):
        server.fault = fault
        assert action.look_up(PAY, ANA, "key-1").outcome == "unknown", fault


@pytest.mark.parametrize("fault", ["cut", "hang", "500", "moved"])
def test_what_may_not_have_been_given_up_is_not_called_refused(tmp_path, server, fault):
    action = opened(tmp_path, server.url)["pay"]
    server.fault = fault
    assert action.give_up(PAY, ANA, "key-1").outcome == "unknown"
    server.fault = ""
    assert action.give_up(PAY, ANA, "key-1").outcome == "refused"
    assert action.perform(PAY, ANA, "key-1").outcome == "refused"
    headers = [each[2] for each in server.requests if each[0] == "DELETE"]
    assert "key-1" not in [each["Idempotency-Key"] for each in headers]  # which is that of the call


def test_token_key_and_actor_go_into_headers_that_no_model_sees(tmp_path, server, monkeypatch):
    monkeypatch.setenv("BANK_TOKEN", "token-4711")
    more = {"token_variable": "BANK_TOKEN", "key_header": "X-Call", "actor_header": "X-On-Behalf-Of"}
    action = opened(tmp_path, server.url, **more)["pay"]
    assert set(action.schema.parameters["properties"]) == {"Idempotency-Key", "bill", "amount"}
    assert "Idempotency-Key" not in opened(tmp_path, server.url)["pay"].schema.parameters["properties"]
    action.perform({**PAY, "Idempotency-Key": "mine"}, ANA, "key-1")
    headers = server.requests[-1][2]
    assert (headers["Authorization"], headers["X-Call"], headers["X-On-Behalf-Of"]) == (
        "Bearer token-4711",
        "key-1",
        "ana",
    )
    assert "token-4711" not in repr(action)


@pytest.mark.parametrize("odd", ["a\r\nX-Admin: 1", "ü", " "])
def test_what_is_no_header_is_not_sent(tmp_path, server, odd):
    action = opened(tmp_path, server.url, actor_header="X-On-Behalf-Of")["pay"]
    for who, key in ((Actor(odd), "key-1"), (ANA, odd)):
        refused = action.perform(PAY, who, key)
        assert (refused.outcome, refused.reason) == ("refused", action.fault(PAY, who, key))
    assert not server.requests


def test_a_token_that_is_not_there_is_said_at_once(tmp_path, server, monkeypatch):
    monkeypatch.delenv("BANK_TOKEN", raising=False)
    with pytest.raises(SettingsError, match="BANK_TOKEN"):
        opened(tmp_path, server.url, token_variable="BANK_TOKEN")


def test_settings_say_something_of_all_actions_and_more_of_one(tmp_path, server):
    ways = {"*": {"look_up": "findCall", "trusted": True}, "pay": {"trusted": False, "undo": "cancel"}}
    actions = opened(tmp_path, server.url, ways)
    pay, cancel = actions["pay"], actions["cancel"]
    assert (pay.trusted, pay.helpers.finder.schema.name, pay.helpers.undoer.schema.name) == (
        False,
        "findCall",
        "cancel",
    )
    assert (cancel.trusted, cancel.helpers.finder.schema.name, cancel.helpers.undoer) == (True, "findCall", None)


def test_settings_say_more_of_an_action(tmp_path, server):
    actions = opened(tmp_path, server.url, {"show": {"reach": "write", "trusted": True}})
    assert (actions["show"].reach, actions["show"].trusted) == ("write", True)
    assert (actions["findCall"].reach, actions["findCall"].trusted) == ("read", False)
    server.fault = "500"
    assert actions["show"].perform({"paymentId": "p0"}, ANA, "k").outcome == "unknown"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"look_up": "gone"}, "there is no operation `gone`"),
        ({"look_up": "cancel"}, "`cancel` is no GET"),
        ({"undo": "pay2"}, "there is no operation"),
        ({"look_up": "findCall", "give_up": "gone"}, "there is no operation `gone`"),
        ({"look_up": "findCall", "give_up": "show"}, "`show` changes nothing"),
        ({"give_up": "void"}, "it needs `look_up`, too"),
        ({"without": ["bill"]}, "`bill`, which is needed"),
        ({"without": ["iban"]}, "`iban`, which is not there"),
    ],
)
def test_what_cannot_be_said_of_an_action_is_refused_with_its_place(tmp_path, server, said, reason):
    with pytest.raises(SettingsError, match=reason) as caught:
        opened(tmp_path, server.url, {"pay": said})
    assert "bank: pay" in str(caught.value)


def test_the_place_where_clouds_keep_keys_is_not_asked(tmp_path):
    result = opened(tmp_path, "http://169.254.169.254/latest")["pay"].perform(PAY, ANA, "key-1")
    assert result.outcome == "refused"
    assert "where clouds keep keys" in result.reason
    with pytest.raises(SettingsError, match="bank"):
        opened(tmp_path, "file:///etc/passwd")
