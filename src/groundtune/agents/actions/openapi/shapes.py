"""What an operation is: a flat schema, and where each argument goes in a request. Values; reads and sends nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from groundtune.values import ActionSchema, Reach

NOT_A_NAME, LONGEST_NAME = re.compile(r"[^A-Za-z0-9_-]+"), 64
"""What names of actions and arguments are not made of, and how long they may be: endpoints of models take no others."""
FORM = "application/x-www-form-urlencoded"
PlacedIn = Literal["path", "query", "header", "body"]
Style = Literal["plain", "repeated", "commas", "spaces", "pipes", "deep", "json"]


@dataclass(frozen=True, slots=True)
class OperationParameter:
    """A property of the flat schema, and where its value goes: under which name, and written how."""

    key: str
    name: str
    where: PlacedIn
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class OperationCredential:
    """Where the token of the settings goes: nowhere if `placed` is empty."""

    placed: Literal["bearer", "basic", "header", "query", ""] = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class OperationBody:
    """A body of JSON or a form: with `flat`, made of the properties that go there, else the one property as it is."""

    media_type: str
    flat: bool
    needed: bool

    @property
    def form(self) -> bool:
        """Whether it is a form: names and values, as in a query."""
        return self.media_type.partition(";")[0].strip().lower() == FORM


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be called, and how."""

    schema: ActionSchema
    method: str
    path: str
    parameters: tuple[OperationParameter, ...]
    body: OperationBody | None = None
    credential: OperationCredential = OperationCredential()

    @property
    def reach(self) -> Reach:
        """GET and HEAD read; everything else may write."""
        return "read" if self.method in ("GET", "HEAD") else "write"
