"""Files that people write: read with errors that name file and line, written whole or not at all."""

import errno
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel, ConfigDict

from groundtune import files
from groundtune.errors import InputError
from groundtune.files import append_jsonl, read_jsonl, read_text, write_bytes, write_jsonl, write_text


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
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208 -- hidden files are meant, too


@pytest.mark.parametrize(
    "write",
    [
        lambda path, letter, size: write_text(path, letter * size),
        lambda path, letter, size: write_bytes(path, letter.encode() * size),
        lambda path, letter, size: write_jsonl(path, [{"name": letter * size}]),
    ],
    ids=["text", "bytes", "jsonl"],
)
@pytest.mark.parametrize("size", [1, 5_000, 2_000_000])
def test_threads_that_write_one_file_at_once_leave_what_one_of_them_wrote(tmp_path, write, size):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(tmp_path / "a", "abcdefgh"[number % 8], size), range(64)))
    text = read_text(tmp_path / "a")
    assert len(set(text) & set("bcdfgh")) <= 1  # a and e are in "name"
    assert text.count(max(set(text), key=text.count)) >= size
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208


def test_processes_that_write_one_file_at_once_leave_what_one_of_them_wrote(tmp_path):
    script = (
        "import sys; from pathlib import Path; from groundtune.files import write_text\n"
        "for _ in range(40): write_text(Path(sys.argv[1]), sys.argv[2] * 300_000)"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, tmp_path / "a", letter]) for letter in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert read_text(tmp_path / "a") in {letter * 300_000 for letter in "abc"}
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208


@pytest.mark.parametrize("size", [1, 9_000, 300_000])
def test_lines_that_threads_add_at_once_stay_whole(tmp_path, size):
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: append_jsonl(
                    tmp_path / "new" / "a.jsonl",
                    [{"name": f"{number}-{part}" + "x" * size, "number": number} for part in range(2)],
                ),
                range(40),
            )
        )
    rows = [row for _, row in read_jsonl(tmp_path / "new" / "a.jsonl", Row)]
    assert sorted(row.number for row in rows) == sorted([*range(40)] * 2)
    assert all(first.number == second.number for first, second in zip(rows[::2], rows[1::2], strict=True))


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_new_file_has_the_permissions_that_the_umask_gives(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    write_text(tmp_path / "a", "old")
    (tmp_path / "a").chmod(mode)
    write_text(tmp_path / "a", "new")
    assert (read_text(tmp_path / "a"), stat.S_IMODE((tmp_path / "a").stat().st_mode)) == ("new", mode)


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 100, ".hidden", "with space.jsonl"])
def test_any_name_that_a_file_can_have_can_be_written(tmp_path, name):
    write_text(tmp_path / name, "text")
    assert read_text(tmp_path / name) == "text"


def test_writing_leaves_nothing_beside_the_file(tmp_path):
    write_text(tmp_path / "a", "text")
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208 -- hidden files are meant, too


def test_a_folder_takes_the_place_of_another_at_once(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_text("1")
    with files.replacing(tmp_path / "old") as folder:
        (folder / "b").write_text("2")
        assert (tmp_path / "old" / "a").read_text() == "1"
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError("x"), OSError(2, "no such file")])
def test_a_folder_that_is_not_completed_leaves_the_old_one(tmp_path, error):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_text("1")
    with pytest.raises(type(error) if isinstance(error, Exception) else error), files.replacing(tmp_path / "old"):
        raise error
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "a"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("262144 requested and 4096 written"),  # NumPy's tofile
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),  # safetensors
    ],
    ids=str,
)
def test_a_full_disk_is_told_whoever_writes(tmp_path, error):
    with pytest.raises(InputError, match="the disk is full") as raised, files.full_disk(tmp_path / "out"):
        raise error
    assert "unchanged" in raised.value.remedy


def test_a_writer_that_says_nothing_of_a_full_disk(tmp_path, monkeypatch):
    """PyTorch: `unexpected pos 64 vs 0`."""
    failed = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")
    with pytest.raises(RuntimeError, match="unexpected pos"), files.full_disk(tmp_path):
        raise failed
    monkeypatch.setattr(files, "free_bytes", lambda path: 0)
    with pytest.raises(InputError, match="the disk is full"), files.full_disk(tmp_path):
        raise failed
