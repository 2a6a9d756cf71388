"""Files that people write: read with errors that name file and line, written whole or not at all."""

import os

import pytest
from pydantic import BaseModel, ConfigDict

from groundtune import files
from groundtune.errors import InputError
from groundtune.files import read_jsonl, read_text, write_jsonl, write_text


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    number: int = 0


def test_text_is_read_as_utf8_without_a_byte_order_mark(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfCaf\xc3\xa9\n")
    assert read_text(tmp_path / "a") == "Café\n"


def test_what_cannot_be_read_is_refused_with_its_place(tmp_path):
    with pytest.raises(InputError, match="no such file") as missing:
        read_text(tmp_path / "nowhere")
    assert missing.value.place == str(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is a folder"):
        read_text(tmp_path)
    (tmp_path / "latin").write_bytes(b"one\ntwo\ncaf\xe9\n")
    with pytest.raises(InputError, match=r"not UTF-8 \(byte 0xe9\)") as wrong:
        read_text(tmp_path / "latin")
    assert wrong.value.place == f"{tmp_path / 'latin'}:3"


def test_rows_come_with_their_line_numbers_and_blank_lines_count(tmp_path):
    (tmp_path / "a").write_text('{"name": "x"}\n\n  \n{"name": "y\u2028z", "number": 2}\r\n', encoding="utf-8")
    assert read_jsonl(tmp_path / "a", Row) == [(1, Row(name="x")), (4, Row(name="y\u2028z", number=2))]


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        ('{"name": ', "broken JSON", "one JSON object per line"),
        ("[1]", "the line is [1]: Input should be an object", "Correct"),
        ("{}", "`name` is missing", "Add it"),
        ('{"name": 3}', "`name` is 3", 'in quotation marks: "3"'),
        ('{"name": NaN}', "`name` is NaN", "pandas writes NaN"),
        ('{"name": -Infinity}', "`name` is -Infinity", "pandas writes NaN"),
        ('{"name": 1e999}', "`name` is Infinity", "pandas writes NaN"),
        ('{"name": null}', "`name` is null", "leave it out"),
        ('{"name": false}', "`name` is false", "in quotation marks."),
        ('{"name": {"a": 1}}', '`name` is {"a": 1}', "in quotation marks."),
        ('{"name": "x", "numbr": 1}', "unknown key `numbr`", "Did you mean `number`?"),
        ('{"name": "x", "zzz": 1}', "unknown key `zzz`", "Known keys: name, number"),
    ],
)
def test_the_first_bad_line_is_named(tmp_path, line, message, remedy):
    (tmp_path / "a").write_text('{"name": "x"}\n' + line + "\n{{{\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_jsonl(tmp_path / "a", Row)
    assert message in raised.value.message
    assert remedy in raised.value.remedy
    assert raised.value.place == f"{tmp_path / 'a'}:2"


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = [{"name": "Café \u2028 \n"}, {"name": "x", "number": 3}]
    write_jsonl(tmp_path / "new" / "a.jsonl", rows)
    assert [row.model_dump(exclude_unset=True) for _, row in read_jsonl(tmp_path / "new" / "a.jsonl", Row)] == rows


def test_a_crash_while_writing_leaves_the_old_text(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_text(path, "old")

    class Crash(BaseException):
        pass

    def crash(self, target):
        raise Crash

    monkeypatch.setattr(files.Path, "replace", crash)
    with pytest.raises(Crash):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_writing_leaves_nothing_beside_the_file(tmp_path):
    write_text(tmp_path / "a", "text")
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208 -- hidden files are meant, too
