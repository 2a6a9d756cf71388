"""Files of rows: what they hold is told by their content, each row has its line, and no row hides another."""

import gzip
import json
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundtune.errors import InputError
from groundtune.tuning.formats import BrokenLine, read_rows
from groundtune.values import Example, TrainingText


def row(number):
    return {"prompt": f"q{number}", "completion": f"a{number}"}


ROWS = [row(number) for number in range(4)]
LINES = [json.dumps(each) for each in ROWS]
PRETTY = json.dumps(ROWS, indent=2)


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return list(read_rows(path))


def told(made):
    """(line, last words) of rows, (line, None) of broken ones."""
    return [
        (each.line, None)
        if isinstance(each, BrokenLine)
        else (int(each.place.rpartition(":")[2]), each.messages[-1].content)
        for each in made
    ]


def all_on(*lines):
    return [(line, f"a{number}") for number, line in enumerate(lines)]


FORMS = {
    "lines": ("x.jsonl", "\n".join(LINES), all_on(1, 2, 3, 4)),
    "lines-called-json": ("x.json", "\n".join(LINES) + "\n", all_on(1, 2, 3, 4)),
    "blank-lines": ("x.jsonl", "\n" + "\n\n".join(LINES), all_on(2, 4, 6, 8)),
    "windows-lines": ("x.jsonl", "\r\n".join(LINES), all_on(1, 2, 3, 4)),
    "byte-order-mark": ("x.jsonl", b"\xef\xbb\xbf" + "\n".join(LINES).encode(), all_on(1, 2, 3, 4)),
    "array": ("x.json", PRETTY, all_on(2, 6, 10, 14)),
    "array-without-indent": ("x.json", json.dumps(ROWS, indent=0), all_on(2, 6, 10, 14)),
    "array-on-one-line": ("x.json", json.dumps(ROWS), all_on(1, 1, 1, 1)),
    "array-called-jsonl": ("x.jsonl", json.dumps(ROWS), all_on(1, 1, 1, 1)),
    "array-with-mark": ("x.json", b"\xef\xbb\xbf\n" + PRETTY.encode(), all_on(3, 7, 11, 15)),
    "one-object": ("x.json", json.dumps(ROWS[0], indent=2), all_on(1)),
    "object-after-object": ("x.json", "\n".join(json.dumps(each, indent=2) for each in ROWS), all_on(1, 5, 9, 13)),
    "comma-at-the-end": ("x.json", "[" + ",\n".join(LINES) + ",]", all_on(1, 2, 3, 4)),
    "gzip": ("x.jsonl.gz", gzip.compress("\n".join(LINES).encode()), all_on(1, 2, 3, 4)),
    "gzip-array": ("x.json.gz", gzip.compress(PRETTY.encode()), all_on(2, 6, 10, 14)),
    "csv": ("x.csv", 'prompt,completion\nq0,a0\n"q\n1",a1\n\nq2,a2\n', all_on(2, 3, 6)),
    "csv-semicolons": ("x.csv", "prompt;completion\nq0;a0\n", all_on(2)),
    "tsv": ("x.tsv", "prompt\tcompletion\nq, 0\ta0\n", all_on(2)),
    "csv-with-turns": (
        "x.csv",
        'messages\n"[{""role"":""user"",""content"":""q""},{""role"":""assistant"",""content"":""a0""}]"\n',
        all_on(2),
    ),
    "one-conversation": (
        "x.json",
        json.dumps([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a0"}], indent=2),
        all_on(1),
    ),
    "a-conversation-on-each-line": (
        "x.jsonl",
        "\n".join(
            json.dumps([{"role": "user", "content": "q"}, {"role": "assistant", "content": f"a{number}"}])
            for number in range(2)
        ),
        all_on(1, 2),
    ),
    "empty": ("x.jsonl", "", []),
    "empty-array": ("x.json", " [] ", []),
}


@pytest.mark.parametrize(("name", "content", "expected"), FORMS.values(), ids=FORMS)
def test_rows_and_their_lines(tmp_path, name, content, expected):
    assert told(read(tmp_path / name, content)) == expected


DAMAGE = {
    "line-cut-off": ("x.jsonl", "\n".join(LINES).replace('"a1"}', '"a'), 2),
    "first-line-cut-off": ("x.jsonl", "\n".join(['{"messages": [', *LINES[1:]]), 1),
    "first-line-cut-off-called-json": ("x.json", "\n".join(['{"messages": [', *LINES[1:]]), 1),
    "not-utf-8": ("x.jsonl", "\n".join(LINES).encode().replace(b"a1", b"caf\xe9"), 2),
    "key-twice": ("x.jsonl", "\n".join(LINES).replace('{"prompt": "q1"', '{"prompt": "x", "prompt": "q1"'), 2),
    "comma-after-line": ("x.jsonl", "\n".join(LINES).replace('"a1"}', '"a1"},'), 2),
    "null": ("x.jsonl", "\n".join(LINES).replace(LINES[1], "null"), 2),
    "too-deep": ("x.jsonl", "\n".join(LINES).replace(LINES[1], '{"a":' * 5000 + "1" + "}" * 5000), 2),
    "array-quote-missing": ("x.json", PRETTY.replace('"a1"', '"a1'), 6),
    "array-quote-too-many": ("x.json", PRETTY.replace('"a1"', '"a"1"'), 6),
    "array-brace-missing": ("x.json", PRETTY.replace('"a1"\n  }', '"a1"\n'), 6),
    "array-comma-missing": ("x.json", PRETTY.replace('"q1",', '"q1"'), 6),
    "array-not-utf-8": ("x.json", PRETTY.encode().replace(b"a1", b"caf\xe9"), 6),
    "array-number": ("x.json", PRETTY.replace(json.dumps(ROWS[1], indent=2).replace("\n", "\n  "), "7"), 6),
    "one-line-array-brace-missing": ("x.json", json.dumps(ROWS).replace('"a1"}', '"a1"'), 1),
    "csv-cell-missing": ("x.csv", "prompt,completion\nq0,a0\nq1\nq2,a2\nq3,a3\n", 3),
    "csv-quote": ("x.csv", 'prompt,completion\nq0,a0\n"q"1,a1\nq2,a2\nq3,a3\n', 3),
}


@pytest.mark.parametrize(("name", "content", "line"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_row_hides_no_other(tmp_path, name, content, line):
    made = read(tmp_path / name, content)
    assert [each.line for each in made if isinstance(each, BrokenLine)] == [line]
    said = {last for _, last in told(made)}
    assert said - {None} == {"a0", "a1", "a2", "a3"} - {f"a{[each is None for _, each in told(made)].index(True)}"}


@pytest.mark.parametrize("number", [1, 3])
def test_a_file_that_is_cut_off_says_so_at_its_end(tmp_path, number):
    made = read(tmp_path / "x.json", PRETTY[: -3 * number * number])
    assert isinstance(made[-1], BrokenLine)
    assert "not closed" in made[-1].reason
    assert all(isinstance(each, Example) for each in made[:-1])


def test_what_follows_an_array_is_told_and_read(tmp_path):
    made = read(tmp_path / "x.json", f"[{LINES[0]}],\n{LINES[1]}]")
    assert told(made)[:3] == [(1, "a0"), (2, None), (2, "a1")]


def test_a_text_file_is_one_text_and_an_empty_one_is_told(tmp_path):
    assert read(tmp_path / "a.md", "# One\n\ntwo") == [TrainingText("# One\n\ntwo", "a.md")]
    (broken,) = read(tmp_path / "a.txt", " \n")
    assert (broken.line, broken.reason) == (1, "the file is empty.")
    (broken,) = read(tmp_path / "a.txt", b"one\ntw\xf6")
    assert (broken.line, broken.reason) == (2, "not UTF-8 (byte 0xf6).")


def test_parquet_rows_are_counted(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    turns = [{"role": "user", "content": "q", "tool_calls": None}, {"role": "assistant", "content": "a0"}]
    rows = [{"messages": turns, "n": 1}, {"messages": turns[:1], "n": 2}]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    assert told(read_rows(tmp_path / "x.parquet")) == [(1, "a0"), (2, None)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.jsonl", None, "no such file"),
        ("x.xlsx", b"", "`.xlsx` is no format of training data"),
        ("x", b"", "no format of training data"),
        ("x.json", "[]".encode("utf-16"), "UTF-16"),
        ("x.txt", "text".encode("utf-16"), "UTF-16"),
        ("x.jsonl.gz", b"abc", "cannot be read"),
        ("x.jsonl.gz", gzip.compress(b"abc" * 99, mtime=0)[:-9], "cannot be read"),
        ("x.parquet", b"abc", "is no parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused(tmp_path, name, content, reason):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as raised:
        list(read_rows(path))
    assert raised.value.remedy
    assert raised.value.place == str(path)


def test_a_folder_is_refused(tmp_path):
    (tmp_path / "x.jsonl").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        list(read_rows(tmp_path / "x.jsonl"))


def test_lines_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row(number) | {"note": "x" * 500}) + "\n" for number in range(5000)))
    tracemalloc.start()
    number = sum(1 for _ in read_rows(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == 5000
    assert peak < path.stat().st_size / 4


# rows that are sound, and rows that are not; texts with what could lead a reader of JSON astray
TEXT = st.text(st.sampled_from('ab ,:{}[]"\\\n\u2028é{"prompt": '), min_size=1, max_size=20).filter(str.strip)
SOUND = st.builds(lambda asked, given: {"prompt": asked, "completion": f"a{given}"}, TEXT, TEXT)
BROKEN = st.one_of(
    st.builds(lambda asked: {"prompt": asked}, TEXT),
    st.builds(lambda asked: {"prompt": asked, "completion": 5}, TEXT),
    st.just({}),
    st.integers(),
    st.builds(lambda asked: {"messages": [{"role": "user", "content": asked}]}, TEXT),
)
FILE = st.lists(st.one_of(st.tuples(st.just(True), SOUND), st.tuples(st.just(False), BROKEN)), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(rows=FILE, indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans(), array=st.booleans())
def test_no_row_vanishes(tmp_path, rows, indent, ascii_only, array):
    written = [each for _, each in rows]
    if array:
        text = json.dumps(written, indent=indent, ensure_ascii=ascii_only)
    else:
        text = "\n".join(json.dumps(each, ensure_ascii=ascii_only) for each in written)
    made = read(tmp_path / ("x.json" if array else "x.jsonl"), text)
    assert [not isinstance(each, BrokenLine) for each in made] == [sound for sound, _ in rows]
    assert [each.messages[1].content for each in made if isinstance(each, Example)] == [
        each["completion"].strip() for sound, each in rows if sound
    ]
    lines = text.split("\n")
    for each, one in zip(made, written, strict=True):
        line = each.line if isinstance(each, BrokenLine) else int(each.place.rpartition(":")[2])
        begins = lines[line - 1].lstrip(" [")
        assert begins.startswith("{" if isinstance(one, dict) else str(one)) or indent is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=400)
@given(cut=st.integers(0, len(PRETTY)), put=st.binary(max_size=3), name=st.sampled_from(["x.json", "x.jsonl"]))
def test_any_damage_is_told_or_harmless(tmp_path, cut, put, name):
    """Bytes in the middle of a file: nothing crashes, and at most one row is lost without being told."""
    data = PRETTY.encode()
    damaged = data[:cut] + put + data[cut + 1 :]
    if damaged[:2] in (b"\xff\xfe", b"\xfe\xff"):
        with pytest.raises(InputError, match="UTF-16"):
            read(tmp_path / name, damaged)
        return
    made = read(tmp_path / name, damaged)
    sound = [each for each in made if isinstance(each, Example)]
    assert len(sound) == 4 or any(isinstance(each, BrokenLine) for each in made)
    opened = put.count(b"[") + put.count(b"{")  # one bracket too many may take all that follows with it
    assert len(sound) >= 2 or opened
