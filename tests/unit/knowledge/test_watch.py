"""Watching a folder: every change is told, once, and none that is half done."""

import os
import time
from contextlib import suppress

import pytest

from groundtune.knowledge.watch import changes


class Watched:
    """A folder in which things happen while nobody looks: `then` are what is done at each wait, in order."""

    def __init__(self, folder):
        self.folder, self.then, self.waits = folder, [], 0

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def wait(self, seconds):
        self.waits += 1
        assert seconds == 5
        if not self.then:
            raise StopWatching
        self.then.pop(0)()


class StopWatching(Exception):
    pass


@pytest.fixture
def watched(tmp_path):
    made = Watched(tmp_path)
    made.write("a.md", "zebra")
    return made


def told(watched, *happens):
    seen = []
    watched.then = [*happens]
    with suppress(StopWatching):
        for snapshot in changes(watched.folder, 5, watched.wait):
            seen.append(sorted(snapshot))
    return seen


def nothing():
    pass


def test_it_begins_with_what_is_there_and_says_nothing_while_nothing_happens(watched):
    assert told(watched, nothing, nothing, nothing) == [["a.md"]]


def test_added_renamed_and_removed(watched):
    folder = watched.folder
    happens = [
        lambda: watched.write("sub/b.md", "lion"), nothing,
        lambda: (folder / "a.md").rename(folder / "c.md"), nothing,
        lambda: (folder / "sub" / "b.md").unlink(), nothing,
    ]  # fmt: skip
    assert told(watched, *happens) == [["a.md"], ["a.md", "sub/b.md"], ["c.md", "sub/b.md"], ["c.md"]]


def test_a_change_of_content_alone(watched):
    def older():
        os.utime(watched.folder / "a.md", (time.time() - 60,) * 2)

    assert told(watched, lambda: watched.write("a.md", "lion!"), nothing, older, nothing) == [["a.md"]] * 3


def test_what_is_being_written_is_waited_for(watched):
    happens = [lambda part=part: watched.write("b.md", "x" * part) for part in (1, 2, 3)]
    assert told(watched, *happens, nothing) == [["a.md"], ["a.md", "b.md"]]


def test_what_changes_while_it_is_handled_is_told_afterwards(watched):
    watched.then = [nothing, nothing]
    seen = []
    with suppress(StopWatching):
        for snapshot in changes(watched.folder, 5, watched.wait):
            seen.append(sorted(snapshot))
            watched.write("late.md", "lion")
    assert seen == [["a.md"], ["a.md", "late.md"]]


def test_hidden_and_temporary_files_are_none(watched):
    happens = [lambda: watched.write("~$a.md", "x"), lambda: watched.write(".b.md.swp", "x"), nothing]
    assert told(watched, *happens) == [["a.md"]]
