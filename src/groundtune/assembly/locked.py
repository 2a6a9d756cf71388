"""Parts that are opened when they are first asked for, and once, whichever threads ask; and one writer at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Generic, TypeVar, overload

from groundtune.errors import StoreError
from groundtune.files import only_one

_log = logging.getLogger(__name__)
Value = TypeVar("Value")


class locked_property(Generic[Value]):  # noqa: N801 -- reads like functools.cached_property
    """A `functools.cached_property` under a lock, which that of Python 3.12 no longer has.

    One lock serves all parts, as opening one may ask for another; it is held while a part is opened, never after.
    """

    _lock = RLock()

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> locked_property[Value]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...

    def __get__(self, instance: object | None, owner: type) -> locked_property[Value] | Value:
        if instance is None:
            return self
        with self._lock:
            if self._name not in instance.__dict__:
                instance.__dict__[self._name] = self._make(instance)
        value: Value = instance.__dict__[self._name]
        return value


@contextmanager
def only_writer(lock: Path) -> Iterator[None]:
    """Be the only one who changes the knowledge base of a project, as soon as nobody else does."""
    with ExitStack() as held:
        try:
            held.enter_context(only_one(lock, seconds=1))
        except TimeoutError:
            _log.warning("Another command is changing the knowledge base; this one waits for it to end.")
            held.enter_context(only_one(lock))
        except OSError as error:
            raise StoreError(
                f"the lock for writing cannot be made: {error.strerror or error}.",
                place=lock,
                remedy="Make the folder writable, or make room on its disk.",
            ) from None
        yield
