"""Actions from tools of MCP servers, over stdio and streamable HTTP, with the official client.

What a server says of itself is not trusted: a tool is a "write" and its words are a stranger's, unless settings say
otherwise. A tool is offered only under the digest under which somebody approved it, and called only as long as it has
that digest. The server gets no token but its own, and none of its questions to a model or a person is answered.

MCP has no keys and no look-up (specification 2026-07-28, "Tools"): what is unknown stays unknown.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundtune.agents.actions.offers import NotOffered, OfferedTool
from groundtune.calls import NotACall, NotASchema, call_of, check_schema, json_fault, shortened
from groundtune.extras import not_installed
from groundtune.http.addresses import parsed
from groundtune.http.backend import NoReply, NotSent
from groundtune.values import ActionOutcome, ActionResult, ActionSchema, Actor, Reach, digest

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from mcp import Client, Tool
    from mcp.types import CallToolResult

_MOST_PAGES = 50  # of the list of tools
_NOTHING_DONE = (-32601, -32602)  # no such method, invalid parameters: JSON-RPC 2.0 §5.1


@dataclass(frozen=True, slots=True)
class McpTarget:
    """A program that is started (with `variables` of the environment), or a `url` that is asked with a `token`."""

    command: Sequence[str] = ()
    folder: str = "."
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    token: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Where it is, for messages and signatures."""
        return self.url or " ".join(self.command)


@dataclass(frozen=True, slots=True, eq=False)
class McpSession:
    """A client in an event loop of its own thread; closing `stack` ends both."""

    stack: ExitStack
    portal: BlockingPortal
    client: Client


