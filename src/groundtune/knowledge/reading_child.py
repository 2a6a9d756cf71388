"""The process in which documents are read: `python -m groundtune.knowledge.reading_child SETTINGS`, as JSON.

Reads paths from its input and writes replies to its output, until the input ends. See `reading_process.py`.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from groundtune.errors import UnreadableDocument
from groundtune.knowledge import readers
from groundtune.knowledge.reading_process import ChildSettings, ReaderReply, receive, send
from groundtune.knowledge.recognition import Recognition, using


def answer(path: Path, most: int) -> ReaderReply:
    """Read one file."""
    try:
        plain = readers.read(path)
    except UnreadableDocument as error:
        return ReaderReply(refused=error.message, remedy=error.remedy)
    if len(plain.text) > most:
        told = f"has {len(plain.text):,} characters of text, and at most {most:,} are taken."
        return ReaderReply(refused=told, remedy="Split it, or raise `[knowledge] file_mb`.")
    return ReaderReply(plain=plain)


def limit_memory(more: int) -> None:
    """Let this process take so many bytes more than it has now, where the system can limit that."""
    try:
        import resource
    except ImportError:  # Windows
        return
    pages = Path("/proc/self/statm")
    held = int(pages.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") if pages.is_file() else 2**30
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (held + more, resource.RLIM_INFINITY))


def main() -> None:
    """Serve until the input ends."""
    told = ChildSettings.model_validate_json(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that asks
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no reply
    readers.readers()  # imported before memory is limited
    limit_memory(told.memory)

    def say(reply: ReaderReply) -> None:
        send(replies, reply.model_dump_json().encode())

    def step(done: int, total: int) -> None:
        say(ReaderReply(step=(done, total)))

    with using(Recognition(told.knowledge, step, told.media)):
        while (asked := receive(sys.stdin.buffer)) is not None:
            say(answer(Path(os.fsdecode(asked)), told.most))


if __name__ == "__main__":
    main()
