"""Secrets: whole for those who connect, blank in every other place, and no word is blanked that is none."""

import copy
import json
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from groundtune import secrets
from groundtune.errors import GroundtuneError
from groundtune.secrets import Secret, SecretUrl, masked, remember, without_passwords


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """What one test reads is no secret in the next."""
    monkeypatch.setattr(secrets, "_known", set())


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("postgresql://ana:hunter2@db/records", "postgresql://ana:***@db/records"),
        ("postgresql+psycopg://ana:hunter2@[::1]:5432/x", "postgresql+psycopg://ana:***@[::1]:5432/x"),
        ("postgresql://ana:hun@ter:2/?#x@db/x", "postgresql://ana:***@db/x"),
        ("postgresql://ana@corp:hunter2@db/x", "postgresql://ana@corp:***@db/x"),
        ("postgresql://:hunter2@db", "postgresql://:***@db"),
        ("https://hunter2@host/v1", "https://***@host/v1"),
        ("openai:qwen@https://ana:hunter2@host/v1", "openai:qwen@https://ana:***@host/v1"),
        ("postgresql://db/x?user=ana&password=hunter2&sslmode=require", "postgresql://db/x?user=ana&password=***&sslmode=require"),
        ("postgresql://db/x?sslpassword=hunter2", "postgresql://db/x?sslpassword=***"),
        ("opensearch://h/i?api_key=hunter2", "opensearch://h/i?api_key=***"),
        ("https://h/i?x=1&key=hunter2", "https://h/i?x=1&key=***"),
        ("host=db user=ana password=hunter2 port=1", "host=db user=ana password=*** port=1"),
        ("password = 'it\\'s hunter2' port=1", "password = *** port=1"),
        ("ana:hunter2@db.example.com", "ana:***@db.example.com"),
        ("ana:hunter2@localhost", "ana:***@localhost"),
        ("ana:hun@ter2@db:5432/x", "ana:***@db:5432/x"),
        ('{"api_key": "hunter2", "n": 1}', '{"api_key": "***", "n": 1}'),
        ("{'password': 'hunter2'}", "{'password': '***'}"),
        ("password='hunter2 and more", "password=***"),
        ("aws_secret_access_key=hunter2", "aws_secret_access_key=***"),
        ("Authorization: Bearer sk-hunter2-hunter2", "Authorization: Bearer ***"),
        ("cannot open 'postgresql://ana:hunter2@db': refused", "cannot open 'postgresql://ana:***@db': refused"),
    ],
)  # fmt: skip
def test_a_password_is_told_by_its_place(text, blank):
    assert without_passwords(text) == blank
    assert without_passwords(blank) == blank
    assert masked(text) == blank


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///.groundtune/records.db",
        "lancedb:.groundtune/knowledge",
        "postgresql://ana@db:5432/x",
        "openai:qwen3@http://localhost:8000/v1",
        "bedrock:anthropic.claude-v2:1@us-east-1.",
        "Write openai:MODEL@BASE_URL or bedrock:MODEL_ID@REGION.",
        "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE.",
        "late:builtin:minilm-l6-v2 at 10:30, ana@example.com, mailto:ana@example.com",
        "`--set tuning.steps` is not KEY=VALUE. max_tokens=96, tokens=5, a token: 'x', basic configuration",
        "C:\\Users\\ana@corp\\project\\groundtune.toml",
        "",
    ],
)
def test_what_is_no_password_is_left_alone(text):
    assert masked(text) == text


@given(st.text(min_size=1))
def test_whatever_stands_before_the_host_is_blank(password):
    url = SecretUrl(f"postgresql://ana:{password}@db/x")
    assert str(url) == "postgresql://ana:***@db/x"
    assert repr(url) == "SecretUrl('postgresql://ana:***@db/x')"
    assert url.reveal() == f"postgresql://ana:{password}@db/x"


@given(st.text(alphabet="ab:/@?&='\" \\=password*", max_size=60))
def test_blanking_twice_is_blanking_once(text):
    blank = without_passwords(text)
    assert without_passwords(blank) == blank


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("ana:hunter2@db", "ana:***@db"),
        ("host=db password=hun'ter2&x user=ana", "host=db password=*** user=ana"),
        ("password='hun ter2' sslpassword=hun\\ ter2 user=ana", "password=*** sslpassword=*** user=ana"),
        ("postgresql://ana:h@db/x?password=hunter2", "postgresql://ana:***@db/x?password=***"),
        ("https://hunter2@host/v1", "https://***@host/v1"),
        ("postgresql://ana@db/x", "postgresql://ana@db/x"),
        ("lancedb:.groundtune/knowledge", "lancedb:.groundtune/knowledge"),
        ("", ""),
    ],
)  # fmt: skip
def test_of_an_address_what_is_not_secret_is_shown(address, shown):
    assert str(SecretUrl(address)) == shown
    assert SecretUrl(address).reveal() == address


@pytest.mark.parametrize(
    "told",
    [
        'password authentication failed: "hunter2%"',
        "invalid dsn: hunter2%25",
        "could not translate host name 'ter3@db'",
        'cannot parse "it\'s \\"it\'s hunter2\\""',
    ],
)
def test_what_was_read_is_blank_wherever_a_library_shows_it(told):
    SecretUrl("postgresql://ana:hunter2%25@db/x")
    SecretUrl("postgresql://ana:hun@ter3@db/x")
    Secret('"it\'s hunter2"')
    for text in (masked(told), GroundtuneError(told, place=told, remedy=told).place, str(GroundtuneError(told))):
        assert "hunter2" not in text
        assert "ter3" not in text
    assert "***" in masked(told)


def test_a_secret_that_is_part_of_a_word_does_not_blank_the_word():
    Secret("post")
    Secret("a")
    assert masked("postgresql: a post.") == "postgresql: a ***."


def test_remembering_takes_what_shows_itself():
    remember("opensearch://h?token=hunter2")
    assert masked("refused: hunter2") == "refused: ***"
    assert without_passwords("refused: hunter2") == "refused: hunter2"


class Table(BaseModel):
    key: Secret = Secret("")
    keys: list[Secret] = []
    url: SecretUrl | None = None


def test_pydantic_takes_a_text_and_gives_it_blank():
    table = Table(key="hunter2", keys=["hunter2", Secret("hunter2")], url="postgresql://ana:hunter2@db")
    assert table.key.reveal() == "hunter2"
    assert table.model_dump() == {"key": "***", "keys": ["***", "***"], "url": "postgresql://ana:***@db"}
    assert "hunter2" not in repr(table) + table.model_dump_json()
    assert Table.model_validate(table) is table
    with pytest.raises(ValidationError, match="valid string") as raised:
        Table(key=5)
    assert len(raised.value.errors()) == 1


def test_a_secret_is_a_value():
    secret = Secret("hunter2")
    assert secret == Secret("hunter2") != Secret("hunter3")
    assert secret != "hunter2"
    assert len({secret, Secret("hunter2")}) == 1
    for other in (copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):
        assert other.reveal() == "hunter2"
    assert f"{secret} {secret!s} {secret!r} {[secret]}" == "*** *** Secret('***') [Secret('***')]"
    assert str(Secret("")) == ""
    with pytest.raises(TypeError):
        json.dumps(secret)


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "a:" * 100_000, "://" * 50_000, "x@" * 100_000, "password=" * 20_000, "a://b:c" * 5_000]
)
def test_long_texts_take_no_time(text):
    started = time.process_time()
    without_passwords(text)
    assert time.process_time() - started < 2