class McpServer:
    """A session with a server: begun when it is first needed, and anew after it broke. Safe across threads."""

    def __init__(self, target: McpTarget, seconds: float, start_seconds: float) -> None:
        if target.url:
            parsed(target.url)
        self.target = target
        self._seconds, self._start = seconds, start_seconds
        self._lock = threading.Lock()
        self._open: McpSession | None = None

    def tools(self) -> list[Tool]:
        """Return the tools that it has now. Raises `NotSent` if it cannot be asked."""
        ends = time.monotonic() + self._start
        session = self._session()
        try:
            tools: list[Tool] = session.portal.call(self._tools, session.client, ends - time.monotonic())
        except Exception as error:
            self._end(session)
            why = _why(error, self._start, " (`start_seconds`)")
            raise NotSent(f"{self.target.place} does not list its tools: {why}") from None
        return tools

    def check(self, name: str, pinned: str) -> None:
        """Raise `NotSent` unless a tool is still the one that was pinned."""
        _check_pinned(self.tools(), name, pinned)

    def call(self, name: str, pinned: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool once, if it is still the one that was pinned. Raises `NotSent` and `NoReply`."""
        from mcp import MCPError

        session = self._session()
        begun = threading.Event()
        try:
            result: CallToolResult = session.portal.call(self._call, session.client, name, pinned, arguments, begun)
        except NotSent:
            raise
        except Exception as error:
            if isinstance(error, MCPError) and error.code in _NOTHING_DONE:
                raise NotSent(_said(error)) from None
            if not (begun.is_set() and isinstance(error, TimeoutError)):  # one slow tool breaks no session
                self._end(session)
            raise (NoReply if begun.is_set() else NotSent)(_why(error, self._seconds)) from None
        return result

    def close(self) -> None:
        """End the session, and the program if it was started."""
        if self._open is not None:
            self._end(self._open)

    def _end(self, session: McpSession) -> None:
        """End a session, which may have broken; one that another thread began meanwhile goes on."""
        with self._lock:
            if self._open is session:
                self._open = None
        with suppress(Exception):
            session.stack.close()

    def _session(self) -> McpSession:
        try:
            import mcp  # noqa: F401 -- tells what to install
            from anyio.from_thread import start_blocking_portal
        except ImportError as error:
            raise not_installed("agents", "an MCP server", error) from None

        with self._lock:
            if self._open is None:
                with ExitStack() as stack:
                    try:
                        portal = stack.enter_context(start_blocking_portal())
                        client = stack.enter_context(portal.wrap_async_context_manager(self._begun()))
                    except Exception as error:
                        why = _why(error, self._start, " (`start_seconds`)")
                        raise NotSent(f"{self.target.place} cannot be reached: {why}") from None
                    self._open = McpSession(stack.pop_all(), portal, client)
            return self._open

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[Client]:
        """Give a client with which the server has spoken. Raises `TimeoutError` if it says nothing: the client's own
        limits, of which there are several, add up."""
        import anyio
        from mcp import Client

        with anyio.CancelScope(deadline=anyio.current_time() + self._start) as start:
            async with Client(self._transport(), read_timeout_seconds=self._seconds, cache=None) as client:
                start.deadline = math.inf
                yield client
        if start.cancelled_caught:
            raise TimeoutError

    @asynccontextmanager
    async def _transport(self) -> AsyncIterator[Any]:
        import httpx2
        from mcp import StdioServerParameters, stdio_client
        from mcp.client.streamable_http import streamable_http_client

        if self.target.url:
            headers = {"Authorization": f"Bearer {self.target.token}"} if self.target.token else {}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=self._seconds, trust_env=False) as client,
                streamable_http_client(self.target.url, http_client=client) as streams,
            ):
                yield streams
            return
        program, *rest = self.target.command
        variables = dict(self.target.variables)
        started = StdioServerParameters(command=program, args=rest, env=variables, cwd=self.target.folder)
        with Path(os.devnull).open("w", encoding="utf-8") as silent:
            async with stdio_client(started, silent) as streams:
                yield streams

    async def _tools(self, client: Client, seconds: float) -> list[Tool]:
        import anyio

        tools: list[Tool] = []
        cursor: str | None = None
        with anyio.fail_after(seconds):
            for _ in range(_MOST_PAGES):
                page = await client.list_tools(cursor=cursor)
                tools += page.tools
                cursor = page.next_cursor
                if cursor is None:
                    return tools
        raise NotSent(f"its list of tools has more than {_MOST_PAGES} pages")

    async def _call(
        self, client: Client, name: str, pinned: str, arguments: dict[str, Any], begun: threading.Event
    ) -> CallToolResult:
        import anyio

        _check_pinned(await self._tools(client, self._seconds), name, pinned)
        with anyio.fail_after(self._seconds):
            begun.set()
            # the session's own `call_tool` sends once; the client's sends again after some errors
            return await client.session.call_tool(name, arguments, read_timeout_seconds=2 * self._seconds)


@dataclass(frozen=True, slots=True)
class McpAction:
    """A tool as an action; `testing.actions` has its contract.

    `pinned` is the digest under which it was approved. A tool that reports an error may have done something, unless
    `errors_change_nothing`.
    """

    server: McpServer
    tool: str
    pinned: str
    schema: ActionSchema
    reach: Reach = "write"
    trusted: bool = False
    errors_change_nothing: bool = False
    kilobytes: float = 200

    @property
    def signature(self) -> str:
        """A hash of name, schema, server and tool."""
        schema = self.schema
        place = f"{self.server.target.place} {self.tool} {self.pinned}"
        return digest(schema.name, schema.description, json.dumps(schema.parameters, sort_keys=True), place)

    def fault(self, arguments: Mapping[str, object], actor: Actor, key: str) -> str:
        """Return why arguments are refused before anything is sent; see `Action.fault`."""
        try:
            call_of(self.schema, arguments)
            self.server.check(self.tool, self.pinned)
        except (NotACall, NotSent) as error:
            return shortened(error)
        return ""

    def perform(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Call the tool once; see `Action.perform`. The server gets neither the actor nor the key."""
        lost: ActionOutcome = "refused" if self.reach == "read" else "unknown"
        try:
            given = dict(call_of(self.schema, arguments).arguments)
            result = self.server.call(self.tool, self.pinned, given)
        except (NotACall, NotSent) as error:
            return ActionResult("refused", reason=shortened(error))
        except NoReply as error:
            return ActionResult(lost, reason=shortened(error))
        value, left_out = _value(result, self.kilobytes)
        if result.is_error:
            said = value if isinstance(value, str) and value else "the tool reports an error"
            return ActionResult("refused" if self.errors_change_nothing else lost, reason=shortened(said))
        return ActionResult("done", value, reason=left_out)

    def look_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Return that nobody knows; see `Action.look_up`."""
        return ActionResult("unknown", reason="an MCP server has no way to look up what became of a call")

    def give_up(self, arguments: Mapping[str, object], actor: Actor, key: str) -> ActionResult:
        """Return that nobody can tell; see `Action.give_up`."""
        return ActionResult("unknown", reason="an MCP server has no way to give up a call")

    def undo(self, arguments: Mapping[str, object], actor: Actor, reference: str, key: str) -> ActionResult:
        """Return that it cannot be undone; see `Action.undo`."""
        return ActionResult("refused", reason="an MCP server has no way to undo a call")


def tool_digest(tool: Tool) -> str:
    """Return a hash of what a model is told of a tool: name, description and schema."""
    return digest(tool.name, tool.description or "", json.dumps(tool.input_schema, sort_keys=True))


def _check_pinned(tools: Sequence[Tool], name: str, pinned: str) -> None:
    if pinned not in [tool_digest(tool) for tool in tools if tool.name == name]:
        raise NotSent(f"{name} is not the tool any more that was approved")


def offered(
    server: McpServer, approved: Mapping[str, str], kilobytes: float = 200
) -> tuple[list[McpAction], list[NotOffered]]:
    """Return the tools of a server that are approved, by name and digest, and why others are none.

    A server that cannot be asked offers nothing, with the reason.
    """
    try:
        tools = {tool.name: tool for tool in server.tools()}
    except NotSent as error:
        return [], [NotOffered(server.target.place, str(error), missed=True)]
    refused = [NotOffered(name, "the server has no such tool", missed=True) for name in approved if name not in tools]
    actions = []
    for name, tool in tools.items():
        pinned = tool_digest(tool)
        try:
            schema = _schema(tool)
            check_schema(schema.parameters)
        except NotASchema as error:
            refused.append(NotOffered(name, str(error), missed=name in approved))
            continue
        if approved.get(name) == pinned:
            actions.append(McpAction(server, name, pinned, schema, kilobytes=kilobytes))
            continue
        why = "it changed after it was approved" if name in approved else "nobody has approved it"
        shown = OfferedTool(name, tool.description or "", tool.input_schema, pinned)
        refused.append(NotOffered(name, why, name in approved, shown))
    return actions, refused


def _schema(tool: Tool) -> ActionSchema:
    parameters = {"properties": {}, **tool.input_schema}
    if parameters.get("type") != "object":
        raise NotASchema("its arguments are no object")
    if not parameters.keys() & {"additionalProperties", "allOf", "anyOf", "oneOf", "patternProperties", "$ref"}:
        parameters["additionalProperties"] = False
    return ActionSchema(tool.name, tool.description or "", parameters)


def _value(result: CallToolResult, kilobytes: float) -> tuple[object, str]:
    """Return what a tool returned, and what of it is left out."""
    texts: list[str] = []
    others: Counter[str] = Counter()
    for block in result.content:
        text = getattr(block, "text", None) or getattr(getattr(block, "resource", None), "text", None)
        if isinstance(text, str):
            texts.append(text)
        else:
            others[block.type] += 1
    value: object = "\n".join(texts) if result.structured_content is None else result.structured_content
    left_out = ", ".join(f"{count} × {kind}" for kind, count in others.items())
    if fault := json_fault(value):
        return None, f"what it returned was left out: {fault}"
    size = len(json.dumps(value, ensure_ascii=False).encode("utf-8"))
    if size > kilobytes * 1000:
        return None, f"what it returned was left out: {size / 1000:.0f} kB, of which {kilobytes:g} are read"
    return value, f"left out: {left_out}" if left_out else ""


def _why(error: Exception, seconds: float, setting: str = "") -> str:
    late = isinstance(error, TimeoutError)
    return f"it did not reply within {seconds:g} seconds{setting}" if late else _said(error)


def _said(error: BaseException) -> str:
    """Return what an error says, of a group its first one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return shortened(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
