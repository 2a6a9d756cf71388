"""Answers from retrieved passages, with checked citations, or says that it does not know.

Knows a `ChatModel` and a function that retrieves; not where passages come from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from groundtune.assistant.abstention import abstention_signature, says_unknown, support
from groundtune.assistant.citations import check_citations
from groundtune.assistant.prompts import grounded_messages, prompt_signature
from groundtune.assistant.replies import StreamedReply, concluded, heard, or_failure, timed
from groundtune.assistant.rewriting import QuestionRewriting
from groundtune.protocols import ChatModel
from groundtune.settings import AssistantSettings
from groundtune.values import (
    Answer,
    Completion,
    Conversation,
    Event,
    Failure,
    Passage,
    Question,
    Retrieved,
    Search,
    TextPiece,
    Usage,
)

Retrieve = Callable[[Sequence[Search]], list[list[Passage]]]
Rewrite = Callable[[Sequence[Question]], list[str]]
BY_RULE = QuestionRewriting("rule")


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A question with what was retrieved for it, before the model is asked."""

    messages: Conversation
    passages: tuple[Passage, ...]
    support: float
    searched: str


class Grounded:
    """An `Answerer` that retrieves, abstains where support is below `min_support`, and else asks the model.

    `retrieve` maps searches, each with the asker of its question, to their passages, best first; `retrieval_signature`
    names all that can change what it returns (store revision, embedder, number of passages) and what it is asked for.
    `rewrite` says what is searched with for each question. Without any passage it always abstains.
    """

    def __init__(
        self,
        model: ChatModel,
        retrieve: Retrieve,
        settings: AssistantSettings,
        project_name: str,
        min_support: float,
        retrieval_signature: str = "",
        rewrite: Rewrite = BY_RULE,
    ) -> None:
        self._model = model
        self._retrieve = retrieve
        self._settings = settings
        self._project_name = project_name
        self._min_support = min_support
        self._retrieval_signature = retrieval_signature
        self._rewrite = rewrite

    @property
    def signature(self) -> str:
        """Model, prompt, retrieval, threshold and what counts as "I do not know": all that can change an answer."""
        prompt = prompt_signature(self._settings, self._project_name, "grounded")
        known = f"min_support:{self._min_support:.4f}|{abstention_signature(self._settings)}"
        return f"grounded|prompt:{prompt}|{known}|{self._retrieval_signature}|{self._model.signature}"

    def answer(self, question: Question) -> Answer:
        """Answer one question; `usage.seconds` is what the person waits. Raises `ModelFailed`, `StoreError`."""
        started = time.perf_counter()
        (prepared,) = self._prepare([question])
        if self._abstains(prepared):
            return self._unknown(prepared, Usage(seconds=time.perf_counter() - started))
        (completion,) = self._model.complete([prepared.messages])
        return self._taken(timed(completion, started), prepared)

    def answer_many(self, questions: Sequence[Question]) -> list[Answer | Failure]:
        """Answer a batch: one retrieval, and one call of the model for the questions that are supported.

        An empty reply is a `Failure`. Raises `ModelFailed`, `StoreError`.
        """
        prepared = self._prepare(questions)
        asked = [each.messages for each in prepared if not self._abstains(each)]
        completions = iter(self._model.complete(asked) if asked else [])
        return [
            self._unknown(each, Usage())
            if self._abstains(each)
            else or_failure(partial(self._taken, next(completions), each))
            for each in prepared
        ]

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield the passages, the reply's pieces, the citations that hold and, last, the answer.

        The pieces are the model's own words; the answer takes their place, as citations can only be checked
        once all is said. Raises `ModelFailed`, `StoreError`.
        """
        started = time.perf_counter()
        (prepared,) = self._prepare([question])
        yield Retrieved(prepared.passages, prepared.searched)
        if self._abstains(prepared):
            yield TextPiece(self._settings.unknown)
            yield from concluded(self._unknown(prepared, Usage(seconds=time.perf_counter() - started)))
            return
        reply = StreamedReply(self._model, prepared.messages, started)
        yield from reply
        yield from concluded(self._taken(reply.completion, prepared))

    def _prepare(self, questions: Sequence[Question]) -> list[_Prepared]:
        texts = self._rewrite(questions)
        searches = [Search(text, question.asker) for text, question in zip(texts, questions, strict=True)]
        results = self._retrieve(searches) if searches else []
        prepared = []
        for question, text, passages in zip(questions, texts, results, strict=True):
            messages = grounded_messages(self._settings, self._project_name, question, passages)
            prepared.append(_Prepared(messages, tuple(passages), support(passages, question.text), text))
        return prepared

    def _abstains(self, prepared: _Prepared) -> bool:
        return not prepared.passages or prepared.support < self._min_support

    def _unknown(self, prepared: _Prepared, usage: Usage) -> Answer:
        return Answer(
            self._settings.unknown,
            True,
            usage,
            passages=prepared.passages,
            support=prepared.support,
            searched=prepared.searched,
        )

    def _taken(self, completion: Completion, prepared: _Prepared) -> Answer:
        """Return the model's reply as an answer; a reply that says that it does not know keeps no citation.

        A reply of nothing but citations that do not hold stays as it was said. Raises `ModelFailed` for an empty one.
        """
        reply = heard(completion, self._model.name)
        checked = check_citations(reply.text, prepared.passages)
        text = checked.text.strip() or reply.text
        abstained = says_unknown(text, self._settings.unknown, self._settings.also_unknown)
        return Answer(
            text=text,
            abstained=abstained,
            usage=reply.usage,
            passages=prepared.passages,
            citations=() if abstained else checked.citations,
            citations_removed=checked.removed,
            support=prepared.support,
            truncated=reply.finish_reason == "length",
            reasoning=reply.reasoning,
            adjusted=reply.adjusted,
            searched=prepared.searched,
        )
