"""What of a back-end is no action: operations, tools, and parts of them, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass


class NotExpressible(Exception):
    """Why an operation cannot be an action."""


@dataclass(frozen=True, slots=True)
class NotOffered:
    """An operation, a tool or a part of one that is no action, and why."""

    name: str
    reason: str
