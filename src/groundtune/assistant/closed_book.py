"""Answers from what the model itself knows, without documents.

Knows a `ChatModel`; a tuned model is just another one. Does not ask who asks: a model's weights have no access list.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

from groundtune.assistant.abstention import abstention_signature, says_unknown
from groundtune.assistant.prompts import closed_book_messages, prompt_signature
from groundtune.assistant.replies import StreamedReply, concluded, heard, or_failure, timed
from groundtune.protocols import ChatModel
from groundtune.settings import AssistantSettings
from groundtune.values import Answer, Completion, Conversation, Event, Failure, Question


class ClosedBook:
    """An `Answerer` that gives the model the instructions, the conversation and nothing else."""

    def __init__(self, model: ChatModel, settings: AssistantSettings, project_name: str) -> None:
        self._model = model
        self._settings = settings
        self._project_name = project_name

    @property
    def signature(self) -> str:
        """Model, prompt and what counts as "I do not know": all that can change an answer."""
        prompt = prompt_signature(self._settings, self._project_name, "closed-book")
        return f"closed-book|prompt:{prompt}|{abstention_signature(self._settings)}|{self._model.signature}"

    def answer(self, question: Question) -> Answer:
        """Answer one question; `usage.seconds` is what the person waits. Raises `ModelFailed`."""
        started = time.perf_counter()
        (completion,) = self._model.complete([self._messages(question)])
        return self._taken(timed(completion, started))

    def answer_many(self, questions: Sequence[Question]) -> list[Answer | Failure]:
        """Answer a batch with one call of the model; an empty reply is a `Failure`. Raises `ModelFailed`."""
        conversations = [self._messages(question) for question in questions]
        completions = self._model.complete(conversations) if conversations else []
        return [or_failure(partial(self._taken, completion)) for completion in completions]

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield the reply's pieces and, last, the answer. Raises `ModelFailed`."""
        reply = StreamedReply(self._model, self._messages(question), time.perf_counter())
        yield from reply
        yield from concluded(self._taken(reply.completion))

    def _messages(self, question: Question) -> Conversation:
        return closed_book_messages(self._settings, self._project_name, question)

    def _taken(self, completion: Completion) -> Answer:
        reply = heard(completion, self._model.name)
        return Answer(
            text=reply.text,
            abstained=says_unknown(reply.text, self._settings.unknown, self._settings.also_unknown),
            usage=reply.usage,
            truncated=reply.finish_reason == "length",
            reasoning=reply.reasoning,
            adjusted=reply.adjusted,
        )
