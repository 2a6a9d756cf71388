"""`[actions]` of a project: its file becomes open actions, and what is wrong in it is said with its place."""

from __future__ import annotations

import pytest
from _pay_service import DOCUMENT

from groundtune.agents.actions.opening import open_actions
from groundtune.errors import GroundtuneError, InputError, SettingsError
from groundtune.settings import load
from groundtune.values import Actor

FUNCTIONS = '''
from groundtune.agents.actions.functions import action


@action(reach="read", trusted=True)
def bills(account: str) -> list[str]:
    """List the bills of an account."""
    return [account]


@action()
def pay(bill: str) -> str:
    """Pay a bill."""
    return bill


few = [bills]
nothing = 5
'''


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop.py").write_text(FUNCTIONS, encoding="utf-8")
    (tmp_path / "pay.yaml").write_text(DOCUMENT, encoding="utf-8")

    def opened(text):
        (tmp_path / "groundtune.toml").write_text(text, encoding="utf-8")
        return open_actions(load(tmp_path, environment={}).settings.actions, tmp_path)

    return opened


def names(opened):
    return [each.schema.name for each in opened.actions]


def test_no_back_ends_no_actions(project):
    assert (project("").actions, project("").refused) == ((), ())


def test_functions_of_a_file(project):
    opened = project('[[actions.backends]]\nname = "shop"\nfunctions = "shop.py"')
    assert names(opened) == ["bills", "pay"]
    assert [(each.reach, each.trusted) for each in opened.actions] == [("read", True), ("write", False)]
    assert opened.actions[0].perform({"account": "A-1"}, Actor("ana"), "k").value == ["A-1"]
    assert names(project('[[actions.backends]]\nname = "shop"\nfunctions = "shop.py:few"')) == ["bills"]
    assert names(project('[[actions.backends]]\nname = "shop"\nfunctions = "shop.py:pay"')) == ["pay"]


def test_functions_of_a_module(project, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop_of_this_test.py").write_text(FUNCTIONS, encoding="utf-8")
    opened = project('[[actions.backends]]\nname = "shop"\nfunctions = "shop_of_this_test:pay"')
    assert names(opened) == ["pay"]


def test_names_that_two_back_ends_have_are_told_apart(project):
    openapi = 'openapi = { file = "pay.yaml", base_url = "http://localhost:9" }'
    both = (
        f'[[actions.backends]]\nname = "my shop"\nfunctions = "shop.py"\n[[actions.backends]]\nname = "bank"\n{openapi}'
    )
    opened = project(both)
    assert names(opened) == ["bills", "my_shop_pay", "bank_pay", "show", "cancel", "findCall", "void"]
    assert len({each.signature for each in opened.actions}) == 7


def test_every_name_is_one_that_endpoints_take_and_stands_once(project, tmp_path):
    long, other = "x" * 70, "x" * 71
    (tmp_path / "long.py").write_text(
        f"{FUNCTIONS}\n@action()\ndef {long}() -> None: ...\n@action()\ndef {other}() -> None: ...\n", "utf-8"
    )
    names_ = names(project('[[actions.backends]]\nname = "shop"\nfunctions = "long.py"'))
    assert len(set(names_)) == 4
    assert all(len(name) <= 64 for name in names_)
    same = '[[actions.backends]]\nname = "a b"\nfunctions = "shop.py:pay"\n[[actions.backends]]\nname = "a/b"\n'
    opened = project(f'{same}functions = "shop.py:pay"')
    assert names(opened) == ["a_b_pay"]
    assert opened.refused[0].reason == "another action is called a_b_pay"


def test_only_what_is_named_is_offered(project):
    opened = project('[[actions.backends]]\nname = "shop"\nfunctions = "shop.py"\nonly = ["pay", "gone"]')
    assert names(opened) == ["pay"]
    assert [(each.name, each.reason) for each in opened.refused] == [
        ("shop: gone", "the back-end offers no such action")
    ]


def test_settings_come_before_what_the_function_says(project):
    text = (
        '[[actions.backends]]\nname = "shop"\nfunctions = "shop.py"\n[actions.backends.actions.bills]\nreach = "write"'
    )
    bills = project(f"{text}\ntrusted = false").actions[0]
    assert (bills.schema.name, bills.reach, bills.trusted) == ("bills", "write", False)


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("", "set one of `functions`, `openapi` and `mcp`"),
        ('functions = "shop.py"\nmcp = { command = ["x"] }', "set one of"),
        ("mcp = { }", "set either `command` or `url`"),
        ('mcp = { command = ["x"], url = "http://x" }', "set either `command` or `url`"),
        ('mcp = { program = "x" }', "unknown key `program`; known are command"),
        ('mcp = { url = "file:///x" }', "`url` of the back-end `shop`"),
        ('functions = "shop.py"\nspeed = 1', "unknown key `speed`"),
        ('functions = "shop.py:gone"', "there is no `gone`"),
        ('functions = "shop.py:nothing"', "5 is no action"),
        ('functions = "gone.py"', "cannot be imported"),
        ('functions = "no_such_module"', "cannot be imported"),
        ('functions = "shop.py"\nactions = { pay = { undo = "x" } }', "of OpenAPI back-ends"),
        ('functions = "shop.py"\nactions = { pay = { without = ["bill"] } }', "not for functions"),
        ('openapi = { file = "gone.yaml", base_url = "http://x" }', "no such file"),
        ('openapi = { file = "pay.yaml" }', "`base_url` is missing"),
        ("openapi = 5", "`actions.backends`"),
    ],
)
def test_what_is_wrong_is_said(project, backend, reason):
    with pytest.raises(GroundtuneError, match=reason) as caught:
        project(f'[[actions.backends]]\nname = "shop"\n{backend}')
    assert isinstance(caught.value, SettingsError | InputError)


def test_a_back_end_has_a_name_of_its_own(project):
    once = '[[actions.backends]]\nname = "shop"\nfunctions = "shop.py"\n'
    with pytest.raises(SettingsError, match="'shop' twice"):
        project(once * 2)
