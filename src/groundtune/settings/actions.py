"""`[actions]`: the back-ends that an agent may act on, and what it may do there. Knows no file and no environment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from groundtune.settings.table import Table
from groundtune.values import Reach


class _Inner(Table):
    """A table in an entry of a list: as its place cannot be named, the key is that is unknown or missing."""

    @model_validator(mode="before")
    @classmethod
    def _all_known(cls, value: Any) -> Any:  # noqa: ANN401 -- what a file says
        given = value.keys() if isinstance(value, dict) else cls.model_fields.keys()
        if unknown := sorted(given - cls.model_fields.keys()):
            raise ValueError(f"unknown key `{unknown[0]}`; known are {', '.join(cls.model_fields)}")
        if lacking := [name for name, key in cls.model_fields.items() if key.is_required() and name not in given]:
            raise ValueError(f"`{lacking[0]}` is missing")
        return value


class OpenApiSettings(_Inner):
    """`openapi` of a back-end: a document of OpenAPI 2.0, 3.0, 3.1 or 3.2, and the server that it describes."""

    file: str = Field(description="The document, JSON or YAML, relative to the project.")
    folder: str = Field("", description="Folder below which its references lead. If empty, that of the document.")
    base_url: str = Field(description="Address of the server. What the document proposes is not used.")
    token_variable: str = Field("", description="Environment variable with its token, API key or USER:PASSWORD.")
    key_header: str = Field(
        "Idempotency-Key", description='Header for the key that is the same for the same effect, or "".'
    )
    actor_header: str = Field("", description='Header for the id of whom the agent acts for, or "".')


class McpSettings(_Inner):
    """`mcp` of a back-end: an MCP server that is started, or one that is asked at an address."""

    command: list[str] = Field([], description="Program with its arguments, started in the project's folder.")
    variables: list[str] = Field([], description="Environment variables that the program gets besides PATH and HOME.")
    url: str = Field("", description="Address of a server that speaks streamable HTTP.")
    token_variable: str = Field("", description="Environment variable with the bearer token for `url`.")
    start_seconds: float = Field(
        5, gt=0, description="Longest time that it may take to start and to list its tools, in seconds."
    )
    approved: dict[str, str] = Field(
        {}, description="Tools that somebody has looked at, each with its digest. No other tool is offered."
    )

    @model_validator(mode="after")
    def _program_or_address(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("set either `command` or `url`")
        return self


class ActionSettings(_Inner):
    """`actions.NAME` of a back-end: what is said of the action NAME."""

    reach: Reach | None = Field(None, description='"read" or "write". If not set, what its back-end says.')
    trusted: bool | None = Field(None, description="Whether what it returns are records of the company.")
    without: list[str] = Field([], description="Arguments that it is called without, and no model is told of.")
    look_up: str = Field("", description="Operation that looks a call up by its key: the last step of its path.")
    give_up: str = Field(
        "", description="Operation that sees to it that a call takes no effect any more: the last step of its path."
    )
    undo: str = Field("", description="Operation that takes it back by the reference: the last step of its path.")
    reference: str = Field("id", description="Field of the reply that is the reference.")
    errors_change_nothing: bool = Field(False, description="Whether a tool of MCP that reports an error did nothing.")


class BackendSettings(_Inner):
    """An entry of `[[actions.backends]]`: something to act on, by exactly one of `functions`, `openapi` and `mcp`."""

    name: str = Field(description="Its name. Stands before names of actions that another back-end has, too.")
    functions: str = Field("", description="Python functions: MODULE, MODULE:NAME or FILE.py, relative to the project.")
    openapi: OpenApiSettings | None = Field(None, description="A server that an OpenAPI document describes.")
    mcp: McpSettings | None = Field(None, description="An MCP server.")
    only: list[str] | None = Field(None, description="Names of the actions to offer. If not set, all.")
    seconds: float = Field(
        30, gt=0, description="Longest time that a call may take, in seconds (not that of a function)."
    )
    kilobytes: float = Field(
        200, gt=0, description="Largest reply that is read, in kilobytes (not that of a function)."
    )
    actions: dict[str, ActionSettings] = Field(
        {}, description="What is said of single actions, by name, and of all by `*`: of two, the name's counts."
    )

    def said_of(self, action: str) -> ActionSettings:
        """Return what is said of an action."""
        of_all, own = (self.actions.get(name, ActionSettings()) for name in ("*", action))
        return of_all.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(bool(kind) for kind in (self.functions, self.openapi, self.mcp)) != 1:
            raise ValueError(f"back-end `{self.name}`: set one of `functions`, `openapi` and `mcp`")
        return self


class LimitSettings(_Inner):
    """Which values an argument may have."""

    at_most: Decimal | None = Field(None, description="Largest number.")
    at_least: Decimal | None = Field(None, description="Smallest number.")
    one_of: list[str] = Field([], description="The values that it may have. If empty, any.")
    own: str = Field("", description="What of the user's own it must be, as in `account`.")


class RuleSettings(_Inner):
    """An entry of `[[actions.rules]]`: what some users may do. Of several, the first that fits decides."""

    action: str = Field(description="Name of the action; `*` stands for any letters.")
    who: list[str] = Field(description="Principals, of which the user must have one.")
    then: Literal["allow", "approve"] = Field("approve", description="Whether it is done at once, or once approved.")
    approver: str = Field("asker", description='Who approves it: "asker", or a principal that somebody else has.')
    limits: dict[str, LimitSettings] = Field({}, description="Limits of arguments, by dotted name.")
    money: str = Field("", description="Argument that says what a call costs, in cents if its name ends so.")
    free: list[str] = Field([], description="Arguments whose words nobody must have said, as the text of a ticket.")


class ActionsSettings(Table):
    """`[actions]`: what agents may do."""

    backends: list[BackendSettings] = Field(
        [], description="Back-ends with the actions that they offer, as tables; see agents.md."
    )
    rules: list[RuleSettings] = Field(
        [], description="What users may do, as tables; see agents.md. What no rule allows is refused."
    )
    tasks: str = Field("tasks.jsonl", description="Tasks that `groundtune agents evaluate` tries.")
    simulation: str = Field(
        "", description="Address at which the back-end begins anew for each task. Never one that is in use."
    )
    simulation_token_variable: str = Field("", description="Environment variable with the token for it.")
    calls: int = Field(50, ge=0, description="Most calls of actions in a conversation.")
    tokens: int = Field(200_000, ge=0, description="Most tokens that agents may use in a conversation.")
    money: Decimal | None = Field(None, description="Most that the calls of a conversation may cost.")
    seconds: float = Field(600, gt=0, description="Longest time that a conversation's agents may work, in seconds.")

    @model_validator(mode="after")
    def _each_backend_once(self) -> Self:
        names = [each.name for each in self.backends]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"`backends` names {twice!r} twice")
        return self
