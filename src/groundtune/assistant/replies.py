"""Taking a model's reply in: what closed-book and grounded answerers share.

Knows the `ChatModel` seam and the clock; no prompt, no passage.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from groundtune.protocols import ChatModel
from groundtune.sentences import without_repetition
from groundtune.values import Answer, Answered, Cited, Completion, Conversation, Event, TextPiece, Usage


class StreamedReply:
    """Iterate over one reply's `TextPiece`s; `completion` then holds the whole of it.

    A model's `stream` may be a generator that returns its `Completion` (PEP 380): tokens and finish reason are
    taken from there. Seconds are counted from `started`, a value of `time.perf_counter`.
    """

    def __init__(self, model: ChatModel, messages: Conversation, started: float) -> None:
        self._source = model.stream(messages)
        self._started = started
        self.completion = Completion("", Usage())

    def __iter__(self) -> Iterator[TextPiece]:
        pieces: list[str] = []
        first: float | None = None
        returned: Completion | None = None
        while True:
            try:
                piece = next(self._source)
            except StopIteration as end:
                returned = end.value if isinstance(end.value, Completion) else None
                break
            if not piece:
                continue
            if first is None:
                first = time.perf_counter() - self._started
            pieces.append(piece)
            yield TextPiece(piece)
        reply = returned or Completion("".join(pieces), Usage(), "other")
        usage = replace(reply.usage, seconds=time.perf_counter() - self._started, seconds_to_first_token=first)
        self.completion = replace(reply, text="".join(pieces), usage=usage)


def concluded(answer: Answer) -> Iterator[Event]:
    """Yield the events that end a stream: the citations that hold, and the answer."""
    yield from map(Cited, answer.citations)
    yield Answered(answer)


def said(completion: Completion) -> str:
    """Return what a model said; where it did not come to an end by itself, without what it said twice."""
    finished = completion.finish_reason == "stop"
    return (completion.text if finished else without_repetition(completion.text)).strip()


def timed(completion: Completion, started: float) -> Completion:
    """Return `completion` with the seconds that the person who asked has waited since `started`."""
    return replace(completion, usage=replace(completion.usage, seconds=time.perf_counter() - started))
