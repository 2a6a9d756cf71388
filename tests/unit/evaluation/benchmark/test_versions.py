"""Freezing: version numbers, what changed since, and a lock that cannot be read."""

import json
from datetime import date

import pytest

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.benchmark.versions import Changes, changes, freeze, lock_path, note, read_lock

DAY, LATER = date(2026, 11, 24), date(2027, 1, 2)
CASES = [{"id": id_, "question": f"How is {id_}?", "ideal_answer": "Fine."} for id_ in "abc"]


def load(folder, *rows):
    path = folder / "benchmark.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return lock_path(path), load_benchmark(path, 0.3)


def test_the_first_version_is_one_and_names_its_date(tmp_path):
    path, benchmark = load(tmp_path, *CASES)
    assert path == tmp_path / "benchmark.lock"
    assert read_lock(path) is None
    lock, found = freeze(path, benchmark, DAY)
    assert (lock.version, lock.frozen, lock.fingerprint) == (1, DAY, benchmark.fingerprint)
    assert found == Changes(added=("a", "b", "c"))
    assert read_lock(path) == lock
    assert note(lock, benchmark) is None


def test_freezing_again_without_a_change_changes_nothing(tmp_path):
    path, benchmark = load(tmp_path, *CASES)
    freeze(path, benchmark, DAY)
    before = path.read_bytes()
    _, reordered = load(tmp_path, *reversed(CASES), {"id": "d", "question": "?", "status": "draft"})
    lock, found = freeze(path, reordered, LATER)
    assert (lock.version, lock.frozen, found, path.read_bytes()) == (1, DAY, Changes(), before)


def test_a_changed_benchmark_is_the_next_version_and_lists_what_changed(tmp_path):
    path, benchmark = load(tmp_path, *CASES)
    first, _ = freeze(path, benchmark, DAY)
    _, later = load(tmp_path, CASES[0], {**CASES[1], "ideal_answer": "Well."}, {**CASES[2], "id": "d"})
    expected = Changes(added=("d",), changed=("b",), removed=("c",))
    assert changes(first, later) == expected
    told = note(first, later)
    assert "changed since version 1 was frozen on 2026-11-24: 1 added, 1 changed, 1 removed" in told
    lock, found = freeze(path, later, LATER)
    assert (lock.version, lock.frozen, found) == (2, LATER, expected)
    assert note(lock, later) is None
    assert "frozen on 2027-01-02" in note(lock, benchmark)


def test_nothing_is_noted_of_a_benchmark_that_was_never_frozen(tmp_path):
    _, benchmark = load(tmp_path, *CASES)
    assert note(None, benchmark) is None


@pytest.mark.parametrize(
    "content", ["", "{}", '{"version": 0, "fingerprint": "x", "frozen": "2026-11-24", "cases": {}}']
)
def test_a_broken_lock_is_refused(tmp_path, content):
    path = tmp_path / "benchmark.lock"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"benchmark\.lock: is not a valid lock"):
        read_lock(path)
