"""Answers from what the model itself knows, without documents.

Knows a `ChatModel`; a tuned model is just another one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from groundtune.assistant.abstention import says_unknown
from groundtune.assistant.prompts import closed_book_messages, prompt_signature
from groundtune.assistant.replies import StreamedReply, said, timed
from groundtune.protocols import ChatModel
from groundtune.settings import AssistantSettings
from groundtune.values import Answer, Completion, Conversation, Message


class ClosedBook:
    """An `Answerer` that gives the model the instructions, the conversation and nothing else."""

    def __init__(self, model: ChatModel, settings: AssistantSettings, project_name: str) -> None:
        self._model = model
        self._settings = settings
        self._project_name = project_name

    @property
    def signature(self) -> str:
        """Model and prompt: all that can change an answer."""
        prompt = prompt_signature(self._settings, self._project_name, "closed-book")
        return f"closed-book|prompt:{prompt}|{self._model.signature}"

    def answer(self, question: str, history: Sequence[Message] = ()) -> Answer:
        """Answer one question; `usage.seconds` is what the person waits. Raises `ModelFailed`."""
        started = time.perf_counter()
        (completion,) = self._model.complete([self._messages(question, history)])
        return self._taken(timed(completion, started))

    def answer_many(self, questions: Sequence[tuple[str, Sequence[Message]]]) -> list[Answer]:
        """Answer (question, history) pairs with one call of the model. Raises `ModelFailed`."""
        conversations = [self._messages(question, history) for question, history in questions]
        completions = self._model.complete(conversations) if conversations else []
        return [self._taken(completion) for completion in completions]

    def stream(self, question: str, history: Sequence[Message] = ()) -> Iterator[str | Answer]:
        """Yield the reply's pieces and, last, the `Answer`. Raises `ModelFailed`."""
        reply = StreamedReply(self._model, self._messages(question, history), time.perf_counter())
        yield from reply
        yield self._taken(reply.completion)

    def _messages(self, question: str, history: Sequence[Message]) -> Conversation:
        return closed_book_messages(self._settings, self._project_name, question, history)

    def _taken(self, completion: Completion) -> Answer:
        text = said(completion)
        return Answer(
            text=text or self._settings.unknown,
            abstained=not text or says_unknown(text, self._settings.unknown, self._settings.also_unknown),
            usage=completion.usage,
            truncated=completion.finish_reason == "length",
        )
