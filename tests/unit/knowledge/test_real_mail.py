"""Real messages and transcripts of other parsers' tests: what the standard library finds in them is read."""

import email
import email.policy
import re
from collections import Counter

import pytest

from groundtune.knowledge import readers

WORD = re.compile(r"[^\W_]+")


@pytest.fixture
def files(shared_data):
    def of(suffix):
        paths = sorted((shared_data / "documents").glob(f"*/*{suffix}"))
        if not paths:
            pytest.skip("the real documents (../shared/data/documents) are not here")
        return paths

    return of


def words(text):
    return Counter(WORD.findall(text.casefold()))


def test_the_plain_text_of_messages_is_read(files):
    read = 0
    for path in files(".eml"):
        data = path.read_bytes()
        if 0 in data[:100] or not data.strip():
            continue  # UTF-16, which the library does not read, or empty
        message = email.message_from_bytes(data, policy=email.policy.default)
        body = message.get_body(("plain",))
        if body is None:
            continue
        expected = words(f"{message['subject'] or ''} {body.get_payload(decode=True).decode('utf-8', 'replace')}")
        assert not expected - words(readers.read(path).text), path.name
        read += 1
    assert read > 12


@pytest.mark.parametrize("end", ["be", "le"])
def test_messages_in_utf_16(files, end):
    path = next(path for path in files(".eml") if path.name == f"fake-email-utf-16-{end}.eml")
    plain = readers.read(path)
    assert plain.title == "Test Email"
    assert "Roses are red" in plain.text


def test_attachments(files):
    path = next(path for path in files(".eml") if path.name == "eml_with_attachment.eml")
    assert readers.read(path).text.endswith(
        "test.txt\n\nThis is a test attachment file.\nIt contains some dummy content."
    )


def test_all_that_is_said_is_read(files):
    for path in files(".vtt"):
        source = re.sub(
            r"(?m)^(WEBVTT|NOTE).*$|^.*-->.*$|^[\w-]*\d[\w/-]*$|<v[.\w]* ([^>]*)>|<[^>]*>", " ", path.read_text()
        )
        plain = readers.read(path)
        assert not words(source) - words(plain.text), path.name
        starts = [segment.seconds for segment in plain.segments]
        assert len(starts) > 0
        assert starts == sorted(starts)
