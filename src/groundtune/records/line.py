"""Writing by many threads of this process at once: they stand in line, and whoever comes to its front writes for all.

A pool gives its connection to whoever asks in the right moment, and SQLite has a writer try again after a while,
whoever came first: some would wait for as long as there are others. In a line, the wait grows with the number of those
who wait, and no more. A transaction for all of them is synced once (a group commit). What keeps processes apart is in
`locking`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from groundtune.errors import StoreError
from groundtune.records.connection import LOCK_SECONDS
from groundtune.records.locking import RecordsLock

T = TypeVar("T")
Begin = Callable[[], AbstractContextManager[Connection]]
"""Begins a transaction that only one may have; it is committed where the context ends without an error."""
MOST_TOGETHER = 100
"""Writers that share a transaction: others, also of other processes, do not wait longer for them."""


@dataclass(eq=False, slots=True)
class _Writer:
    """One who stands in line; `work` is None if it wants a transaction of its own."""

    work: Callable[[Connection], Any] | None
    turn: threading.Event = field(default_factory=threading.Event)  # it is the first, or its work has been done
    taken: bool = False  # its work is being done
    outcome: Future[Any] = field(default_factory=Future)


class WriterLine:
    """The line of those who want to write, in the order in which they came. Safe to use from several threads."""

    def __init__(self) -> None:
        self._line: deque[_Writer] = deque()  # the first one writes; whoever shares its transaction stays in line
        self._change = threading.Lock()

    @contextmanager
    def alone(self, begin: Begin) -> Iterator[Connection]:
        """Wait for one's turn, and have a transaction of one's own."""
        with self._in_line(None), begin() as connection:
            yield connection

    def together(self, begin: Begin, work: Callable[[Connection], T]) -> T:
        """Have `work` done, in a transaction with that of others who wait; return what it returned once it is synced.

        It is done anew if that of another fails, so it must do nothing but read and write on the connection. What it
        raises is raised here, and then it has changed nothing.
        """
        with self._in_line(work) as mine:
            if not mine.outcome.done():
                self._lead(begin)
        result: T = mine.outcome.result()
        return result

    @contextmanager
    def _in_line(self, work: Callable[[Connection], Any] | None) -> Iterator[_Writer]:
        mine = _Writer(work)
        try:
            with self._change:
                self._line.append(mine)
                self._line[0].turn.set()
            if not mine.turn.wait(LOCK_SECONDS):
                self._wait_on(mine)
            yield mine
        finally:
            with self._change:
                if mine in self._line:
                    self._line.remove(mine)
                if self._line:
                    self._line[0].turn.set()

    def _wait_on(self, mine: _Writer) -> None:
        """Wait for what has begun. Raises `StoreError` if it has not: then it never will."""
        with self._change:
            if not (mine.taken or mine.turn.is_set()):
                self._line.remove(mine)
                raise StoreError(
                    f"too many want to write: {len(self._line)} others are waiting, some for {LOCK_SECONDS:g} seconds.",
                    remedy="Let fewer agents work at once, or use a faster disk.",
                )
        mine.turn.wait()

    def _lead(self, begin: Begin) -> None:
        """Write for all from the front of the line up to the first who wants a transaction of its own."""
        with self._change:
            some = islice(self._line, MOST_TOGETHER)
            writers = list(takewhile(lambda writer: writer.work is not None, some))
            for writer in writers:
                writer.taken = True
        try:
            _write(begin, writers)
        finally:
            with self._change:
                for writer in writers:
                    if not writer.outcome.done():
                        writer.outcome.set_exception(StoreError("the thread that was writing it down was stopped."))
                    if writer in self._line:
                        self._line.remove(writer)
                    writer.turn.set()


def _write(begin: Begin, writers: list[_Writer]) -> None:
    """Do the work of all in one transaction. One whose work fails is left out, and the others begin anew."""
    while writers:
        results: list[Any] = []
        at_work: _Writer | None = None
        try:
            with begin() as connection:
                for at_work in writers:
                    assert at_work.work is not None
                    results.append(at_work.work(connection))
                at_work = None
        except Exception as error:
            failed = writers if at_work is None else [at_work]  # all, where beginning or committing failed
            for writer in failed:
                writer.outcome.set_exception(error)
            writers = [writer for writer in writers if writer not in failed]
        else:
            for writer, result in zip(writers, results, strict=True):
                writer.outcome.set_result(result)
            return


_lines: WeakKeyDictionary[Engine, dict[RecordsLock | None, WriterLine]] = WeakKeyDictionary()
_lines_change = threading.Lock()


def line_of(engine: Engine, lock: RecordsLock) -> WriterLine:
    """Return the line of those who write under `lock`. SQLite has one writer at a time, and so one line for all."""
    with _lines_change:
        lines = _lines.setdefault(engine, {})
        return lines.setdefault(None if engine.dialect.name == "sqlite" else lock, WriterLine())
