"""Reading documents in a process of its own, so that one that is made to do harm, or is only too large, does none.

The process may take so much memory and so long for a document, or for each page and minute of it that takes OCR or
transcription; then it is ended, the document is refused with the reason, and the next one gets a new process. What
comes back is JSON, never pickles. Knows no format.
"""

from __future__ import annotations

import os
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, TypeAdapter

from groundtune.errors import UnreadableDocument
from groundtune.knowledge.recognition import Recognition, using
from groundtune.protocols import Progress, silent
from groundtune.settings import KnowledgeSettings
from groundtune.values import MediaKind, PlainText

Read = Callable[[Path], PlainText]
PLAIN: TypeAdapter[PlainText] = TypeAdapter(PlainText)
HEAD = struct.Struct("!Q")  # the length of a message in bytes, before it
_MB = 1_000_000
_END_SECONDS = 5.0
_SPARE_SECONDS = 30.0  # for what is done beside the recognising of a page


class ReaderReply(BaseModel):
    """What the process says of a document: its text, or why it is refused, or `step`: how many of how many parts of it
    were recognised so far."""

    plain: PlainText | None = None
    refused: str = ""
    remedy: str = ""
    step: tuple[int, int] | None = None


class ChildSettings(BaseModel):
    """What the process is told when it starts: bytes of memory, characters of text, and how to recognise."""

    memory: int
    most: int
    knowledge: KnowledgeSettings
    media: tuple[MediaKind, ...] = ()


class ReadingProcess:
    """Reads documents, one at a time; the process is started for the first one and kept for the others."""

    def __init__(
        self, settings: KnowledgeSettings, progress: Progress = silent, media: Sequence[MediaKind] = ()
    ) -> None:
        self._settings, self._progress, self._media = settings, progress, tuple(media)
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def __call__(self, path: Path) -> PlainText:
        """Return the text of a file. Raises `UnreadableDocument`, also for what goes beyond the limits."""
        try:
            size = path.stat().st_size / _MB
        except OSError:
            size = 0.0  # the reader says why
        if size > self._settings.file_mb:
            raise UnreadableDocument(
                f"is {size:.0f} MB large, and at most {self._settings.file_mb:g} MB are read.",
                place=path,
                remedy="Split it, or raise `[knowledge] file_mb`.",
            )
        with self._lock:
            return self._asked(path)

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _asked(self, path: Path) -> PlainText:
        process = self._process
        if process is not None and process.poll() is not None:  # it ended between two documents
            self.close()
        process = self._process or self._started()
        assert process.stdin is not None
        try:
            send(process.stdin, os.fsencode(path.absolute()))
            reply = self._reply()
        except queue.Empty:
            self._kill()
            raise UnreadableDocument(
                f"takes longer than {self._settings.read_seconds:g} seconds to read.",
                place=path,
                remedy="Split it, or raise `[knowledge] read_seconds`.",
            ) from None
        except OSError:  # it ended while it was asked
            reply = None
        if reply is None:
            code = self._kill()
            why = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise UnreadableDocument(
                f"made its reader end ({why}): it is damaged, or needs more than {self._settings.read_memory_mb:g} MB.",
                place=path,
                remedy="Open it in the program that it belongs to and save it again, or split it.",
            )
        if reply.plain is None:
            raise UnreadableDocument(reply.refused, place=path, remedy=reply.remedy)
        return reply.plain

    def _reply(self) -> ReaderReply | None:
        """Return what is said in the end; each step that is told gives it time for the next. Raises `queue.Empty`."""
        longest = self._settings.read_seconds
        while (answer := self._replies.get(timeout=longest)) is not None:
            reply = ReaderReply.model_validate_json(answer)
            if reply.step is None:
                return reply
            longest = max(longest, self._settings.page_seconds + _SPARE_SECONDS)
            self._progress("recognising", *reply.step)
        return None

    def _started(self) -> subprocess.Popen[bytes]:
        settings = self._settings
        told = ChildSettings(
            memory=round(settings.read_memory_mb * _MB),
            most=round(settings.file_mb * _MB),
            knowledge=settings.for_recognition(),
            media=self._media,
        )
        process = subprocess.Popen(
            [
                *(sys.executable, "-X", "utf8", "-m", "groundtune.knowledge.reading_child"),
                told.model_dump_json(exclude={"knowledge": {"store"}}),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._process, self._replies = process, queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process.stdout, self._replies), daemon=True).start()
        return process

    def _kill(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        if process.stdin is not None:
            process.stdin.close()
        return process.wait()


@contextmanager
def reading(
    settings: KnowledgeSettings, progress: Progress = silent, media: Sequence[MediaKind] = ()
) -> Iterator[Read | None]:
    """Give what reads a file as `[knowledge]` says; None where files are read by the process that asks.

    Files of the kinds of `media` need no words to be documents.
    """
    if not settings.read_apart:
        with using(Recognition(settings, media=media)):
            yield None
        return
    process = ReadingProcess(settings, progress, media)
    try:
        yield process
    finally:
        process.close()


def send(pipe: IO[bytes], message: bytes) -> None:
    """Write a message with its length before it."""
    pipe.write(HEAD.pack(len(message)) + message)
    pipe.flush()


def receive(pipe: Any) -> bytes | None:  # noqa: ANN401 -- a binary file, or None
    """Return the next message, None at the end."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    message: bytes = pipe.read(size)
    return message if len(message) == size else None


def _listen(pipe: IO[bytes], replies: queue.SimpleQueue[bytes | None]) -> None:
    with pipe:
        while True:
            reply = receive(pipe)
            replies.put(reply)
            if reply is None:
                return
