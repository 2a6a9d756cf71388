"""What one command knows of endpoints that are down: a dead one is found dead once, not by everyone who needs it.

An address that nobody answers at, and that has not answered in this command, is dead after one request with all its
retries. One that answered before, and one that answers with errors only, is dead when `MOST_FAILURES` requests, one
after the other, have failed for good. What is asked of it from then on fails at once, with the same reason. Nothing is
remembered outside of `one_command`, and nothing from one command to the next. Knows no HTTP.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

MOST_FAILURES = 8
CallArguments = ParamSpec("CallArguments")
WorkItem = TypeVar("WorkItem")
Returned = TypeVar("Returned")


@dataclass
class _State:
    answered: bool = False
    failures: int = 0
    last_failed: float = 0.0
    error: Exception | None = None


@dataclass
class Outages:
    """What is known of each address. Safe across threads."""

    _states: dict[str, _State] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def error(self, *addresses: str) -> Exception | None:
        """Return why one of these is not asked any more; None if all are."""
        with self._lock:
            states = [self._states.get(address) for address in addresses]
        return next((state.error for state in states if state is not None and state.error is not None), None)

    def answered(self, *addresses: str) -> None:
        """Note that they answer."""
        with self._lock:
            for address in addresses:
                self._states[address] = _State(answered=True)

    def failed(self, address: str, error: Exception, started: float, *, unreached: bool) -> None:
        """Note a request of time `started` that failed for good; requests at the same time count once."""
        with self._lock:
            state = self._states.setdefault(address, _State())
            if started >= state.last_failed:
                state.failures += 1
                state.last_failed = time.monotonic()
            if state.failures >= MOST_FAILURES or (unreached and not state.answered):
                state.error = state.error or error


_known: ContextVar[Outages | None] = ContextVar("outages", default=None)


def known() -> Outages | None:
    """Return what the command that is running knows; None outside of one."""
    return _known.get()


@contextmanager
def one_command() -> Iterator[None]:
    """Remember outages until the end; inside another one, with it."""
    if _known.get() is not None:
        yield
        return
    token = _known.set(Outages())
    try:
        yield
    finally:
        _known.reset(token)


def carried(call: Callable[CallArguments, Returned]) -> Callable[CallArguments, Returned]:
    """Return `call` for one call in another thread, where it knows what this one knows."""
    context = copy_context()
    return lambda *given, **named: context.run(call, *given, **named)


def all_at_once(work: Callable[[WorkItem], Returned], items: Iterable[WorkItem], number: int) -> list[Returned]:
    """Return what `work` gives for each of the items, in order, with up to `number` of them under way in threads.

    Raises what `work` raises for the first item that fails, and then begins no more.
    """
    with ThreadPoolExecutor(number) as pool:
        futures = [pool.submit(carried(work), item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
