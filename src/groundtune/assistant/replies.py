"""Taking a model's reply in: what closed-book and grounded answerers share.

An empty reply is no answer, and not "I do not know" either: it is an error with the reason why it ended. Reasoning is
kept apart, also where a model leaves it in its text. Knows the `ChatModel` seam and the clock; no prompt, no passage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from groundtune.errors import ModelFailed
from groundtune.protocols import ChatModel
from groundtune.reply.reasoning import Parting, joined, parted
from groundtune.sentences import without_repetition
from groundtune.values import (
    Answer,
    Answered,
    Cited,
    Completion,
    Conversation,
    Event,
    Failure,
    FinishReason,
    TextPiece,
    Usage,
)

_WHY: dict[FinishReason, tuple[str, str]] = {
    "stop": ("the model ended without a word", "Check its chat template and the prompt, or use another model."),
    "length": ("the token limit was reached before an answer began", "Raise `[model] max_tokens`."),
    "repetition": ("the model went round in circles", "Use another model."),
    "content_filter": (
        "a content filter held the answer back",
        "Reword question or instructions, or change the filter at the endpoint.",
    ),
    "tool_calls": ("the model called a tool instead of answering", "Serve the model without tools."),
    "refusal": ("the model refused", "Reword question or instructions, or use another model."),
    "other": ("the endpoint gives no reason that is known", "Check the endpoint's log, or use another model."),
}


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
        parting = Parting()
        first: float | None = None
        returned: Completion | None = None
        while True:
            try:
                piece = next(self._source)
            except StopIteration as end:
                returned = end.value if isinstance(end.value, Completion) else None
                break
            pieces.append(piece)
            shown = parting.feed(piece) if piece else ""
            if not shown:
                continue
            if first is None:
                first = time.perf_counter() - self._started
            yield TextPiece(shown)
        if last := parting.end():
            yield TextPiece(last)
        reply = returned or Completion("".join(pieces), Usage(), "other")
        usage = replace(reply.usage, seconds=time.perf_counter() - self._started, seconds_to_first_token=first)
        self.completion = replace(reply, usage=usage)


def concluded(answer: Answer) -> Iterator[Event]:
    """Yield the events that end a stream: the citations that hold, and the answer."""
    yield from map(Cited, answer.citations)
    yield Answered(answer)


def heard(completion: Completion, model: str) -> Completion:
    """Return what `model` answered, its reasoning apart; what it said twice before it was cut off, once.

    Raises `ModelFailed` with the reason if that is nothing.
    """
    reply = parted(completion.text)
    text = reply.answer if completion.finish_reason == "stop" else without_repetition(reply.answer)
    reasoning = joined(completion.reasoning, reply.reasoning)
    if not text.strip():
        raise _silent(replace(completion, reasoning=reasoning), model)
    return replace(completion, text=text.strip(), reasoning=reasoning)


def _silent(completion: Completion, model: str) -> ModelFailed:
    """Return the error for a reply without an answer."""
    why, remedy = _WHY[completion.finish_reason]
    detail = f" {completion.finish_detail!r}" if completion.finish_detail else ""
    tokens = completion.usage.completion_tokens
    spent = f", after {tokens:,} token{'s' if tokens > 1 else ''}" if tokens else ""
    thought = len(completion.reasoning.split())
    only = f" All that came was reasoning ({thought:,} word{'s' if thought > 1 else ''})." if thought else ""
    return ModelFailed(
        f"gave no answer: {why} (finish reason: {completion.finish_reason}{detail}{spent}).{only}",
        place=model,
        remedy="Raise `[model] max_tokens`, or have the model reason less." if thought else remedy,
    )


def or_failure(take: Callable[[], Answer]) -> Answer | Failure:
    """Return the answer that is taken in, or why there is none: in a batch, one reply fails alone."""
    try:
        return take()
    except ModelFailed as error:
        return Failure(str(error))


def outdated(answer: Answer, unknown: str) -> bool:
    """Return whether a kept answer is of before reasoning was kept apart and empty replies failed, as far as it shows.

    `unknown` is what stood in the place of an empty reply; one that the token limit cut off is marked as truncated.
    """
    empty = answer.abstained and answer.truncated and answer.text == unknown
    return empty or bool(parted(answer.text).reasoning)


def timed(completion: Completion, started: float) -> Completion:
    """Return `completion` with the seconds that the person who asked has waited since `started`."""
    return replace(completion, usage=replace(completion.usage, seconds=time.perf_counter() - started))
