"""Actions of servers that nobody here wrote: prism playing CAMARA's carrier billing, `mcp-server-git`, and MCP's own
server of everything. They are installed by the tests themselves; see `_servers_elsewhere`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from _counting_proxy import before
from _servers_elsewhere import EVERYTHING, PRISM, listening, node_modules

from groundtune.agents.actions.opening import open_actions
from groundtune.settings.actions import ActionsSettings
from groundtune.testing.actions import ActionContract
from groundtune.values import ActionResult, Actor

ANA = Actor("ana")
NODE = shutil.which("node") or "node"
PIPE = Path(__file__).parents[1] / "fixtures" / "_cutting_pipe.py"
AMOUNT = {"amount": 20, "currency": "EUR", "description": "Roaming day"}


def approving(settings, folder):
    """Approve every tool, as a person does who looks at each: by the digests that the refusals have."""
    with open_actions(settings({}), folder) as opened:
        return {each.tool.name: each.tool.digest for each in opened.refused if each.tool}


@pytest.fixture(scope="module")
def prism(shared_data):
    """The carrier-billing API, as prism plays it: it validates every request and keeps nothing."""
    document = shared_data / "openapi" / "camara" / "API_definitions" / "carrier-billing.yaml"
    program = [NODE, str(node_modules() / PRISM), "mock", "--port", "PORT", str(document)]
    with listening(program) as port:
        yield document, port


class TestPrism(ActionContract):
    """Prism keeps nothing: what it was asked, as a proxy saw it, is the state."""

    idempotent = looks_up = undoes = gives_up = False

    @pytest.fixture(autouse=True)
    def _prism(self, prism, tmp_path, monkeypatch):
        monkeypatch.setenv("BILLING_TOKEN", "token-4711")
        self.document, port = prism
        self.folder = tmp_path
        shutil.copy(self.document, tmp_path / "billing.yaml")
        with before(port) as self.proxy:
            yield

    def opened(self, name):
        openapi = {"file": "billing.yaml", "base_url": f"http://127.0.0.1:{self.proxy.server_port}"}
        openapi["token_variable"] = "BILLING_TOKEN"
        said = {"createPayment": {"reference": "paymentId", "without": ["sinkCredential", "x-correlator"]}}
        backend = {"name": "billing", "openapi": openapi, "seconds": 10, "actions": said}
        opened = open_actions(ActionsSettings(backends=[backend]), self.folder)
        return next(each for each in opened.actions if each.schema.name == name)

    def read(self):
        return self.opened("retrievePayment"), {"paymentId": "p-1"}

    def write(self):
        arguments = {"phoneNumber": "+346661113334", "paymentAmount": {"chargingInformation": AMOUNT}}
        arguments["referenceCode"] = "ref-1"
        return self.opened("createPayment"), {"amountTransaction": arguments}

    def changed(self):
        path = self.folder / "billing.yaml"
        text = path.read_text(encoding="utf-8")
        needed = "      required:\n        - amountTransaction\n"
        assert needed in text
        path.write_text(text.replace(needed, "", 1), "utf-8")
        return self.opened("createPayment")

    def state(self):
        return [each for each in self.proxy.passed if each[0] != "GET" and each[3] < 300]

    def refuse(self):
        arguments = self.write()[1]["amountTransaction"]
        return {"amountTransaction": {**arguments, "phoneNumber": "+3466 six"}}

    def lose(self):
        self.proxy.lose = True

    def stop(self):
        self.proxy.shutdown()
        self.proxy.server_close()

    def test_the_token_and_the_key_arrive_and_the_reply_is_the_document_s(self):
        action, arguments = self.write()
        result = action.perform(arguments, ANA, "key-1")
        assert (result.outcome, result.reference) == ("done", result.value["paymentId"])
        ((method, path, headers, status),) = self.proxy.passed
        assert (method, path, status) == ("POST", "/payments", 201)
        assert headers["Authorization"] == "Bearer token-4711"
        assert headers["Idempotency-Key"] == "key-1"


def git(*words, at):
    return subprocess.run(["git", *words], cwd=at, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A repository with `mcp-server-git` before it, behind a pipe that can be cut: its folder and the open actions."""
    pytest.importorskip("mcp_server_git")
    folder = tmp_path_factory.mktemp("git") / "shop"
    flag = folder.parent / "flag"
    flag.write_text("")
    git("init", "--quiet", str(folder), at=folder.parent)
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.com")
    git(*identity, "commit", "--quiet", "--allow-empty", "--message", "Begin", at=folder)
    server = [sys.executable, "-m", "mcp_server_git", "--repository", str(folder)]
    command = [sys.executable, str(PIPE), str(flag), *server]

    def settings(approved):
        said = {"git_log": {"reach": "read"}, "git_create_branch": {"errors_change_nothing": True}}
        mcp = {"command": command, "approved": approved, "start_seconds": 30}
        backend = {"name": "git", "mcp": mcp, "seconds": 20, "actions": said}
        return ActionsSettings(backends=[backend])

    with open_actions(settings(approving(settings, folder)), folder) as opened:
        assert not opened.refused
        yield folder, {each.schema.name: each for each in opened.actions}


