"""Things that are costly to make and are made once for all who need them, also when several threads ask together.

Knows nothing of what is made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, MutableMapping
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Thing = TypeVar("Thing")


class Once(Generic[Key, Thing]):
    """Things by key. A thread that asks for a key that is being made waits for it; other keys are not held up.

    What is made is kept in `kept`: in a WeakValueDictionary, it is kept for as long as somebody uses it.
    """

    def __init__(self, kept: MutableMapping[Key, Thing] | None = None) -> None:
        self._kept: MutableMapping[Key, Thing] = {} if kept is None else kept
        self._versions: dict[Key, Hashable] = {}
        self._locks: dict[Key, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: Key, make: Callable[[], Thing], version: Hashable = None) -> Thing:
        """Return the thing for `key`, made by `make` if there is none or if it is of another version.

        What `make` raises is raised, and nothing is kept.
        """
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            thing = self._kept.get(key)
            if thing is None or self._versions[key] != version:
                self._kept.pop(key, None)
                del thing  # before the next one takes as much memory again
                thing = make()
                self._kept[key], self._versions[key] = thing, version
            return thing

    def clear(self) -> None:
        """Keep nothing any longer."""
        with self._guard:
            self._kept.clear()
