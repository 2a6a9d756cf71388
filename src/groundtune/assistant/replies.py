"""Taking a model's reply in: what closed-book and grounded answerers share.

Knows the `ChatModel` seam and the clock; no prompt, no passage.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from groundtune.protocols import ChatModel
from groundtune.sentences import without_repetition
from groundtune.values import Completion, Conversation, Usage


class StreamedReply:
    """Iterate over the pieces of one reply; `completion` then holds the whole of it.

    A model's `stream` may be a generator that returns its `Completion` (PEP 380): tokens and finish reason are
    taken from there. Seconds are counted from `started`, a value of `time.perf_counter`.
    """

    def __init__(self, model: ChatModel, messages: Conversation, started: float) -> None:
        self._source = model.stream(messages)
        self._started = started
        self.completion = Completion("", Usage())

    def __iter__(self) -> Iterator[str]:
        pieces: list[str] = []
        first: float | None = None
        returned: Completion | None = None
        while True:
            try:
                piece = next(self._source)
            except StopIteration as end:
                returned = end.value if isinstance(end.value, Completion) else None
                break
            if first is None and piece:
                first = time.perf_counter() - self._started
            pieces.append(piece)
            yield piece
        reply = returned or Completion("".join(pieces), Usage(), "other")
        usage = replace(reply.usage, seconds=time.perf_counter() - self._started, seconds_to_first_token=first)
        self.completion = replace(reply, text="".join(pieces), usage=usage)


def said(completion: Completion) -> str:
    """Return what a model said; where it did not come to an end by itself, without what it said twice."""
    finished = completion.finish_reason == "stop"
    return (completion.text if finished else without_repetition(completion.text)).strip()


def timed(completion: Completion, started: float) -> Completion:
    """Return `completion` with the seconds that the person who asked has waited since `started`."""
    return replace(completion, usage=replace(completion.usage, seconds=time.perf_counter() - started))
