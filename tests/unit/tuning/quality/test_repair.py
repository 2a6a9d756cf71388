"""A repaired copy: without what is wrong, and the original as it was."""

import csv
import gzip
import json

import pytest

from groundtune.errors import InputError
from groundtune.settings import DataSettings
from groundtune.tuning.quality.check import Surroundings
from groundtune.tuning.quality.lines import data_files
from groundtune.tuning.quality.repair import MARKER, refuse_folder, repair
from groundtune.tuning.quality.rewriting import mended
from groundtune.tuning.quality.run import check_files

ROWS = [(f"What is {word}?", f"It is the {word} of the house, they say.") for word in ("roof", "door", "floor", "lamp")]
ROWS += [("Where is the garden of the old house?", "Behind it."), ("Who was the owner in those days?", "A merchant.")]
AROUND = Surroundings(DataSettings(), {"a": "Which colour does the door of the old house have?"}, {"a": "It is green."})
BAD = [
    ROWS[0],
    ("who was the owner in those days", "A merchant"),
    '{"messages": [',
    ("Please, which colour does the door of the old house have?", "Green."),
    ("Write to ana@example.org about it, please.", "We shall write to ana@example.org."),
    ("Mail: maximilian.oberhauser@kitchens.example.com", "Noted."),
    ("Mail: s.k@zoo.example.org", "Noted."),
    ("You fucking idiot", "I am sorry."),
]


@pytest.fixture
def repaired(tmp_path):
    def run(paths, folder="copy"):
        files = data_files(paths, tmp_path)
        refuse_folder(tmp_path / folder, paths)
        return repair(files, check_files(files, AROUND), AROUND, tmp_path / folder)

    return run


def questions(path):
    return [json.loads(line)["messages"][0]["content"] for line in path.read_text("utf-8").splitlines()]


def test_the_copy_passes_and_the_original_stays(write_lines, repaired, tmp_path):
    path = write_lines("data/training.jsonl", [*ROWS, *BAD])
    before = path.read_bytes()
    result = repaired([path])
    assert path.read_bytes() == before
    assert not result.report.failed
    copy = tmp_path / "copy" / "data" / "training.jsonl"
    assert questions(copy) == [
        *(question for question, _ in ROWS),
        "Write to [EMAIL] about it, please.",
        "Mail: [EMAIL]",  # once: mending has made them equal
    ]
    assert copy.read_bytes().splitlines()[: len(ROWS)] == before.splitlines()[: len(ROWS)]
    assert result.dropped == {"duplicate": 2, "near_duplicate": 1, "schema": 1, "contamination": 1, "toxic": 1}
    assert result.mended == 3
    assert result.files == {"data/training.jsonl": copy}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["copy", "data"]  # nothing else is left behind


def test_sound_data_is_copied_byte_for_byte(tmp_path, repaired):
    rows = [json.dumps({"messages": [{"content": question, "role": "user"}, {"role": "assistant", "content": answer}]})
            for question, answer in ROWS]  # fmt: skip
    path = tmp_path / "a.jsonl"
    path.write_bytes("\n".join(rows[:-1]).encode() + b"\n" + rows[-1].replace("A ", "A\\u0020").encode() + b"\n")
    repaired([path])
    assert (tmp_path / "copy" / "a.jsonl").read_bytes() == path.read_bytes()


