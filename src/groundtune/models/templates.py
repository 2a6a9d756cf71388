"""Conversations as token ids: the one place where training and serving render them, so that both agree.

Works on any Hugging Face tokenizer with a chat template; knows nothing of models or of training loops. Tools and their
calls go through the template where it shows them, else they are written out (`_tool_turns.py`). Models behind Amazon's
Converse API are the exception: the service renders them, and `converse` says what it is given.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from groundtune.errors import ModelFailed, TuningError
from groundtune.models._tool_turns import Render, ToolForm, left_out, tool_form, uses_tools, written_out
from groundtune.values import Conversation, Message


class Tokenizer(Protocol):
    """The part of a Hugging Face fast tokenizer that is used here."""

    eos_token_id: int | None

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...  # noqa: ANN401, D102

    def __call__(self, text: str, **options: Any) -> Any: ...  # noqa: ANN401, D102


@dataclass(frozen=True, slots=True)
class Rendered:
    """A training conversation: `labels` equals `input_ids` on the assistant's trained turns and -100 elsewhere."""

    input_ids: list[int]
    labels: list[int]


def prompt_ids(tokenizer: Tokenizer, messages: Conversation, tools: Sequence[str] = ()) -> list[int]:
    """Return the ids up to the point where the assistant's next turn begins."""
    return _ids(tokenizer, prompt_text(tokenizer, messages, tools))


def prompt_text(tokenizer: Tokenizer, messages: Conversation, tools: Sequence[str] = ()) -> str:
    """Return the text up to the point where the assistant's next turn begins.

    `tools` are those that may be called, each as JSON text in OpenAI's form.
    """
    return _text(tokenizer, messages, tools, generate=True)


def conversation_ids(tokenizer: Tokenizer, messages: Conversation) -> list[int]:
    """Return the ids of a whole conversation without tools. Raises `ModelFailed` where the template takes no form."""
    return _ids(tokenizer, _text(tokenizer, messages, (), generate=False))


