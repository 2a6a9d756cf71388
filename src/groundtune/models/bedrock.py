"""Chat models on Amazon Bedrock, through the Converse API: Claude, Nova, Llama, Mistral and others.

`bedrock:MODEL_ID@REGION`, as `bedrock:amazon.nova-lite-v1:0@eu-west-1`; an inference profile's id or ARN will do for
MODEL_ID. Credentials come from where every AWS tool takes them: environment, profile, role. Needs the extra `aws`.
Answers are sampled at temperature 0. The API gives no log probabilities, so `choose` takes the option that
the reply names for the choice: 0.99 for it, 0.01 for the others together. A judge here therefore gives whole
levels, not shares of several. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from groundtune.errors import GroundtuneError, ModelFailed
from groundtune.http import Backoff, Passing, RequestRefused, aws
from groundtune.http.outages import all_at_once
from groundtune.models._batches import complete_all
from groundtune.models._offers import CALL_TOKENS, Offer
from groundtune.models._options import LABEL_TOKENS, asked, certain, choice_of
from groundtune.models._parameters import Parameters
from groundtune.models.selecting import select_by_choice
from groundtune.models.templates import converse
from groundtune.reply.reasoning import Parting, joined
from groundtune.settings import ModelSettings
from groundtune.values import ActionSchema, Choice, Completion, Conversation, FinishReason, Selection, Usage

TOOLS = "toolConfig"
_DENIED = "Give the credentials `bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream` for this model."
_ADVICE = {
    "AccessDeniedException": _DENIED,
    "ResourceNotFoundException": "Check the model id and the region, and that the account has access to the model.",
    "ValidationException": "Check the model id; some models need an inference profile (eu.… or us.…) instead.",
}
_FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
}
CallResult = TypeVar("CallResult")


def groundtune_model(settings: ModelSettings, folder: Path) -> Bedrock | None:
    """Return the model for `bedrock:MODEL_ID@REGION`, None for other names. Raises `SettingsError`, `NotInstalled`."""
    if not settings.name.startswith(aws.PREFIX):
        return None
    return Bedrock(settings)


class Bedrock:
    """A `ChatModel`; a batch is sent as up to `settings.concurrency` requests at once.

    `client` is a boto3 client of `bedrock-runtime` made elsewhere. `backoff` says how long to be patient.
    """

    def __init__(self, settings: ModelSettings, backoff: Backoff | None = None, client: Any | None = None) -> None:  # noqa: ANN401
        self._settings = settings
        self._model, self._region = aws.model_and_region(settings.name)
        self._backoff = backoff or Backoff()
        self._client = client or aws.client(
            "bedrock-runtime",
            self._region,
            {**aws.timeouts(settings.timeout), "max_pool_connections": settings.concurrency},
            f"`{settings.name}`",
            self._failure,
        )
        self._parameters = Parameters(settings.name, other_names={})

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._settings.name

    @property
    def signature(self) -> str:
        """Model, region and generation settings."""
        return f"{self._settings.name}|converse|temperature:0|max_tokens:{self._settings.max_tokens}"

    @property
    def parallel(self) -> int:
        """As many as the settings allow."""
        return self._settings.concurrency

    def complete(self, conversations: Sequence[Conversation], max_tokens: int | None = None) -> list[Completion]:
        """Answer a batch, in order. Raises `ModelFailed` at the first conversation that fails."""
        return complete_all(
            lambda conversation: self._complete(conversation, max_tokens), conversations, self._settings.concurrency
        )

    def stream(self, messages: Conversation, max_tokens: int | None = None) -> Generator[str, None, Completion]:
        """Yield the answer in pieces and return the `Completion`. Raises `ModelFailed`, also if it breaks off."""
        inference = self._inference(max_tokens)
        reply = self._asked(messages, inference, lambda asked: self._client.converse_stream(**asked))
        parting, thoughts = Parting(), ""
        finish = ""
        counts: object = {}
        try:
            events = iter(reply["stream"])
            while (event := self._event(events)) is not None:
                text, thought = _said(_inside(event, "contentBlockDelta", "delta"))
                finish = str(_inside(event, "messageStop").get("stopReason") or finish)
                counts = _inside(event, "metadata").get("usage") or counts
                thoughts += thought
                if text and (piece := parting.feed(text)):
                    yield piece
        finally:
            reply["stream"].close()
        if not finish:
            raise self._failure("ended the stream before the answer was complete.", "Try again.")
        if last := parting.end():
            yield last
        return self._completion(parting, thoughts, finish, counts, max_tokens)

    def choose(self, messages: Conversation, options: Sequence[str]) -> dict[str, float]:
        """Return how probable each option is; see `weigh`. Raises `ModelFailed` if the reply names none."""
        return certain(self.weigh(messages, options), asked(messages, options)[1], self._failure)

    def weigh(self, messages: Conversation, options: Sequence[str]) -> Choice:
        """Return which option the model names: digits and letters as they are, others asked for by letter.

        The module says how they weigh. Where the reply names none, no probability stands on any.
        """
        conversation, labels = asked(messages, options)
        if len(options) == 1:
            return Choice({options[0]: 1.0})
        reply = self._complete(conversation, LABEL_TOKENS)
        return choice_of([], reply.text, labels, reply.usage)

    def select(self, conversations: Sequence[Conversation], actions: Sequence[ActionSchema]) -> list[Selection]:
        """Return a selection for each conversation: by a tool call where the model takes tools, else by `choose` and
        JSON as text. Raises `ModelFailed` at the first conversation that fails.
        """
        offer = Offer.of(actions)
        return all_at_once(lambda each: self._select(each, offer), conversations, self._settings.concurrency)

    def _select(self, conversation: Conversation, offer: Offer) -> Selection:
        if not offer.by_name:
            return Selection(None)
        return self._parameters.unless_refused(
            TOOLS, lambda: self._by_tool_call(conversation, offer)
        ) or select_by_choice(self, conversation, offer)

    def _by_tool_call(self, conversation: Conversation, offer: Offer) -> Selection:
        limit = max(CALL_TOKENS, self._settings.max_tokens)
        specified = [{"toolSpec": _specification(name, action)} for name, action in offer.by_name.items()]
        body = {**self._inference(limit), TOOLS: {"tools": specified}}
        reply = self._asked(conversation, body, lambda asked: self._client.converse(**asked), needed=TOOLS)
        uses = [block["toolUse"] for block in self._blocks(reply) if "toolUse" in block]
        return offer.selection([(use.get("name"), use.get("input")) for use in uses], self._whole(reply, limit))

    def _complete(self, conversation: Conversation, max_tokens: int | None) -> Completion:
        inference = self._inference(max_tokens)
        return self._whole(
            self._asked(conversation, inference, lambda asked: self._client.converse(**asked)), max_tokens
        )

    def _blocks(self, reply: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        try:
            return list(reply["output"]["message"]["content"] or [])
        except (KeyError, TypeError):
            raise self._failure("answered without a message.", "Try again.") from None

    def _whole(self, reply: Mapping[str, Any], max_tokens: int | None) -> Completion:
        said = [_said(block) for block in self._blocks(reply)]
        parting = Parting()
        parting.feed("".join(text for text, _ in said))
        parting.end()
        thoughts = "".join(thought for _, thought in said)
        return self._completion(parting, thoughts, str(reply.get("stopReason") or ""), reply.get("usage"), max_tokens)

    def _completion(
        self, parting: Parting, thoughts: str, finish: str, counts: object, max_tokens: int | None
    ) -> Completion:
        return Completion(
            parting.parted.answer,
            _usage(counts),
            _FINISH.get(finish, "other"),
            joined(thoughts, parting.parted.reasoning),
            "" if finish in _FINISH else finish,
            self._parameters.adjusted(self._inference(max_tokens)),
        )

    def _asked(
        self,
        messages: Conversation,
        body: Mapping[str, object],
        call: Callable[[dict[str, Any]], CallResult],
        needed: str = "",
    ) -> CallResult:
        """Call without the parameters that the model refuses, and again where waiting may help."""
        return self._parameters.patiently(
            body, lambda taken: self._patiently(lambda: call(self._request(messages, taken))), needed
        )

    def _inference(self, max_tokens: int | None) -> dict[str, object]:
        return {"temperature": 0.0, "max_tokens": self._settings.max_tokens if max_tokens is None else max_tokens}

    def _request(self, messages: Conversation, body: Mapping[str, object]) -> dict[str, Any]:
        """Return the arguments of the call."""
        system, turns = converse(messages)
        names = {"max_tokens": "maxTokens"}
        asked: dict[str, Any] = {"modelId": self._model, "messages": turns}
        if TOOLS in body:
            asked[TOOLS] = body[TOOLS]
        if inference := {names.get(key, key): value for key, value in body.items() if key != TOOLS}:
            asked["inferenceConfig"] = inference
        return {**asked, "system": system} if system else asked

    def _patiently(self, call: Callable[[], CallResult]) -> CallResult:
        return self._backoff.run(lambda: self._once(call), self._failure, (self._region, self._settings.name))

    def _once(self, call: Callable[[], CallResult]) -> CallResult:
        return aws.once(call, self._failure, self._refused, self._settings.timeout, aws.FORM)

    def _event(self, events: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the next event, None after the last; what has begun is not tried again."""
        try:
            return self._once(lambda: next(events, None))
        except Passing as error:
            raise self._failure(f"stopped in the middle of the answer: {error.message}", error.remedy) from None

    def _refused(self, refusal: aws.Refusal) -> Exception:
        if refusal.passes:
            return Passing(refusal.told, "Lower the concurrency, or request a higher quota.", refusal.wait)
        if refusal.code == "ValidationException":
            refused = RequestRefused(refusal.told, place=self._settings.name, remedy=_ADVICE[refusal.code])
            refused.said = refusal.said
            return refused
        otherwise = "Check the credentials." if refusal.status in (401, 403) else aws.FORM
        return self._failure(refusal.told, _ADVICE.get(refusal.code, otherwise))

    def _failure(self, message: str, remedy: str) -> GroundtuneError:
        return ModelFailed(message, place=self._settings.name, remedy=remedy)


def _inside(event: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """Return what stands in `event` under these keys, nothing where one of them is missing."""
    found: Any = event
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _said(block: Mapping[str, Any]) -> tuple[str, str]:
    """Return the text and the reasoning in a block of content, or in what a stream adds to one."""
    reasoning = _inside(block, "reasoningContent")
    thought = _inside(reasoning, "reasoningText").get("text") or reasoning.get("text") or ""
    return block.get("text") or "", thought


def _specification(name: str, action: ActionSchema) -> dict[str, Any]:
    described = {"description": action.description} if action.description.strip() else {}
    return {"name": name, **described, "inputSchema": {"json": dict(action.parameters)}}


def _usage(counts: object) -> Usage:
    known = counts if isinstance(counts, Mapping) else {}
    return Usage(known.get("inputTokens") or 0, known.get("outputTokens") or 0)
