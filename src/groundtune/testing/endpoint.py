"""A real HTTP server on this machine that answers as a test tells it to: for what talks to endpoints.

Knows HTTP and the form of OpenAI's chat completions; listens on 127.0.0.1 only.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from groundtune.acting import SelectingModel
from groundtune.protocols import ChatModel
from groundtune.values import ActionSchema, Completion, Conversation, Message

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Response:
    """What the server sends: after `delay` seconds, the status, then the pieces of the body one by one."""

    pieces: Sequence[bytes]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    delay_between: float = 0.0


@dataclass(frozen=True, slots=True)
class Request:
    """What the server was asked."""

    path: str
    headers: Mapping[str, str]
    body: Body


class LocalEndpoint:
    """A server as a context manager: `respond` makes the response to each request; `requests` keeps them."""

    def __init__(self, respond: Callable[[Request], Response]) -> None:
        self.requests: list[Request] = []
        self._respond = respond
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The base URL, ending in /v1."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                request = Request(self.path, dict(self.headers), body)
                endpoint.requests.append(request)
                endpoint._send(self, endpoint._respond(request))

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        return Handler

    def _send(self, handler: BaseHTTPRequestHandler, response: Response) -> None:
        self._closing.wait(response.delay)
        try:
            handler.send_response(response.status)
            for name, value in response.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            for piece in response.pieces:
                handler.wfile.write(piece)
                handler.wfile.flush()
                self._closing.wait(response.delay_between)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has given up, as some tests want


def in_turn(*responses: Response) -> Callable[[Request], Response]:
    """Return a `respond` that gives these responses one after the other, and the last one from then on."""
    lock = threading.Lock()
    left = list(responses)

    def respond(_: Request) -> Response:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return respond


def said(completion: Completion) -> Response:
    """Return `completion` as a chat completion of the OpenAI API."""
    choice = {"index": 0, "finish_reason": completion.finish_reason}
    message = {"role": "assistant", "content": completion.text}
    return _json({"choices": [{**choice, "message": message}], "usage": _usage(completion)})


def called(*calls: tuple[str, object], finish: str = "tool_calls", text: str | None = None) -> Response:
    """Return calls of tools, each a name and the text of its arguments, as a chat completion of the OpenAI API."""
    made = [
        {"id": f"call{place:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text, "tool_calls": made}
    choice = {"index": 0, "finish_reason": finish, "message": message}
    return _json({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 5}})


def streamed(pieces: Sequence[str], completion: Completion) -> Response:
    """Return `pieces` as server-sent events, with a finish reason, a chunk of usage and the end mark."""
    deltas: list[dict[str, object]] = [{"choices": [{"delta": {"content": piece}}], "usage": None} for piece in pieces]
    last: dict[str, object] = {"choices": [{"delta": {}, "finish_reason": completion.finish_reason}], "usage": None}
    chunks = [*deltas, last, {"choices": [], "usage": _usage(completion)}]
    return Response([*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"])


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error in the form of the OpenAI API."""
    return Response([json.dumps({"error": {"message": message}}).encode()], status, headers or {})


def served_by(model: ChatModel) -> Callable[[Request], Response]:
    """Return a `respond` that answers with `model`, whole or streamed as the request says.

    Where the request offers tools and the model selects, it may call one.
    """

    def respond(request: Request) -> Response:
        body: Any = request.body
        conversation = tuple(Message(each["role"], each["content"] or "") for each in body["messages"])
        if body.get("tools") and isinstance(model, SelectingModel):
            return _selected(model, conversation, [tool["function"] for tool in body["tools"]])
        (completion,) = model.complete([conversation], body["max_tokens"])
        if body.get("stream"):
            return streamed([completion.text[:3], completion.text[3:]], completion)
        return said(completion)

    return respond


def refusing(keys: Collection[str], respond: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Return a `respond` that takes no request with one of these parameters, and says which."""

    def refuse(request: Request) -> Response:
        refused = next((key for key in keys if key in request.body), "")
        return error(400, f"Unsupported parameter: '{refused}' is not supported.") if refused else respond(request)

    return refuse


def _selected(model: SelectingModel, conversation: Conversation, functions: Sequence[Any]) -> Response:
    actions = [ActionSchema(each["name"], each["description"], each["parameters"]) for each in functions]
    (selection,) = model.select([conversation], actions)
    usage = replace(selection.usage, prompt_tokens=selection.usage.prompt_tokens + len(functions))  # it reads them, too
    if selection.call is None:
        return said(Completion(selection.reply, usage))
    response = called((selection.call.action, json.dumps(dict(selection.call.arguments))))
    reply = json.loads(response.pieces[0]) | {"usage": _usage(Completion("", usage))}
    return _json(reply)


def _usage(completion: Completion) -> dict[str, int]:
    usage = completion.usage
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}


def _json(body: Body) -> Response:
    return Response([json.dumps(body).encode()])