def converse(messages: Conversation, tools: Sequence[str] = ()) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Return (system, turns) as Amazon's Converse API takes them, in requests and in training data.

    System messages go apart, turns of one role in a row go together. Tools and their calls are written out: the API
    takes its own form only where tools are declared, and its tuning takes none.
    """
    turns: list[dict[str, Any]] = []
    messages = written_out(messages, tools)
    for message in messages:
        if message.role == "system":
            continue
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"].append(_block(message))
        else:
            turns.append({"role": message.role, "content": [_block(message)]})
    return [_block(message) for message in messages if message.role == "system"], turns


def turn_ends(tokenizer: Tokenizer, model: Any) -> frozenset[int]:  # noqa: ANN401 -- transformers is untyped here
    """Return the tokens that end a turn: the tokenizer's, and those that only the model's generation settings name."""
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    several = configured if isinstance(configured, list | tuple) else [configured]
    return frozenset(token for token in (*several, tokenizer.eos_token_id) if token is not None)


def closing_id(tokenizer: Tokenizer, ends: Collection[int]) -> int | None:
    """Return which of `ends` the chat template closes an assistant's turn with; if with none, the tokenizer's own."""
    text = _text(tokenizer, (Message("user", "a"), Message("assistant", "b")), (), generate=False)
    closing = [token for token in _ids(tokenizer, text) if token in ends]
    return closing[-1] if closing else tokenizer.eos_token_id


def training_ids(
    tokenizer: Tokenizer, messages: Conversation, ends: Collection[int] | None = None, tools: Sequence[str] = ()
) -> Rendered:
    """Render a whole conversation with loss on the assistant's trained turns only, end-of-turn token included.

    What stands before an assistant's turn is, token for token, the prompt that serving gives. Raises
    `TuningError` where that cannot be: no trained turn, a template that rewrites earlier turns, leaves out a call or
    does not close the assistant's turn with one of the tokens in `ends` (the tokenizer's end-of-sequence token, if
    None).
    """
    try:
        return _training_ids(tokenizer, messages, {tokenizer.eos_token_id} if ends is None else ends, tools)
    except ModelFailed as error:
        raise TuningError(error.message, remedy=error.remedy) from None


def _training_ids(
    tokenizer: Tokenizer, messages: Conversation, ends: Collection[int | None], tools: Sequence[str]
) -> Rendered:
    text = _text(tokenizer, messages, tools, generate=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = [_assistant_span(tokenizer, messages, tools, turn, text) for turn in _trained_turns(messages)]
    _refuse_left_out(messages, text)
    ids: list[int] = list(encoded["input_ids"])
    labels = [
        token if any(start <= left and right <= end for start, end in spans) else -100
        for token, (left, right) in zip(ids, encoded["offset_mapping"], strict=True)
    ]
    rendered = Rendered(ids, labels)
    _check(tokenizer, messages, tools, rendered, ends)
    return rendered


def _trained_turns(messages: Conversation) -> list[int]:
    turns = [index for index, message in enumerate(messages) if message.role == "assistant"]
    if not turns:
        raise TuningError(
            "a conversation has no assistant turn, so the model cannot learn from it.",
            remedy="Add the ideal answer, or remove it.",
        )
    trained = [turn for turn in turns if messages[turn].trained]
    if not trained:
        raise TuningError(
            "no assistant turn of a conversation is trained, so the model cannot learn from it.",
            remedy="Give one of them the weight 1, or remove the conversation.",
        )
    return trained


def _assistant_span(
    tokenizer: Tokenizer, messages: Conversation, tools: Sequence[str], turn: int, text: str
) -> tuple[int, int]:
    """Return (start, end) in `text` of what the model has to produce for this turn."""
    before = _text(tokenizer, messages[:turn], tools, generate=True)
    until = _text(tokenizer, messages[: turn + 1], tools, generate=False)
    if not (text.startswith(until) and until.startswith(before)):
        raise TuningError(
            "the chat template changes earlier turns when later ones are added, so the loss on single turns "
            "is undefined.",
            remedy="Use conversations with one assistant turn, or a template that only appends.",
        )
    return len(before), len(before) + len(until[len(before) :].rstrip())


def _check(
    tokenizer: Tokenizer,
    messages: Conversation,
    tools: Sequence[str],
    rendered: Rendered,
    ends: Collection[int | None],
) -> None:
    learned = [label for label in rendered.labels if label != -100]
    if not learned:
        raise TuningError("all labels of a conversation are masked.", remedy="Check the chat template.")
    if messages[-1].role == "assistant" and messages[-1].trained and learned[-1] not in ends:
        raise TuningError(
            "the chat template does not end the assistant's turn with an end-of-sequence token of tokenizer or "
            "generation_config.json, so the tuned model would never stop.",
            remedy="Use the tokenizer of an instruction-tuned model.",
        )
    for turn in _trained_turns(messages):
        prompt = prompt_ids(tokenizer, messages[:turn], tools)
        if rendered.input_ids[: len(prompt)] != prompt:
            raise TuningError(
                "the prompt is tokenized differently in training and in serving.",
                remedy="Remove the white space around the messages.",
            )


def _text(tokenizer: Tokenizer, messages: Sequence[Message], tools: Sequence[str], *, generate: bool) -> str:
    """Return what the chat template makes of the messages, in the first form that it takes.

    Some templates refuse a system message (Gemma, Mistral 0.1) or leave it out without a word, and some refuse two
    turns of one speaker in a row. Raises `ModelFailed` where it takes no form, or leaves out a call.
    """
    render = partial(_applied, tokenizer, generate=generate)
    if not uses_tools(messages, tools):
        return _rendered(render, messages, (), None)
    form = tool_form(partial(_applied, tokenizer, generate=False), listed=bool(tools))
    if form is None:
        return _rendered(render, written_out(messages, tools), (), None)
    text = _rendered(render, messages, tools, form)
    _refuse_left_out(messages, text)
    return text


def _refuse_left_out(messages: Sequence[Message], text: str) -> None:
    missing = left_out(messages, text)
    if missing:
        raise ModelFailed(
            f"the model's chat template leaves out {missing}.", remedy="Use a model whose chat template shows it."
        )


def _applied(tokenizer: Tokenizer, turns: Any, tools: Any, *, generate: bool) -> str:  # noqa: ANN401
    options = {"tools": tools} if tools else {}
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=generate, **options))


def _rendered(render: Render, messages: Sequence[Message], tools: Sequence[str], tool_form: ToolForm | None) -> str:
    refusal, rendered = "", ""
    system = messages[0].content.strip() if messages and messages[0].role == "system" else ""
    offered = [json.loads(tool) for tool in tools]
    for form in (tuple(messages), _folded(messages), _joined(_folded(messages))):
        turns = tool_form.turns(form) if tool_form else [{"role": each.role, "content": each.content} for each in form]
        try:
            text = render(turns, offered)
        except Exception as error:
            refusal = refusal or " ".join(str(error).split())
            continue
        if system in text:
            return text
        rendered = rendered or text  # it writes the system message in a way of its own
    if rendered:
        return rendered
    raise ModelFailed(
        f"the model's chat template cannot render a conversation of {', '.join(each.role for each in messages)}: "
        f"{refusal}.",
        remedy="Use conversations in which user and assistant alternate, or a model with another template.",
    )


def _folded(messages: Sequence[Message]) -> Conversation:
    """Return the messages with a system message at the head of the first user turn."""
    if len(messages) < 2 or (messages[0].role, messages[1].role) != ("system", "user"):
        return tuple(messages)
    first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
    return (first, *messages[2:])


def _joined(messages: Sequence[Message]) -> Conversation:
    """Return the messages with turns of one speaker in a row as one turn."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role and not uses_tools((joined[-1], message), ()):
            joined[-1] = Message(message.role, f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(message)
    return tuple(joined)


def _ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _block(message: Message) -> dict[str, str]:
    return {"text": message.content or " "}  # the API refuses an empty text
