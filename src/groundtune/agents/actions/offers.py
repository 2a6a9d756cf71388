"""What of a back-end is no action: operations, tools, and parts of them, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class NotExpressible(Exception):
    """Why an operation cannot be an action."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of an MCP server as the server describes it, and the digest of all that: what somebody approves."""

    name: str
    description: str
    parameters: Mapping[str, object]
    digest: str


@dataclass(frozen=True, slots=True)
class NotOffered:
    """An operation, a tool or a part of one that is no action, and why. `missed` tells whether the settings count on
    it; `tool` is one that somebody may approve."""

    name: str
    reason: str
    missed: bool = False
    tool: OfferedTool | None = None
