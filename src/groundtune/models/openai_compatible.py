"""Chat models behind an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, OpenAI and others.

`openai:MODEL@BASE_URL`, as `openai:qwen3@http://localhost:8000/v1`. The key comes from the environment variable that
`model.api_key_variable` names; servers without one need none. Strict in what is sent, liberal in what is taken:
`_replies` reads what comes, `_parameters` learns what a server does not take. Answers are sampled at temperature 0,
where it takes that. Wire format: https://platform.openai.com/docs/api-reference/chat.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from groundtune.http import ApiKey, Backoff, Endpoint, Guidance, named_address
from groundtune.http.bodies import DONE, decoded, loaded
from groundtune.http.outages import all_at_once
from groundtune.models._batches import complete_all
from groundtune.models._offers import CALL_TOKENS, Offer, strictly
from groundtune.models._options import LABEL_TOKENS, asked, certain, choice_of
from groundtune.models._parameters import Parameters
from groundtune.models._replies import Gathered, NotACompletion, gathered, piece_of
from groundtune.models._tool_calls import put_together
from groundtune.models._tool_turns import ToolForm, written_out
from groundtune.models.selecting import select_by_choice
from groundtune.settings import ModelSettings
from groundtune.values import ActionSchema, Choice, Completion, Conversation, Message, Selection

PREFIX = "openai:"
PATH = "/chat/completions"
TOP_LOGPROBS = 20  # the most that the API gives
_TURNS = ToolForm(as_text=True, none=True)  # as the API takes calls in earlier turns
_GUIDANCE = Guidance(
    address="Check the model name, and that the base URL belongs to an OpenAI-compatible API (most end in /v1).",
    late="Raise `model.timeout`, or check the server load.",
    busy="Lower `model.concurrency`.",
    too_long="Lower `knowledge.passages`, `knowledge.chunk_size` or `model.max_tokens`.",
)
Readable = TypeVar("Readable")


def groundtune_model(settings: ModelSettings, folder: Path) -> OpenAICompatible | None:
    """Return the model for `openai:MODEL@BASE_URL`, None for other names. Raises `SettingsError`."""
    if not settings.name.startswith(PREFIX):
        return None
    return OpenAICompatible(settings)


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
        self._parameters = Parameters(f"{self._model} at {self._base_url}")
        self._shows_tools: bool | None = None  # to the model: not known yet

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
        reply, ended = Gathered(), False
        with closing(self._parameters.patiently(body, self._endpoint.events)) as events:
            for event in events:
                if event == DONE:
                    ended = True
                    break
                piece = self._read(event.encode(), lambda data: piece_of(loaded(decoded(data))))
                said = reply.add(piece)
                self._check(reply)
                ended = ended or piece.whole
                if said:
                    yield said
        if not (ended or reply.finish):
            raise self._endpoint.failure("ended the stream before the answer was complete.", "Try again.")
        last = reply.parting.end()
        if last:
            yield last
        return reply.completion(self._parameters.adjusted(body))

    @property
    def parallel(self) -> int:
        """As many as the settings allow."""
        return self._settings.concurrency

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Return how probable each option is; see `weigh`.

        Raises `ModelFailed` if less than half of the probability stands on the options.
        """
        return certain(self.weigh(messages, options), asked(messages, options)[1], self._endpoint.failure)

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
        return choice_of(reply.steps, reply.text, labels, reply.usage)

    def select(self, conversations: Sequence[Conversation], actions: Sequence[ActionSchema]) -> list[Selection]:
        """Return a selection for each conversation: by a tool call where the endpoint takes tools, else by JSON that it
        holds to a schema, else by `choose` and JSON as text.

        Raises `ModelFailed` at the first conversation that fails, and then sends no more.
        """
        offer = Offer.of(actions)
        return all_at_once(lambda each: self._select(each, offer), conversations, self._settings.concurrency)

    def _select(self, conversation: Conversation, offer: Offer) -> Selection:
        if not offer.by_name:
            return Selection(None)
        return (
            self._parameters.unless_refused("tools", lambda: self._by_tool_call(conversation, offer))
            or self._parameters.unless_refused("response_format", lambda: self._by_schema(conversation, offer))
            or select_by_choice(self, conversation, offer)
        )

    def _by_tool_call(self, conversation: Conversation, offer: Offer) -> Selection | None:
        """Return what is selected; None where the model was shown no tools."""
        body = {**self._body(conversation, self._call_tokens), "tools": offer.tools, "tool_choice": "auto"}
        reply = self._reply({**body, "strict": True}, "tools")
        if reply.calls:
            self._shows_tools = True
        elif self._shows_tools is None and reply.usage.prompt_tokens:
            self._shows_tools = self._reads_more(conversation, reply.usage.prompt_tokens)
        if self._shows_tools is False:
            return None
        return offer.selection(put_together(reply.calls), reply.completion())

    def _reads_more(self, conversation: Conversation, tokens: int) -> bool:
        """Tell whether a prompt with tools, of so many tokens, is another one than without: many servers take tools for
        a model whose chat template has no place for them, and drop them without a word."""
        without = self._reply(self._body(conversation, LABEL_TOKENS)).usage.prompt_tokens
        if without == tokens:
            self._parameters.ignored("tools", f"the prompt has {tokens} tokens with them and without")
        return without != tokens

    def _by_schema(self, conversation: Conversation, offer: Offer) -> Selection:
        messages = (Message("system", offer.instructions), *conversation)
        body = {**self._body(messages, self._call_tokens), "response_format": offer.response_format}
        return offer.selection_in(self._reply({**body, "strict": True}, "response_format").completion())

    @property
    def _call_tokens(self) -> int:
        return max(CALL_TOKENS, self._settings.max_tokens)

    def _complete(self, conversation: Conversation, max_tokens: int | None) -> Completion:
        body = self._body(conversation, max_tokens)
        return self._reply(body).completion(self._parameters.adjusted(body))

    def _body(self, messages: Conversation, max_tokens: int | None) -> dict[str, object]:
        if not self._parameters.takes("tools"):  # then calls in earlier turns may be dropped as well
            messages = written_out(messages, ())
        return {
            "model": self._model,
            "messages": _TURNS.turns(messages),
            "temperature": 0,
            "max_tokens": self._settings.max_tokens if max_tokens is None else max_tokens,
        }

    def _reply(self, body: dict[str, object], needed: str = "") -> Gathered:
        sent = self._parameters.patiently(body, lambda taken: self._endpoint.post(strictly(taken)), needed)
        reply = self._read(sent, gathered)
        self._check(reply)
        if not reply.chosen:
            raise self._endpoint.failure("answered without any choices.", "Check the server's log.")
        return reply

    def _read(self, data: bytes, read: Callable[[bytes], Readable]) -> Readable:
        try:
            return read(data)
        except (NotACompletion, ValueError) as error:
            excerpt = decoded(data)[:200]
            raise self._endpoint.failure(f"sent a reply that is not a chat completion ({error}): {excerpt!r}") from None

    def _check(self, reply: Gathered) -> None:
        if reply.broken:
            raise self._endpoint.failure(f"answered with an error: {reply.broken}", "Check the server's log.")
