"""`groundtune agents actions` and `agents approve`: what the back-ends offer, and a tool that somebody looks at."""

import json
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from _pay_service import DOCUMENT

from groundtune.assembly.acting import open_acting
from groundtune.errors import SettingsError
from groundtune.records import open_records
from groundtune.settings import load, write_approved
from groundtune.testing.fakes import FunctionSelector

SERVER = Path(__file__).parents[2] / "fixtures" / "_quick_mcp_server.py"
BILL = {"type": "object", "properties": {"bill": {"type": "string"}}, "required": ["bill"]}
ODD = "odd.name/with:signs"
TOOLS = [{"name": "pay", "description": "Pay.\u202e", "inputSchema": BILL}, {"name": ODD, "inputSchema": BILL}]
INLINE = '[[actions.backends]]\nname = "odd"\nmcp = { command = ["x"]%s }\n'
SETTINGS = """
# what agents may do
[[actions.backends]]
name = "bank"
only = ["pay", "show"]

[actions.backends.openapi]
file = "pay.yaml"
base_url = "http://127.0.0.1:9"

[actions.backends.actions.pay]
look_up = "findCall"
give_up = "void"
undo = "cancel"

[actions.backends.actions.show]
trusted = true

[[actions.backends]]
name = "odd"

[actions.backends.mcp]  # somebody else's
command = {command}
start_seconds = 30

[[actions.rules]]
action = "bank_*"
who = ["customer"]
limits = {{ amount = {{ at_most = 50 }} }}

[[actions.rules]]
action = "*"
who = ["staff"]
then = "allow"
"""


@pytest.fixture
def folder(tmp_path):
    command = [sys.executable, str(SERVER), str(tmp_path / "tools.json")]
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS), encoding="utf-8")
    (tmp_path / "groundtune.toml").write_text(SETTINGS.format(command=command), encoding="utf-8")
    (tmp_path / "pay.yaml").write_text(DOCUMENT, encoding="utf-8")
    return tmp_path


def test_a_tool_is_shown_approved_and_offered(folder, run):
    ran = run("agents", "actions", "--json", "--project", folder)
    pay, show = ran.json["actions"]
    assert (pay["name"], pay["backend"], pay["reach"], pay["trusted"]) == ("pay", "bank", "write", False)
    assert pay["ways"] == ["look up", "give up", "undo"]
    assert (show["reach"], show["trusted"], show["ways"]) == ("read", True, [])
    assert pay["rules"] == ["staff: at once"]
    tools = {each["tool"]["name"]: each["tool"] for each in ran.json["refused"]}
    digest = tools["pay"]["digest"]
    assert tools["pay"]["parameters"]["required"] == ["bill"]

    shown = run("agents", "actions", "--project", folder).out
    assert "odd: pay: nobody has approved it" in shown
    assert "Pay.<U+202E>" in shown
    assert f"groundtune agents approve odd pay --shown \\\n  {digest}\n" in shown
    assert f'\n"pay" = "{digest}"\n' in shown

    assert run("agents", "approve", "odd", "pay", "--shown", "0" * 32, "--project", folder).code == 2
    listed = folder / "tools.json"
    listed.write_text(json.dumps(TOOLS).replace("Pay.", "Pay all."), encoding="utf-8")
    changed = run("agents", "approve", "odd", "pay", "--shown", digest, "--project", folder)
    assert (changed.code, "not the one that was shown" in changed.err) == (2, True)
    listed.write_text(json.dumps(TOOLS), encoding="utf-8")
    assert run("agents", "approve", "odd", "pay", "--shown", digest, "--project", folder).code == 0
    run("agents", "approve", "odd", ODD, "--shown", tools[ODD]["digest"], "--project", folder)

    text = (folder / "groundtune.toml").read_text(encoding="utf-8")
    assert "[actions.backends.mcp]  # somebody else's" in text
    approved = tomllib.loads(text)["actions"]["backends"][1]["mcp"]["approved"]
    assert approved == {"pay": digest, ODD: tools[ODD]["digest"]}
    names = {each["name"]: each for each in run("agents", "actions", "--json", "--project", folder).json["actions"]}
    assert names.keys() == {"bank_pay", "show", "odd_pay", "odd_name_with_signs"}
    assert names["bank_pay"]["rules"] == ["customer: approved by the asker, with limits of amount", "staff: at once"]
    again = run("agents", "approve", "odd", "pay", "--shown", digest, "--project", folder)
    assert (again.code, "has no tool `pay` that waits" in again.err) == (2, True)
    assert run("agents", "approve", "bank", "pay", "--shown", digest, "--project", folder).code == 2


@pytest.mark.parametrize(
    "text",
    [
        INLINE % "",
        INLINE % ', approved = { a = "1" }',
        '[actions]\nbackends = [{ name = "other" }, { name = "odd", mcp = { url = "http://x" } }]\n',
        '[[actions.backends]]\nname = "odd"\n[actions.backends.mcp]\nurl = "x"\napproved.a = "1"\n',
    ],
)
def test_it_is_written_wherever_the_back_end_stands(tmp_path, text):
    (tmp_path / "groundtune.toml").write_text(f"{text}\n[project]\nname = 'x'  # mine\n", encoding="utf-8")
    write_approved(tmp_path, "odd", "b.c", "2")
    written = (tmp_path / "groundtune.toml").read_text(encoding="utf-8")
    server = tomllib.loads(written)["actions"]["backends"][-1]["mcp"]
    assert server["approved"]["b.c"] == "2"
    assert ("1" in written) == ('a = "1"' in text) == ("a" in server["approved"])
    assert tomllib.loads(written)["project"] == {"name": "x"}
    assert "# mine" in written


def test_what_the_file_does_not_name_is_not_written(tmp_path):
    (tmp_path / "groundtune.toml").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match="does not name the MCP back-end odd"):
        write_approved(tmp_path, "odd", "b", "2")
    assert (tmp_path / "groundtune.toml").read_text(encoding="utf-8") == ""


def test_what_settings_count_on_and_is_not_there_is_said_when_agents_begin(tmp_path, caplog):
    missing = '[[actions.backends]]\nname = "odd"\nmcp = { command = ["no-such-program"] }\n'
    rules = '[[actions.rules]]\naction = "*"\nwho = ["staff"]\n'
    (tmp_path / "groundtune.toml").write_text(missing + rules, encoding="utf-8")
    with open_records("sqlite:///records.db", tmp_path) as records:
        parts = {"records": records, "chat_model": lambda: FunctionSelector(lambda conversation, actions: "")}
        assembly = SimpleNamespace(settings=load(tmp_path).settings, folder=tmp_path, **parts)
        with open_acting(assembly, {}.get) as acting:
            assert acting.tools.actions == ()
    (warning,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert warning.getMessage().startswith("Not offered: odd: no-such-program: no-such-program cannot be reached")
