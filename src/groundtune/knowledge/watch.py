"""Watching a folder: says when something was added, changed, renamed or removed, and is not being written any more.

By looking again and again at names, sizes and times of change, which also works on network drives. Reads no file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from groundtune.knowledge.folder import existing, find

Snapshot = dict[str, tuple[int, int] | None]  # of each document: bytes and time of change; None: it cannot be looked at


def snapshot(folder: Path) -> Snapshot:
    """Return what is in the folder now. Raises `InputError` if it is missing."""
    root = existing(folder)
    found = find(root, [root])
    looks: Snapshot = dict.fromkeys((name for name, _ in found.failed), None)
    for document, path in (*found.files.items(), *found.rules.items()):
        try:
            status = os.stat(path)  # noqa: PTH116 -- a text
            looks[document] = (status.st_size, status.st_mtime_ns)
        except OSError:
            looks[document] = None
    return looks


def changes(folder: Path, every: float, wait: Callable[[float], object] = time.sleep) -> Iterator[Snapshot]:
    """Yield what is in the folder: now, and after each change once nothing has changed for `every` seconds.

    What the receiver does with it may take as long as it likes: what changes meanwhile is seen afterwards.
    """
    handled: Snapshot | None = None
    before = snapshot(folder)
    while True:
        if before != handled:
            yield before
            handled = before
        wait(every)
        now = snapshot(folder)
        while now != before:  # still being written
            before = now
            wait(every)
            now = snapshot(folder)
