"""No setting shows a password, wherever it stands and whatever is wrong with it."""

import json
import sys
from typing import get_args

import pytest

from groundtune import cli, secrets
from groundtune.errors import SettingsError
from groundtune.secrets import Secret, SecretUrl
from groundtune.settings import Table, all_tables, load, template
from groundtune.settings.sources import variable_name

PASSWORD = "hunter2"
URL = f"postgresql://ana:{PASSWORD}@127.0.0.1:1/x"
VALUES = {
    "a URL": URL,
    "a list": [URL],
    "a list in a list": [[URL]],
    "a table": {"url": URL, "password": PASSWORD},
    "a query": f"postgresql://h/x?sslpassword={PASSWORD}",
    "keywords": f"host=h user=ana password='{PASSWORD} x'",
    "no scheme": f"ana:{PASSWORD}@db.example.com:5432/x",
}
KEYS = [f"{table}.{key}" for table, kind in all_tables().items() for key in kind.model_fields]


def classes(annotation):
    inner = get_args(annotation)
    return {annotation} if not inner else set().union(*(classes(each) for each in inner))


TEXTS = [
    f"{table}.{key}"
    for table, kind in all_tables().items()
    for key, setting in kind.model_fields.items()
    if classes(setting.annotation) & {str, SecretUrl, Secret}
]


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """Each test reads the password anew."""
    monkeypatch.setattr(secrets, "_known", set())


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def from_file(folder, key, value):
    table, _, name = key.rpartition(".")
    (folder / "groundtune.toml").write_text(f"[{table}]\n{name} = {toml(value)}\n", encoding="utf-8")
    return load(folder, {}, {})


def from_environment(folder, key, value):
    text = value if isinstance(value, str) else json.dumps(value)
    return load(folder, {}, {variable_name(key): text})


def from_flag(folder, key, value):
    return load(folder, {key: value}, {})


def said(error):
    parts = (str(error), repr(error), error.message, error.place, error.remedy, *error.args)
    return " ".join(str(part) for part in parts)


def shown(resolved):
    settings = resolved.settings
    dumps = [settings.model_dump(), settings.model_dump_json(), resolved.record(), settings, str(settings), resolved]
    inner = [settings.part(name, kind) for name, kind in all_tables().items() if "." in name]
    return repr([*dumps, inner, [each.model_dump() for each in inner]])


def outcome(source, folder, key, value):
    """All that is shown of a value: the settings with it, which come too, or the error."""
    try:
        resolved = source(folder, key, value)
    except SettingsError as error:
        return None, said(error)
    return resolved, shown(resolved)


@pytest.mark.parametrize("source", [from_file, from_environment, from_flag])
@pytest.mark.parametrize("key", KEYS)
def test_no_setting_shows_a_password(tmp_path, key, source):
    taken = 0
    for value in VALUES.values():
        for name in (key, f"{key}x", key.replace(".", "s.", 1)):
            resolved, text = outcome(source, tmp_path, name, value)
            assert PASSWORD not in text, (name, value)
            taken += resolved is not None
    assert taken or key not in TEXTS, "a text takes a URL"


@pytest.mark.parametrize("key", ["records.url", "knowledge.store"])
@pytest.mark.parametrize("source", [from_file, from_environment, from_flag])
def test_an_address_is_whole_for_those_who_connect(tmp_path, key, source):
    table, _, name = key.partition(".")
    resolved = source(tmp_path, key, URL)
    assert getattr(getattr(resolved.settings, table), name).reveal() == URL
    assert resolved.record()[key]["value"] == "postgresql://ana:***@127.0.0.1:1/x"


@pytest.mark.parametrize(
    "text",
    [
        f'[records]\nurl = "{URL}\n',
        f"[records]\nurl = {URL}\n",
        f'[records]\nurl = "{URL}" x\n',
        f'[records]\n"{URL}" = 1\n',
        f'["{URL}"]\nx = 1\n',
        f'records = "{URL}"\n',
        f'"{URL}" = 1\n',
        f'[records]\nurl = "a"\nurl = "{URL}"\n',
        f'[records]\nurl = ["{URL}"]\n',
        f'[[records]]\nurl = "{URL}"\n',
    ],
)
def test_a_broken_file_shows_no_password(tmp_path, text):
    (tmp_path / "groundtune.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, {}, {})
    assert PASSWORD not in said(raised.value)


class AcmeSettings(Table):
    """`[store.acme]`: a store of somebody else."""

    key: Secret = Secret("")
    keys: tuple[Secret, ...] = ()
    optional: Secret | None = None
    url: SecretUrl = SecretUrl(URL)


@pytest.fixture
def acme(installed):
    installed("stores", "acme_stores", groundtune_settings=lambda: {"store.acme": AcmeSettings})


@pytest.mark.parametrize("source", [from_file, from_environment, from_flag])
@pytest.mark.parametrize("value", [PASSWORD, [PASSWORD], [[PASSWORD]], {"a": PASSWORD}, 5], ids=str)
@pytest.mark.parametrize("key", ["key", "keys", "optional", "url", "kee"])
def test_a_plugins_secret_shows_nothing_at_all(acme, tmp_path, key, value, source):
    resolved, text = outcome(source, tmp_path, f"store.acme.{key}", value)
    if resolved is None or key != "url":  # a bare word is no address with a password in it
        assert PASSWORD not in text
    if resolved is not None and value != 5:
        whole = getattr(resolved.settings.part("store.acme", AcmeSettings), key)
        assert whole[0].reveal() == PASSWORD if key == "keys" else PASSWORD in whole.reveal()


def test_a_default_with_a_password_is_not_written_into_the_file(acme):
    assert "[store.acme]" in template("shop")
    assert PASSWORD not in template("shop")


@pytest.mark.parametrize(
    "override",
    [PASSWORD, f"x {URL}", f"records.url {URL}", f"records={URL}", f"records.url=[{URL}", f"records.uri={URL}"],
)
def test_the_command_line_shows_no_password(tmp_path, monkeypatch, capsys, override):
    (tmp_path / "groundtune.toml").write_text("", encoding="utf-8")
    monkeypatch.setattr(
        sys, "argv", ["groundtune", "search", "x", "--project", str(tmp_path), "--json", "--set", override]
    )
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"]["message"]
    assert PASSWORD not in printed.out + printed.err
