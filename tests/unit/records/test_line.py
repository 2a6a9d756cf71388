"""Many who want to write stand in line, and those who wait share a transaction."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from groundtune.errors import InputError, StoreError
from groundtune.records import line
from groundtune.records.line import WriterLine


class Database:
    """Keeps what was written once it is committed. `commits` has a list for each transaction."""

    def __init__(self):
        self.commits, self.full = [], False
        self.one_at_a_time = threading.Lock()

    @contextmanager
    def begin(self):
        assert self.one_at_a_time.acquire(blocking=False), "two write at once"
        try:
            written = []
            yield written
            if self.full:
                raise StoreError("the disk is full.")
            self.commits.append(written)
        finally:
            self.one_at_a_time.release()

    @property
    def written(self):
        return [each for commit in self.commits for each in commit]


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def writers(database):
    """A line at whose front somebody writes until `go` is set; `enter(work)` has one more stand in it."""
    made = Writers(database)
    yield made
    made.go.set()
    made.pool.shutdown()


class Writers:
    def __init__(self, database):
        self.line, self.database, self.go = WriterLine(), database, threading.Event()
        self.pool, self.length = ThreadPoolExecutor(300), 0
        self.enter(lambda: self.line.together(database.begin, lambda written: self.go.wait(30)))

    def enter(self, call):
        entered = self.pool.submit(call)
        self.length += 1
        while len(self.line._line) < self.length:
            time.sleep(0.001)
        return entered

    def write(self, text):
        return self.enter(lambda: self.line.together(self.database.begin, lambda written: written.append(text)))

    def fail(self, error):
        def work(written):
            written.append("half")
            raise error

        return self.enter(lambda: self.line.together(self.database.begin, work))

    def alone(self, text):
        def work():
            with self.line.alone(self.database.begin) as written:
                written.append(text)

        return self.enter(work)


def test_who_waits_shares_a_transaction_in_order(writers, database):
    waiting = [writers.write(number) for number in range(250)]
    writers.go.set()
    for each in waiting:
        each.result(10)
    assert [len(commit) for commit in database.commits] == [0, 100, 100, 50]
    assert database.written == list(range(250))


def test_who_wants_a_transaction_of_its_own_gets_it_in_its_turn(writers, database):
    waiting = [writers.write(1), writers.write(2), writers.alone(3), writers.write(4)]
    writers.go.set()
    for each in waiting:
        each.result(10)
    assert database.commits == [[], [1, 2], [3], [4]]


def test_one_that_fails_changes_nothing_and_spoils_no_other(writers, database):
    error = InputError("there is no such conversation.")
    first, failing, last = writers.write(1), writers.fail(error), writers.write(2)
    writers.go.set()
    assert failing.exception(10) is error
    assert (first.result(10), last.result(10)) == (None, None)
    assert database.commits == [[], [1, 2]]


def test_what_cannot_be_committed_is_said_to_all(writers, database):
    waiting = [writers.write(1), writers.write(2)]
    database.full = True
    writers.go.set()
    assert [each.exception(10).message for each in waiting] == ["the disk is full."] * 2
    assert database.written == []
    database.full = False
    writers.line.together(database.begin, lambda written: written.append(3))
    assert database.written == [3]


def test_a_writer_that_is_stopped_leaves_nobody_waiting(writers, database):
    stopped, other, own = writers.fail(KeyboardInterrupt()), writers.write(1), writers.alone(2)
    writers.go.set()
    assert isinstance(stopped.exception(10), KeyboardInterrupt)
    assert "was stopped" in other.exception(10).message
    own.result(10)
    assert database.written == [2]


def test_who_is_being_written_does_not_leave_however_long_it_takes(writers, database, monkeypatch):
    monkeypatch.setattr(line, "LOCK_SECONDS", 0.05)
    slow = threading.Event()
    leads = writers.enter(lambda: writers.line.together(database.begin, lambda written: slow.wait(30)))
    monkeypatch.setattr(line, "LOCK_SECONDS", 0.2)
    shares = writers.write(1)
    writers.go.set()
    time.sleep(0.4)
    assert not shares.done()
    slow.set()
    assert (leads.result(10), shares.result(10)) == (True, None)
    assert database.commits == [[], [1]]


def test_who_has_waited_too_long_leaves_the_line(writers, database, monkeypatch):
    monkeypatch.setattr(line, "LOCK_SECONDS", 0.05)
    assert "too many want to write" in writers.write(1).exception(10).message
    writers.length -= 1
    monkeypatch.setattr(line, "LOCK_SECONDS", 30.0)
    after = writers.write(2)
    writers.go.set()
    after.result(10)
    assert database.written == [2]
