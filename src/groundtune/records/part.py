"""What the parts of the records have in common that write by themselves: one writer at a time, and errors in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from sqlalchemy import Connection, Engine

from groundtune.records.connection import refusals
from groundtune.records.locking import RecordsLock, hold


class RecordsPart:
    """Tables of the records of which one transaction writes at a time. Safe to use from several threads and processes.

    Every method raises `StoreError` if the database refuses.
    """

    lock: ClassVar[RecordsLock]

    def __init__(self, engine: Engine, place: str, clock: Callable[[], datetime]) -> None:
        self._engine, self._place, self.clock = engine, place, clock

    def _time(self) -> str:
        return self.clock().isoformat()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with refusals(self._place), self._engine.begin() as connection:
            hold(connection, self.lock)
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with refusals(self._place), self._engine.connect() as connection:
            yield connection