class TestGit(ActionContract):
    """A repository is the back-end, and branches are the state."""

    idempotent = looks_up = undoes = gives_up = False

    @pytest.fixture(autouse=True)
    def _shop(self, shop, request):
        self.folder, self.actions = shop
        self.flag = self.folder.parent / "flag"
        self.branch = request.node.name
        yield
        self.flag.write_text("")

    def read(self):
        return self.actions["git_log"], {"repo_path": str(self.folder)}

    def write(self):
        return self.actions["git_create_branch"], {"repo_path": str(self.folder), "branch_name": self.branch}

    def changed(self):
        action = self.actions["git_create_branch"]
        parameters = {**action.schema.parameters, "required": ["repo_path"]}
        return replace(action, schema=replace(action.schema, parameters=parameters))

    def state(self):
        return git("branch", "--list", at=self.folder).split()

    def refuse(self):
        return {"repo_path": str(self.folder), "branch_name": "-D"}

    def lose(self):
        self.flag.write_text("lose")

    def stop(self):
        self.flag.write_text("stop")


@pytest.fixture(scope="module", params=["stdio", "streamable HTTP"])
def everything(request, tmp_path_factory):
    """The server of everything, with every tool approved."""
    program = [NODE, str(node_modules() / EVERYTHING)]
    folder = tmp_path_factory.mktemp("everything")
    if request.param == "stdio":
        yield from opened_everything({"command": program}, folder)
        return
    environment = {"PORT": "PORT", "PATH": str(Path(NODE).parent)}
    with listening([*program, "streamableHttp"], environment) as port:
        yield from opened_everything({"url": f"http://127.0.0.1:{port}/mcp"}, folder)


def opened_everything(mcp, folder):
    def settings(approved):
        said = {**mcp, "approved": approved, "start_seconds": 30}
        backend = {"name": "all", "mcp": said, "seconds": 3, "kilobytes": 50}
        return ActionsSettings(backends=[backend])

    with open_actions(settings(approving(settings, folder)), folder) as opened:
        assert not opened.refused
        yield {each.schema.name: each for each in opened.actions}


def test_every_tool_is_an_untrusted_write(everything):
    assert len(everything) > 8
    assert {(each.reach, each.trusted) for each in everything.values()} == {("write", False)}


def test_it_is_called_and_garbage_is_not(everything):
    said = everything["echo"].perform({"message": "hello"}, ANA, "k")
    assert (said.outcome, said.value) == ("done", "Echo: hello")
    assert everything["echo"].perform({"message": 5}, ANA, "k").outcome == "refused"
    assert everything["echo"].perform({"message": "a", "more": 1}, ANA, "k").outcome == "refused"


def test_its_picture_is_left_out_and_said(everything):
    result: ActionResult = everything["get-tiny-image"].perform({}, ANA, "k")
    assert (result.outcome, result.reason) == ("done", "left out: 1 × image")


def test_its_long_operation_is_unknown_and_the_next_call_works(everything):
    slow = everything["trigger-long-running-operation"]
    assert slow.perform({"duration": 30, "steps": 2}, ANA, "k").outcome == "unknown"
    assert everything["echo"].perform({"message": "again"}, ANA, "k").outcome == "done"
