"""Tools of an MCP server that misbehaves: what it says of itself is not trusted, and what it changes is refused."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundtune.agents.actions.opening import open_actions
from groundtune.settings.actions import ActionsSettings
from groundtune.values import ActionResult, Actor

ANA = Actor("ana")
PROGRAM = Path(__file__).parents[3] / "fixtures" / "_odd_mcp_server.py"
LISTS_NOTHING = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    said = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
    reply = {"result": said} if asked["method"] == "initialize" else {"error": {"code": -32601, "message": "no"}}
    if "id" in asked and asked["method"] != "tools/list":
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **reply}), flush=True)
"""
TOOLS = {"pay", "odd.name/with:signs", "large", "slow", "picture", "environment", "tables"}


def settings(folder, approved, **more):
    command = {"command": [sys.executable, str(PROGRAM), str(folder)]}
    mcp = {"start_seconds": 30, **(more.pop("mcp", None) or command), "approved": approved}
    return ActionsSettings(backends=[{"name": "odd", "seconds": 8, "kilobytes": 100, "mcp": mcp, **more}])


def digests(opened):
    """What a person copies who approves."""
    return {each.tool.name: each.tool.digest for each in opened.refused}


@pytest.fixture(scope="module")
def approved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("approving")
    with open_actions(settings(folder, {}), folder) as opened:
        assert not opened.actions
        assert all("nobody has approved it" in each.reason for each in opened.refused)
        assert digests(opened).keys() == TOOLS
        return digests(opened)


@pytest.fixture
def actions(tmp_path, approved):
    with open_actions(settings(tmp_path, approved), tmp_path) as opened:
        assert not opened.refused
        yield {each.schema.name: each for each in opened.actions}


def test_a_tool_is_a_write_and_a_stranger_s_whatever_it_says(actions):
    assert {(each.reach, each.trusted) for each in actions.values()} == {("write", False)}
    assert set(actions) == TOOLS - {"odd.name/with:signs"} | {"odd_name_with_signs"}
    assert actions["odd_name_with_signs"].perform({}, ANA, "k").value == {"result": "odd"}


def test_settings_say_what_it_is(tmp_path, approved):
    said = {"pay": {"reach": "read", "trusted": True}, "tables": {"without": ["note"]}}
    with open_actions(settings(tmp_path, approved, actions=said, only=["pay", "tables", "gone"]), tmp_path) as opened:
        pay, tables = opened.actions
        assert (pay.reach, pay.trusted) == ("read", True)
        assert set(tables.schema.parameters["properties"]) == {"amount"}
        assert tables.perform({"amount": 1.0, "note": "n"}, ANA, "k").outcome == "refused"
        assert tables.perform({"amount": 1.5}, ANA, "k") == ActionResult("done", {"amount": 1.5})
        assert [each.name for each in opened.refused] == ["odd: gone"]


def test_a_tool_that_changes_after_it_was_approved_is_refused(tmp_path, approved, actions):
    (tmp_path / "changed").touch()
    with open_actions(settings(tmp_path, approved), tmp_path) as opened:
        assert "pay" not in [each.schema.name for each in opened.actions]
        (refused,) = opened.refused
        assert "it changed after it was approved" in refused.reason
    actions["pay"].server.close()  # and one that is open begins anew, with a server that has changed
    result = actions["pay"].perform({"bill": "B-1"}, ANA, "k")
    assert result == ActionResult("refused", reason="pay is not the tool any more that was approved")
    assert not (tmp_path / "paid").exists()
    assert actions["large"].perform({"kilobytes": 1}, ANA, "k").outcome == "done"


def test_too_much_is_left_out_and_said(actions):
    result = actions["large"].perform({"kilobytes": 101}, ANA, "k")
    assert (result.outcome, result.value) == ("done", None)
    assert "of which 100 are read" in result.reason
    assert actions["picture"].perform({}, ANA, "k").reason == "left out: 1 × image"


def test_what_takes_too_long_is_unknown_and_the_next_call_works(tmp_path, approved):
    with open_actions(settings(tmp_path, approved, seconds=2), tmp_path) as opened:
        actions = {each.schema.name: each for each in opened.actions}
        started = time.monotonic()
        assert actions["slow"].perform({"seconds": 9}, ANA, "k").outcome == "unknown"
        assert time.monotonic() - started < 8
        assert actions["pay"].perform({"bill": "B-1"}, ANA, "k").outcome == "done"


def test_calls_at_once_are_each_made_once(tmp_path, actions):
    bills = [f"B-{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda bill: actions["pay"].perform({"bill": bill}, ANA, bill), bills))
    assert [each.value for each in results] == [{"result": f"paid {bill}"} for bill in bills]
    assert sorted((tmp_path / "paid").read_text().split()) == sorted(bills)


def test_the_server_gets_no_environment_but_what_is_named(tmp_path, approved, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-model")
    monkeypatch.setenv("ODD_TOKEN", "token-of-the-server")
    command = {"command": [sys.executable, str(PROGRAM), str(tmp_path)], "variables": ["ODD_TOKEN", "GONE"]}
    with open_actions(settings(tmp_path, approved, mcp=command), tmp_path) as opened:
        action = next(each for each in opened.actions if each.schema.name == "environment")
        names = action.perform({}, ANA, "k").value["result"].split()
        assert "ODD_TOKEN" in names
        assert "OPENAI_API_KEY" not in names
        assert "token-of-the-server" not in repr(opened)


def test_a_server_that_cannot_be_asked_offers_nothing_and_says_why(tmp_path):
    for command, reason in (
        (["no-such-program"], "no-such-program"),
        ([sys.executable, "-c", ""], "cannot be reached"),
    ):
        with open_actions(settings(tmp_path, {}, mcp={"command": command}), tmp_path) as opened:
            assert not opened.actions
            assert reason in opened.refused[0].reason


@pytest.mark.parametrize(("program", "what"), [("import time; time.sleep(60)", "be reached"), (LISTS_NOTHING, "list")])
def test_a_server_that_never_answers_does_not_hold_up_the_start(tmp_path, program, what):
    command = {"command": [sys.executable, "-c", program], "start_seconds": 1.5}
    started = time.monotonic()
    with open_actions(settings(tmp_path, {"pay": "x"}, mcp=command), tmp_path) as opened:
        (refused,) = opened.refused
    assert time.monotonic() - started < 10  # it has four seconds to end
    assert "it did not reply within 1.5 seconds (`start_seconds`)" in refused.reason
    assert what in refused.reason
    assert refused.missed


def test_the_same_over_streamable_http(tmp_path, approved):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(tmp_path), str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        there = {"url": f"http://127.0.0.1:{port}/mcp"}
        with open_actions(settings(tmp_path, approved, mcp=there), tmp_path) as opened:
            actions = {each.schema.name: each for each in opened.actions}
            assert actions["pay"].perform({"bill": "B-1"}, ANA, "k").value == {"result": "paid B-1"}
            assert actions["slow"].perform({"seconds": 0.1}, ANA, "k").outcome == "done"
            program.kill()
            program.wait()
            assert actions["pay"].perform({"bill": "B-2"}, ANA, "k").outcome == "refused"
        assert (tmp_path / "paid").read_text() == "B-1\n"
    finally:
        program.kill()
        program.wait()


def wait_for(port):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the server does not listen")
