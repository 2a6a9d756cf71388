"""What the parts of the records have in common that write by themselves: one writer at a time, and errors in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import ClassVar, TypeVar

from sqlalchemy import Connection, Engine

from groundtune.records.connection import refusals
from groundtune.records.line import line_of
from groundtune.records.locking import RecordsLock, hold

T = TypeVar("T")


class RecordsPart:
    """Tables of the records of which one transaction writes at a time. Safe to use from several threads and processes.

    Every method raises `StoreError` if the database refuses.
    """

    lock: ClassVar[RecordsLock]

    def __init__(self, engine: Engine, place: str, clock: Callable[[], datetime]) -> None:
        self._engine, self._place, self.clock = engine, place, clock
        self._line = line_of(engine, self.lock)

    def _time(self) -> str:
        return self.clock().isoformat()

    def _writing(self) -> AbstractContextManager[Connection]:
        """Return a transaction of one's own."""
        return self._line.alone(self._begin)

    def _write(self, work: Callable[[Connection], T]) -> T:
        """Do what is short and comes from many at once in a transaction with others; see `WriterLine.together`."""
        return self._line.together(self._begin, work)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with refusals(self._place), self._engine.begin() as connection:
            hold(connection, self.lock)
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with refusals(self._place), self._engine.connect() as connection:
            yield connection
