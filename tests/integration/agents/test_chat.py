"""`groundtune chat` in a terminal of its own, with a scripted model and an action that writes into a file."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundtune.records import open_records

MODEL = '''
"""A model for tests: says the same, slowly if asked to, and pays when the user says so."""
import time
from groundtune.errors import ModelFailed
from groundtune.testing.fakes import FunctionSelector
from groundtune.values import ActionCall


def selects(conversation, actions):
    said = [message.content for message in conversation if message.role == "user"][-1]
    done = any(message.role == "tool" for message in conversation)
    return ActionCall("pay_bill", {"bill": "B-17"}) if "pay" in said.lower() and not done else "nothing to do"


class Model(FunctionSelector):
    def stream(self, messages, max_tokens=None):
        known = "<done>" in messages[-1].content and "pay_bill" in messages[-1].content
        words = ("I know that it was done ." if known else "This is what I say about it .").split()
        if "fail" in messages[-1].content:
            raise ModelFailed("went away.")
        for word in words:
            yield word + " "
            if "slowly" in messages[-1].content:
                time.sleep(0.5)


def groundtune_model(settings, folder):
    return Model(selects, "scripted:model") if settings.name == "scripted:model" else None
'''
ACTIONS = '''
from pathlib import Path
from groundtune.agents.actions.functions import action


@action(reach="write", trusted=True)
def pay_bill(bill: str, key: str) -> str:
    """Pay a bill.

    Args:
        bill: Its number.
    """
    with (Path(__file__).parent / "paid.txt").open("a") as file:
        file.write(f"{bill} {key}\\n")
    return "paid"
'''
SETTINGS = """
[model]
name = "scripted:model"

[[actions.backends]]
name = "own"
functions = "own_actions.py"