def test_other_formats_become_json_lines(tmp_path, repaired):
    turns = [[{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in [*ROWS, ROWS[0]]]
    (tmp_path / "array.json").write_text(json.dumps([{"messages": one} for one in turns[:3]], indent=1), "utf-8")
    (tmp_path / "lines.json").write_text("".join(json.dumps({"messages": one}) + "\n" for one in turns[3:]), "utf-8")
    with (tmp_path / "table.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["prompt", "completion"], ["Is it, “old”?", "Yes,\nvery old."], ["Is it?", "No."]])
    with gzip.open(tmp_path / "packed.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "Has it a cellar?", "completion": "No."}) + "\n")
    names = ("array.json", "lines.json", "table.csv", "packed.jsonl.gz")
    result = repaired([tmp_path / name for name in names])
    copies = {name: path.name for name, path in result.files.items()}
    assert copies == {
        "array.json": "array.json.jsonl", "lines.json": "lines.json", "table.csv": "table.csv.jsonl",
        "packed.jsonl.gz": "packed.jsonl.gz",
    }  # fmt: skip
    assert result.report.checked == 3 + 3 + 2 + 1
    rows = (tmp_path / "copy" / "table.csv.jsonl").read_text("utf-8").splitlines()
    assert json.loads(rows[0]) == {"prompt": "Is it, “old”?", "completion": "Yes,\nvery old."}


def test_texts_are_mended_or_left_out_as_a_whole(tmp_path, repaired):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a.md").write_text("# House\n\nWrite to ana@example.org.\n", "utf-8")
    (corpus / "b.txt").write_bytes(b"\xef\xbb\xbfAnother text about gardens.\r\n")
    (corpus / "c.txt").write_text("Another text about gardens.", "utf-8")
    result = repaired([corpus])
    assert (tmp_path / "copy" / "corpus" / "a.md").read_text("utf-8") == "# House\n\nWrite to [EMAIL].\n"
    assert (tmp_path / "copy" / "corpus" / "b.txt").read_bytes() == (corpus / "b.txt").read_bytes()
    assert result.files["corpus/c.txt"] is None
    assert not (tmp_path / "copy" / "corpus" / "c.txt").exists()


def test_an_earlier_copy_is_replaced_and_nothing_else(write_lines, repaired, tmp_path):
    path = write_lines("a.jsonl", [*ROWS, *BAD])
    repaired([path])
    repaired([write_lines("b.jsonl", ROWS)])
    assert sorted(each.name for each in (tmp_path / "copy").iterdir()) == [MARKER, "b.jsonl"]


def test_folders_in_the_way_are_refused(write_lines, tmp_path):
    path = write_lines("data/a.jsonl", ROWS)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine", "utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    (tmp_path / "new").mkdir()
    for folder in ("data", ".", "other", "data/a.jsonl", "link", "data/../data", "other/mine.txt"):
        with pytest.raises(InputError):
            refuse_folder(tmp_path / folder, [path])
    with pytest.raises(InputError):
        refuse_folder(tmp_path / "data" / "copy", [tmp_path / "data"])
    for folder in ("new", "data/copy", "none/at/all"):
        refuse_folder(tmp_path / folder, [path])


def test_a_copy_of_nothing_is_refused(write_lines, repaired, tmp_path):
    path = write_lines("a.jsonl", ['{"messages": ['])
    with pytest.raises(InputError, match="nothing is left"):
        repaired([path])
    assert not (tmp_path / "copy").exists()


def test_files_of_one_name_from_several_folders_stay_apart(tmp_path, write_lines):
    inside, outside = tmp_path / "project", tmp_path / "elsewhere"
    one = write_lines("elsewhere/x/a.jsonl", ROWS[:3])
    two = write_lines("elsewhere/y/a.jsonl", ROWS[3:])
    files = data_files([one, two], inside)
    result = repair(files, check_files(files, AROUND), AROUND, inside / "copy")
    assert len(set(result.files.values())) == 2
    assert sum(len(questions(path)) for path in result.files.values()) == len(ROWS)
    assert outside.is_dir()


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"content": "Ada"}, {"content": "X"}),
        ({"role": "Ada", "annotator": "Ada", "documents": ["Ada.md"]}, ...),
        ({"arguments": '{"who": "Ada", "age": 3}'}, {"arguments": '{"who": "X", "age": 3}'}),
        ({"content": "{Ada}"}, {"content": "{X}"}),
        ([["Ada", None, True, 1.5]], [["X", None, True, 1.5]]),
        ("Ada", "X"),
        ({"content": ""}, ...),
        ({"content": '["Ada"]'}, {"content": '["X"]'}),
        ({"Ada": "no"}, ...),
    ],
)
def test_texts_are_mended_and_names_of_things_are_not(row, wanted):
    assert mended(row, lambda text: text.replace("Ada", "X")) == (row if wanted is ... else wanted)
