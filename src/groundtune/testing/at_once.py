"""Searching while another handle writes, for the contracts of stores and of retrievers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

LOOKS = 20  # looks that must have been taken before the writer may stop
SECONDS = 60.0  # after which it stops all the same


def look_while_writing(write: Callable[[int], object], look: Callable[[], object], changes: int) -> None:
    """Call `write(1)`, `write(2)` and so on, at least `changes` times, and `look` over and over meanwhile.

    Raises what either raises, and `AssertionError` if there was hardly a look.
    """
    looked, ends = threading.Event(), time.monotonic() + SECONDS

    def writing() -> None:
        number = 0
        while number < changes or not (looked.is_set() or time.monotonic() > ends):
            number += 1
            write(number)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(writing)
        looks = 0
        while not done.done():
            look()
            looks += 1
            if looks > LOOKS:
                looked.set()
        done.result()
    assert looks > LOOKS // 2
