"""Replies in the form of Amazon Bedrock's Converse API, for `testing.endpoint.LocalEndpoint`.

Knows the two wire forms: JSON, and the binary event stream of AWS
(https://smithy.io/2.0/aws/amazon-eventstream.html). Checks no signature.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from groundtune.acting import SelectingModel
from groundtune.protocols import ChatModel
from groundtune.testing.endpoint import Request, Response
from groundtune.values import ActionSchema, Completion, Conversation, Message, Usage

STOP = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered", "other": "tool_use"}


def conversing_by(model: ChatModel) -> Callable[[Request], Response]:
    """Return a `respond` that answers with `model`, whole or streamed as the request's path says."""

    def respond(request: Request) -> Response:
        body: Any = request.body
        system = [Message("system", block["text"]) for block in body.get("system", [])]
        turns = [
            Message(turn["role"], "\n\n".join(block["text"] for block in turn["content"])) for turn in body["messages"]
        ]
        if "toolConfig" in body and isinstance(model, SelectingModel):
            return _selected(model, (*system, *turns), [tool["toolSpec"] for tool in body["toolConfig"]["tools"]])
        (completion,) = model.complete([(*system, *turns)], body["inferenceConfig"]["maxTokens"])
        if request.path.endswith("/converse-stream"):
            return streamed([completion.text[:3], completion.text[3:]], completion)
        return said(completion)

    return respond


def said(completion: Completion) -> Response:
    """Return `completion` as a reply of Converse."""
    message = {"role": "assistant", "content": [{"text": completion.text}]}
    reply = {"output": {"message": message}, "stopReason": STOP[completion.finish_reason], "usage": _usage(completion)}
    return Response([json.dumps(reply).encode()], headers={"Content-Type": "application/json"})


def called(*calls: tuple[str, object], usage: Usage | None = None, stop: str = "tool_use") -> Response:
    """Return calls of tools, each a name and its arguments, as a reply of Converse."""
    blocks = [
        {"toolUse": {"toolUseId": f"call{place:05d}", "name": name, "input": arguments}}
        for place, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": blocks}
    reply = {"output": {"message": message}, "stopReason": stop, "usage": _usage(Completion("", usage or Usage(9, 5)))}
    return Response([json.dumps(reply).encode()], headers={"Content-Type": "application/json"})


def _selected(model: SelectingModel, conversation: Conversation, offered: Sequence[Any]) -> Response:
    actions = [ActionSchema(each["name"], each["description"], each["inputSchema"]["json"]) for each in offered]
    (selection,) = model.select([conversation], actions)
    if selection.call is None:
        return said(Completion(selection.reply, selection.usage))
    return called((selection.call.action, dict(selection.call.arguments)), usage=selection.usage)


def streamed(pieces: Sequence[str], completion: Completion) -> Response:
    """Return `pieces` as the events of ConverseStream, with the reason for the end and the usage."""
    events: list[tuple[str, dict[str, object]]] = [("messageStart", {"role": "assistant"})]
    events += [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": piece}}) for piece in pieces if piece]
    events += [("contentBlockStop", {"contentBlockIndex": 0})]
    events += [("messageStop", {"stopReason": STOP[completion.finish_reason]})]
    events += [("metadata", {"usage": _usage(completion), "metrics": {"latencyMs": 1}})]
    return stream_of([event(kind, payload) for kind, payload in events])


def stream_of(frames: Sequence[bytes]) -> Response:
    """Return frames as one streamed response."""
    return Response(frames, headers={"Content-Type": "application/vnd.amazon.eventstream"})


def refused(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error in the form of the API."""
    body = json.dumps({"message": message}).encode()
    return Response([body], status, {"x-amzn-ErrorType": code, "Content-Type": "application/json", **(headers or {})})


def event(kind: str, payload: dict[str, object], message_type: str = "event") -> bytes:
    """Return one frame of an event stream."""
    name = ":event-type" if message_type == "event" else ":exception-type"
    headers = (
        _header(name, kind) + _header(":content-type", "application/json") + _header(":message-type", message_type)
    )
    body = json.dumps(payload).encode()
    prelude = (16 + len(headers) + len(body)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    frame = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + body
    return frame + zlib.crc32(frame).to_bytes(4, "big")


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + len(text).to_bytes(2, "big") + text


def _usage(completion: Completion) -> dict[str, int]:
    into, out = completion.usage.prompt_tokens, completion.usage.completion_tokens
    return {"inputTokens": into, "outputTokens": out, "totalTokens": into + out}
