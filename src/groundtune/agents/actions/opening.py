"""The actions of `[actions]`: what each back-end offers, with what settings say of single actions, each under a name of
its own. Asks nobody but MCP servers for their lists.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from groundtune.agents.actions.functions import FunctionAction
from groundtune.agents.actions.mcp import McpAction, McpServer, McpTarget, offered
from groundtune.agents.actions.offers import NotOffered
from groundtune.agents.actions.openapi import (
    OpenApiAction,
    Operation,
    OperationHelpers,
    OperationServer,
    described,
    remaining,
)
from groundtune.agents.actions.openapi.shapes import LONGEST_NAME, NOT_A_NAME
from groundtune.errors import AddressRefused, SettingsError
from groundtune.files import within
from groundtune.http import ApiKey
from groundtune.http.backend import BackendClient
from groundtune.http.guarded import FetchLimits
from groundtune.secrets import Secret
from groundtune.settings.actions import ActionSettings, ActionsSettings, BackendSettings
from groundtune.values import ActionSchema, digest

_SECRET = re.compile("auth|credential|key|pass|secret|token", re.IGNORECASE)
Openable = FunctionAction | OpenApiAction | McpAction


@dataclass(slots=True)
class OpenActions:
    """All actions, and what of the back-ends is none, with the reason. Close it to end the servers that it started."""

    actions: tuple[Openable, ...]
    refused: tuple[NotOffered, ...]
    backends: Mapping[str, str]
    """By the name of an action, that of its back-end."""
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def close(self) -> None:
        """End what was started."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_actions(settings: ActionsSettings, folder: Path) -> OpenActions:
    """Return the actions of all back-ends of a project. Raises `SettingsError` and `InputError` for wrong settings.

    An operation that cannot be expressed, a tool that nobody approved, and a server that cannot be asked for its tools
    are no errors: they are `refused`.
    """
    refused: list[NotOffered] = []
    named: list[tuple[str, Openable]] = []
    with ExitStack() as stack:
        for backend in settings.backends:
            offer = list(_offer(backend, folder, refused, stack))
            known = {each.schema.name for each in offer}
            only = known if backend.only is None else set(backend.only)
            said_already = {each.name for each in refused}
            for name in sorted(f"{backend.name}: {each}" for each in {*only, *backend.actions} - {*known, "*"}):
                if name not in said_already:
                    refused.append(NotOffered(name, "the back-end offers no such action", missed=True))
            for each in offer:
                if each.schema.name in only:
                    said = backend.said_of(each.schema.name)
                    named.append((backend.name, _as_said(each, said, f"{backend.name}: {each.schema.name}")))
        actions = list(_renamed(named, refused))
        backends = {each.schema.name: backend for backend, each in actions}
        return OpenActions(tuple(each for _, each in actions), tuple(refused), backends, stack.pop_all())


def _offer(backend: BackendSettings, folder: Path, refused: list[NotOffered], stack: ExitStack) -> Iterator[Openable]:
    if backend.functions:
        yield from _functions(backend.functions, folder)
    elif backend.openapi is not None:
        yield from _openapi(backend, folder, refused)
    elif backend.mcp is not None:
        yield from _mcp(backend, folder, refused, stack)


# --- functions ----------------------------------------------------------------------------------------


def _functions(place: str, folder: Path) -> Iterator[FunctionAction]:
    module_name, _, name = place.partition(":")
    module = _module(module_name, folder, place)
    if name and not hasattr(module, name):
        raise SettingsError(f"there is no `{name}`.", place=place, remedy="Name a function with @action, or a list.")
    if not name:
        yield from (value for value in vars(module).values() if isinstance(value, FunctionAction))
        return
    value = getattr(module, name)
    for each in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(each, FunctionAction):
            raise SettingsError(f"{each!r} is no action.", place=place, remedy="Put @action before the function.")
        yield each


def _module(name: str, folder: Path, place: str) -> ModuleType:
    try:
        if not name.endswith(".py"):
            return importlib.import_module(name)
        path = within(folder, name)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except Exception as error:  # it is somebody's own code
        raise SettingsError(
            f"cannot be imported: {type(error).__name__}: {error}.", place=place, remedy="Correct the module."
        ) from error


# --- OpenAPI ------------------------------------------------------------------------------------------


def _openapi(backend: BackendSettings, folder: Path, refused: list[NotOffered]) -> Iterator[OpenApiAction]:
    said = backend.openapi
    assert said is not None
    ours = [each for each in (said.key_header, said.actor_header) if each]
    document = described(within(folder, said.file), within(folder, said.folder) if said.folder else None, ours)
    refused += [replace(each, name=f"{backend.name}: {each.name}") for each in document.refused]
    limits = FetchLimits(megabytes=backend.kilobytes / 1000, seconds=backend.seconds)
    try:
        client = BackendClient(said.base_url, limits)
    except AddressRefused as error:
        raise SettingsError(f"`base_url` of the back-end `{backend.name}`: {error}") from None
    server = OperationServer(client, token_of(said.token_variable), said.key_header, said.actor_header)
    operations = {each.schema.name: each for each in document.operations}
    for name, operation in operations.items():
        own = backend.said_of(name)
        helpers = _helpers(operation, own, operations, f"{backend.name}: {name}")
        yield OpenApiAction(operation, server, operation.reach, False, helpers, own.reference)


