"""Chat models behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, OpenAI and others.

`openai:MODEL@BASE_URL`, as `openai:qwen3@http://localhost:8000/v1`. The key comes from the environment variable that
`model.api_key_variable` names; servers without one need none. Strict in what is sent, liberal in what is taken.
Answers are sampled at temperature 0. Wire format: https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from groundtune.http import ApiKey, Backoff, Endpoint, Guidance, RequestRefused, named_address
from groundtune.models._batches import complete_all
from groundtune.models._options import LABEL_TOKENS, Step, UnclearReply, asked, certain, choice_of, token_text
from groundtune.settings import ModelSettings
from groundtune.values import Choice, Completion, Conversation, Usage

PREFIX = "openai:"
PATH = "/chat/completions"
TOP_LOGPROBS = 20  # the most that the API gives
_GUIDANCE = Guidance(
    address="Check the model name, and that the base URL belongs to an OpenAI-compatible API (most end in /v1).",
    late="Raise `model.timeout`, or check the server load.",
    busy="Lower `model.concurrency`.",
    too_long="Lower `knowledge.passages`, `knowledge.chunk_size` or `model.max_tokens`.",
)
_UNSUPPORTED = re.compile(r"support|unknown|unrecogni[sz]ed|unexpected|not permitted|extra", re.IGNORECASE)
_SUBSTITUTES = {"max_tokens": "max_completion_tokens", "stream_options": None, "top_logprobs": None, "logprobs": None}


def groundtune_model(settings: ModelSettings, folder: Path) -> OpenAICompatible | None:
    """Return the model for `openai:MODEL@BASE_URL`, None for other names. Raises `SettingsError`."""
    if not settings.name.startswith(PREFIX):
        return None
    return OpenAICompatible(settings)


class _Usage(BaseModel):
    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0


class _Text(BaseModel):
    content: str | None = None


class _Alternative(BaseModel):
    token: str
    logprob: float
    bytes: object = None


class _Token(_Alternative):
    top_logprobs: list[_Alternative] | None = None


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Choice(BaseModel):
    message: _Text = _Text()
    delta: _Text | None = None
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Reply(BaseModel):
    """A completion, or a chunk of a streamed one."""

    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None


class OpenAICompatible:
    """A `ChatModel`; a batch is sent as up to `settings.concurrency` requests at once.

    Token counts are the endpoint's, 0 where it gives none. `backoff` says how long to be patient with it.
    """

    def __init__(self, settings: ModelSettings, backoff: Backoff | None = None) -> None:
        self._settings = settings
        self._model, self._base_url = named_address(settings.name, PREFIX, "model.name")
        key = ApiKey.from_environment(settings.api_key_variable)
        url = f"{self._base_url}{PATH}"
        self._endpoint = Endpoint(url, key, settings.timeout, backoff or Backoff(), _GUIDANCE)
        self._refused: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._settings.name

    @property
    def signature(self) -> str:
        """Model, address and generation settings. Only the endpoint knows which weights a model's name stands for."""
        return f"{PREFIX}{self._model}@{self._base_url}|temperature:0|max_tokens:{self._settings.max_tokens}"

    def complete(self, conversations: Sequence[Conversation], max_tokens: int | None = None) -> list[Completion]:
        """Answer a batch, in order. Seconds are known of a batch of one.

        Raises `ModelFailed` at the first conversation that fails, and then sends no more.
        """
        return complete_all(
            lambda conversation: self._complete(conversation, max_tokens), conversations, self._settings.concurrency
        )

    def stream(self, messages: Conversation, max_tokens: int | None = None) -> Generator[str, None, Completion]:
        """Yield the answer in pieces and return the `Completion`. Raises `ModelFailed`, also if it breaks off."""
        body = {**self._body(messages, max_tokens), "stream": True, "stream_options": {"include_usage": True}}
        pieces: list[str] = []
        finish: str | None = None
        usage = _Usage()
        for chunk in self._chunks(body):
            usage = chunk.usage or usage
            for choice in (chunk.choices or [])[:1]:
                finish = choice.finish_reason or finish
                if choice.delta and choice.delta.content:
                    pieces.append(choice.delta.content)
                    yield choice.delta.content
        return Completion("".join(pieces), _counted(usage), _finish(finish))

    @property
    def parallel(self) -> int:
        """As many as the settings allow."""
        return self._settings.concurrency

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Return how probable each option is; see `weigh`.

        Raises `ModelFailed` if less than half of the probability stands on the options.
        """
        choice = self.weigh(messages, options)
        try:
            return certain(choice, asked(messages, options)[1])
        except UnclearReply as error:
            raise self._endpoint.failure(error.message, error.remedy) from None

    def weigh(self, messages: Conversation, options: Sequence[str]) -> Choice:
        """Return how probable each option is: digits and letters as they are, others asked for by letter.

        From the log probabilities of the first tokens where the endpoint gives them (what is not among the 20 likeliest
        counts as 0), else 1 - `UNCHOSEN` for the option that it names. Says how much probability stood on them all.
        """
        conversation, labels = asked(messages, options)
        if len(options) == 1:
            return Choice({options[0]: 1.0})
        body = {**self._body(conversation, LABEL_TOKENS), "logprobs": True, "top_logprobs": TOP_LOGPROBS}
        reply = self._reply(body)
        return choice_of(_steps(reply), _first(reply).message.content or "", labels, _counted(reply.usage))

    def _complete(self, conversation: Conversation, max_tokens: int | None) -> Completion:
        reply = self._reply(self._body(conversation, max_tokens))
        choice = _first(reply)
        return Completion(choice.message.content or "", _counted(reply.usage), _finish(choice.finish_reason))

    def _body(self, messages: Conversation, max_tokens: int | None) -> dict[str, object]:
        return {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "temperature": 0,
            "max_tokens": self._settings.max_tokens if max_tokens is None else max_tokens,
        }

    def _reply(self, body: dict[str, object]) -> _Reply:
        sent = self._accepted(body)
        try:
            reply = self._parsed(self._endpoint.post(sent))
        except RequestRefused as error:
            self._learn(error, sent)
            return self._reply(body)
        if not reply.choices:
            raise self._endpoint.failure("answered without any choices.", "Check the server's log.")
        return reply

    def _chunks(self, body: dict[str, object]) -> Iterator[_Reply]:
        """Yield the chunks of a stream; one that ends before the model has finished raises `ModelFailed`."""
        sent = self._accepted(body)
        finished = False
        try:
            for data in self._endpoint.events(sent):
                if data == "[DONE]":
                    return
                chunk = self._parsed(data)
                finished = finished or any(choice.finish_reason for choice in chunk.choices or [])
                yield chunk
        except RequestRefused as error:
            self._learn(error, sent)
            yield from self._chunks(body)
            return
        if not finished:
            raise self._endpoint.failure("ended the stream before the answer was complete.", "Try again.")

    def _accepted(self, body: dict[str, object]) -> dict[str, object]:
        """Return `body` with what this endpoint refuses under its other name, or left out."""
        names = {key: _SUBSTITUTES[key] if key in self._refused else key for key in body}
        return {name: body[key] for key, name in names.items() if name}

    def _learn(self, error: RequestRefused, sent: dict[str, object]) -> None:
        """Remember the parameters in `sent` that the endpoint does not know; raise `error` if that is not why."""
        unknown = {key for key in _SUBSTITUTES if key in sent and key in error.message}
        if not unknown or not _UNSUPPORTED.search(error.message):
            raise error
        self._refused |= unknown

    def _parsed(self, data: str | bytes) -> _Reply:
        try:
            reply = _Reply.model_validate_json(data)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            excerpt = (data if isinstance(data, str) else data.decode("utf-8", "replace"))[:200]
            raise self._endpoint.failure(
                f"sent a reply that is not a chat completion ({reason}): {excerpt!r}"
            ) from None
        if reply.error:
            raise self._endpoint.failure(f"answered with an error: {reply.error}", "Check the server's log.")
        return reply


def _first(reply: _Reply) -> _Choice:
    return (reply.choices or [_Choice()])[0]


def _counted(usage: _Usage | None) -> Usage:
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage else Usage()


def _finish(reason: str | None) -> Literal["stop", "length", "content_filter", "other"]:
    match reason:
        case "stop" | "length" | "content_filter":
            return reason
    return "other"


def _steps(reply: _Reply) -> list[Step]:
    """Return the first tokens with those in their place, as far as the endpoint gives log probabilities."""
    steps = []
    for token in (_first(reply).logprobs or _Logprobs()).content or []:
        top = token.top_logprobs or []
        own = [] if any(other.token == token.token for other in top) else [token]
        shares = [(token_text(other.token, other.bytes), math.exp(min(0.0, other.logprob))) for other in [*top, *own]]
        steps.append(Step(token_text(token.token, token.bytes), shares))
    return steps
