"""Made once a key and version, also by threads; nothing is kept of what failed, or of what nobody uses."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from weakref import WeakValueDictionary

import pytest

from groundtune.once import Once


class Thing:
    """Something that can be referred to weakly."""


def test_threads_that_ask_together_get_the_same():
    once, made, barrier = Once(), [], threading.Barrier(8)

    def make():
        time.sleep(0.01)
        made.append(Thing())
        return made[-1]

    with ThreadPoolExecutor(8, initializer=barrier.wait) as threads:
        results = list(threads.map(lambda _: once.get("a", make), range(8)))
    assert set(results) == set(made)
    assert len(made) == 1


def test_another_version_takes_the_place_of_the_first():
    once = Once()
    first = once.get("a", Thing, 1)
    assert once.get("a", Thing, 1) is first
    second = once.get("a", Thing, 2)
    assert second is not first
    assert once.get("a", Thing, 2) is second
    once.clear()
    assert once.get("a", Thing, 2) is not second


def test_what_fails_is_not_kept():
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.get("a", lambda: 1 / 0)
    assert once.get("a", lambda: 7) == 7


def test_kept_weakly_it_lives_as_long_as_it_is_used():
    once = Once(WeakValueDictionary())
    thing = once.get("a", Thing)
    assert once.get("a", Thing) is thing
    del thing
    made = []
    assert once.get("a", lambda: made.append(1) or Thing())
    assert made == [1]