def _helpers(
    operation: Operation, own: ActionSettings, operations: Mapping[str, Operation], place: str
) -> OperationHelpers:
    """Return the operations that go with one. Raises `SettingsError`."""
    finder = _other(operation, own.look_up, operations, f"{place}: look_up")
    if finder is not None and finder.reach != "read":
        raise SettingsError(f"`{own.look_up}` is no GET.", place=f"{place}: look_up")
    if own.give_up and finder is None:
        raise SettingsError("it needs `look_up`, too.", place=f"{place}: give_up", remedy="Name both, or neither.")
    stopper = _other(operation, own.give_up, operations, f"{place}: give_up")
    if stopper is not None and stopper.reach != "write":
        raise SettingsError(f"`{own.give_up}` changes nothing.", place=f"{place}: give_up")
    return OperationHelpers(finder, _other(operation, own.undo, operations, f"{place}: undo"), stopper)


def _other(operation: Operation, name: str, operations: Mapping[str, Operation], place: str) -> Operation | None:
    """Return the operation that goes with another one. Raises `SettingsError` for one that cannot be filled in."""
    if not name:
        return None
    if name not in operations:
        raise SettingsError(f"there is no operation `{name}`.", place=place, remedy=f"Known: {', '.join(operations)}.")
    lacking = remaining(operations[name], [each.key for each in operation.parameters])
    if len(lacking) > 1 or any(each.where != "path" for each in lacking):
        needs = ", ".join(each.key for each in lacking)
        raise SettingsError(
            f"`{name}` needs {needs}; only what the action has, and one step of a path, are known.",
            place=place,
            remedy="Name another operation, or none.",
        )
    return operations[name]


# --- MCP ----------------------------------------------------------------------------------------------


def _mcp(backend: BackendSettings, folder: Path, refused: list[NotOffered], stack: ExitStack) -> Iterator[McpAction]:
    said = backend.mcp
    assert said is not None
    variables = {name: os.environ[name] for name in said.variables if name in os.environ}
    for name, value in variables.items():
        if _SECRET.search(name):
            Secret(value)  # which nobody shows from now on
    target = McpTarget(said.command, str(folder), variables, said.url, token_of(said.token_variable))
    try:
        server = McpServer(target, backend.seconds, said.start_seconds)
    except AddressRefused as error:
        raise SettingsError(f"`url` of the back-end `{backend.name}`: {error}") from None
    stack.callback(server.close)
    actions, others = offered(server, said.approved, backend.kilobytes)
    refused += [replace(each, name=f"{backend.name}: {each.name}") for each in others]
    yield from actions


# --- what settings say --------------------------------------------------------------------------------


def token_of(variable: str) -> str:
    """Return a token from the environment, which nobody shows from now on. Raises `SettingsError` if it is not set."""
    if not variable:
        return ""
    token = ApiKey.from_environment(variable).value
    if not token:
        raise SettingsError("is not set.", place=f"environment variable {variable}", remedy="Set it to the token.")
    return Secret(token).reveal()


def _as_said(action: Openable, said: ActionSettings, place: str) -> Openable:
    """Return an action with what settings say of it. Raises `SettingsError` for what cannot be said of its kind."""
    if not isinstance(action, OpenApiAction) and (said.look_up or said.undo or said.give_up):
        what = "`look_up`, `undo` and `give_up` are of OpenAPI back-ends."
        raise SettingsError(what, place=place, remedy="Remove them.")
    changes: dict[str, Any] = {}
    if said.reach is not None:
        changes["reach"] = said.reach
    if said.trusted is not None:
        changes["trusted"] = said.trusted
    if isinstance(action, McpAction) and said.errors_change_nothing:
        changes["errors_change_nothing"] = True
    if not said.without:
        return replace(action, **changes)
    if isinstance(action, FunctionAction):
        raise SettingsError("`without` is not for functions.", place=place, remedy="Change the function.")
    schema = _narrowed(action.schema, said.without, place)
    if isinstance(action, OpenApiAction):
        return replace(action, operation=replace(action.operation, schema=schema), **changes)
    return replace(action, schema=schema, **changes)


def _narrowed(schema: ActionSchema, names: Iterable[str], place: str) -> ActionSchema:
    properties, required = schema.parameters.get("properties"), schema.parameters.get("required", [])
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    for name in names:
        if name not in properties or name in required:
            why = "is needed" if name in required else "is not there"
            raise SettingsError(f"`without` names `{name}`, which {why}.", place=place, remedy="Correct the name.")
    kept = {name: value for name, value in properties.items() if name not in set(names)}
    return replace(schema, parameters={**schema.parameters, "properties": kept})


def _renamed(named: Sequence[tuple[str, Openable]], refused: list[NotOffered]) -> Iterator[tuple[str, Openable]]:
    """Yield back-ends and their actions, each under a name that models can say: with that of the back-end before it,
    where another back-end has the same.
    """
    counts = Counter(_sayable(each.schema.name) for _, each in named)
    taken: set[str] = set()
    for backend, each in named:
        name = _sayable(each.schema.name)
        name = name if counts[name] == 1 else _sayable(f"{backend}_{name}")
        if name in taken:
            refused.append(NotOffered(f"{backend}: {each.schema.name}", f"another action is called {name}"))
            continue
        taken.add(name)
        schema = replace(each.schema, name=name)
        if isinstance(each, OpenApiAction):
            yield backend, replace(each, operation=replace(each.operation, schema=schema))
        else:
            yield backend, replace(each, schema=schema)


def _sayable(name: str) -> str:
    """Return a name that endpoints of models take: letters, digits, _ and -, at most 64."""
    text = NOT_A_NAME.sub("_", name)
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 7]}_{digest(name)[:6]}"