[[actions.rules]]
action = "pay_bill"
who = ["everyone"]
"""
MAIN = """
import signal
from groundtune.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background has it ignored
main()
"""
CHAT = [sys.executable, "-c", MAIN, "chat", "--candidate", "base", "--user", "ana"]


@pytest.fixture
def project(tmp_path):
    site = tmp_path / "site"
    (site / "scripted-1.0.dist-info").mkdir(parents=True)
    (site / "scripted_model.py").write_text(MODEL, encoding="utf-8")
    (site / "scripted-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: scripted\nVersion: 1.0\n")
    (site / "scripted-1.0.dist-info" / "entry_points.txt").write_text("[groundtune]\nmodels = scripted_model\n")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "groundtune.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "own_actions.py").write_text(ACTIONS, encoding="utf-8")
    return folder


def environment(project):
    source = Path(__file__).parents[3] / "src"
    return {**os.environ, "PYTHONPATH": f"{project.parent / 'site'}:{source}", "TERM": "dumb", "HF_HUB_OFFLINE": "1"}


def paid(project):
    path = project / "paid.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, project, *options):
        self.leader, follower = pty.openpty()
        self.process = subprocess.Popen(
            [*CHAT, "--project", str(project), *options],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment(project),
            start_new_session=True,
        )
        os.close(follower)
        self.seen = ""

    def until(self, text, seconds=60):
        """Read until `text` is shown, and return what was shown before it."""
        ends = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.leader], [], [], max(0, ends - time.monotonic()))
            assert ready, f"{text!r} was not shown: {self.seen!r}"
            try:
                self.seen += os.read(self.leader, 4096).decode()
            except OSError:  # it has ended
                raise AssertionError(f"{text!r} was not shown: {self.seen!r}") from None
        before, _, self.seen = self.seen.partition(text)
        return before

    def say(self, text):
        os.write(self.leader, f"{text}\n".encode())

    def stop(self):
        time.sleep(0.5)  # a signal between the prompt and the wait for a key is only seen with the next key
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self):
        code = self.process.wait(30)
        os.close(self.leader)
        return code


@pytest.fixture
def terminal(project):
    """Begin the command in a terminal; whatever a test leaves running is killed."""
    begun = []

    def begin(*options):
        begun.append(Terminal(project, *options))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process.poll() is None:
            each.process.kill()
            each.end()


def approvals(project):
    with open_records("sqlite:///.groundtune/records.db", project) as records:
        return records.effects().approvals()


def test_in_a_terminal_what_is_approved_is_done_and_what_is_denied_is_not(project, terminal):
    terminal = terminal()
    terminal.until("> ")
    terminal.say("Please pay B-17")
    shown = terminal.until("[y/N] ")
    assert "This is what I say about it" in shown
    assert "bill: B-17" in shown
    assert paid(project) == []
    terminal.say("n")
    terminal.until("It is not done.")
    terminal.until("> ")
    terminal.say("Please pay B-17 after all")
    terminal.until("[y/N] ")
    terminal.say("y")
    terminal.until("pay_bill: done.")
    terminal.until("> ")
    terminal.say("Did that work?")
    terminal.until("I know that it was done")
    terminal.until("> ")
    terminal.say("/nonsense")
    terminal.until("There is no command /nonsense")
    terminal.say("/end")
    terminal.until("How satisfied are you?")
    terminal.say("")
    assert terminal.end() == 0
    assert len(paid(project)) == 1
    assert [approval.state for approval in approvals(project)] == ["denied", "used"]


def test_in_a_terminal_ctrl_c_stops_an_answer_and_then_the_conversation(project, terminal):
    terminal = terminal()
    terminal.until("> ")
    terminal.say("Tell me slowly")
    terminal.until("This ")
    terminal.stop()
    terminal.until("(stopped)")
    terminal.until("> ")
    terminal.say("Once more")
    terminal.until("about it")
    terminal.until("> ")
    terminal.stop()
    assert terminal.end() == 0


def test_in_a_terminal_ctrl_c_is_no_approval(project, terminal):
    terminal = terminal()
    terminal.until("> ")
    terminal.say("pay B-17")
    terminal.until("[y/N] ")
    terminal.stop()
    terminal.until("It is not done.")
    terminal.until("> ")
    terminal.stop()
    assert terminal.end() == 0
    assert paid(project) == []


def test_in_a_terminal_feedback_is_given_and_asked_for_once(project, terminal):
    terminal = terminal()
    terminal.until("> ")
    terminal.say("/feedback 4")
    terminal.until("groundtune: ")
    terminal.say("What is it about?")
    terminal.until("about it")
    terminal.until("> ")
    terminal.say("/feedback 4 quick")
    terminal.until("Thank you.")
    terminal.say("/feedback 2 slow after all")
    terminal.until("replaces what you said")
    terminal.say("Thanks, bye!")
    terminal.until("about it")
    terminal.until("> ")
    terminal.say("/end")
    assert terminal.end() == 0
    with open_records("sqlite:///.groundtune/records.db", project) as records:
        (kept,) = [each for each in records.feedback().all() if each.opinion.stars]
    assert (kept.opinion.stars, kept.opinion.text) == (2, "slow after all")


def test_an_answer_is_shown_whole_before_what_was_done(project, terminal):
    terminal = terminal("--dry-run")
    terminal.until("> ")
    terminal.say("Pay B-17 slowly")
    assert "This is what I say about it ." in terminal.until("pay_bill: rehearsed.")
    terminal.until("> ")
    terminal.stop()
    assert terminal.end() == 0


def test_an_answer_that_fails_stops_no_approval(project, terminal):
    terminal = terminal()
    terminal.until("> ")
    terminal.say("Pay B-17 and fail")
    terminal.until("groundtune: went away.")
    terminal.until("[y/N] ")
    terminal.say("y")
    terminal.until("pay_bill: done.")
    terminal.until("> ")
    terminal.stop()
    assert terminal.end() == 0
    assert len(paid(project)) == 1


def test_a_dry_run_pays_nothing(project, terminal):
    terminal = terminal("--dry-run")
    terminal.until("> ")
    terminal.say("pay B-17")
    terminal.until("pay_bill: rehearsed.")
    terminal.until("> ")
    terminal.stop()
    assert terminal.end() == 0
    assert paid(project) == []


def test_lines_of_a_file_give_json_and_approve_nothing(project):
    talked = subprocess.run(
        [*CHAT, "--project", str(project), "--json"],
        input="pay B-17\nHello\n",
        capture_output=True,
        text=True,
        env=environment(project),
        timeout=120,
        check=True,
    )
    document = json.loads(talked.stdout)
    assert [turn["user"] for turn in document["turns"]] == ["pay B-17", "Hello"]
    (waiting,) = document["turns"][0]["actions"]
    assert waiting == {"call": {"action": "pay_bill", "arguments": {"bill": "B-17"}}, "result": {"outcome": "waiting"}}
    assert paid(project) == []
    with open_records("sqlite:///.groundtune/records.db", project) as records:
        talk = records.conversations().conversation(document["conversation"], "ana")
    assert [message.role for message in talk.messages] == ["user", "assistant"] * 2
    assert talk.ended_at is not None
