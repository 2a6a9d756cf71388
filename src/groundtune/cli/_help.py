"""Shows the types of options and arguments by names that people know: TEXT, INTEGER, PATH.

Knows no command. Typer would show the types of Python: `<str>`, `<int range>`, `<list[Path]>`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

_NAMES = {"str": "TEXT", "int": "INTEGER", "float": "FLOAT", "path": "PATH", "bool": ""}


def plain_types(app: typer.Typer) -> None:
    """Give all commands of `app`, and of the groups in it, help texts with plain types."""
    app.info.cls = _Group
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        if group.typer_instance is not None:
            plain_types(group.typer_instance)


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 -- the class of contexts differs between releases
        return list(map(_named, super().get_params(ctx)))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 -- as above
        return list(map(_named, super().get_params(ctx)))


def _named(parameter: Any) -> Any:  # noqa: ANN401 -- the class of parameters differs between releases
    if hasattr(parameter, "display_type"):
        parameter.display_type_rich = partial(_type_of, parameter)
    return parameter


def _type_of(parameter: Any, ctx: Any) -> str | None:  # noqa: ANN401 -- as above
    """Return what stands behind an option's name; nothing behind an argument with a name of its own, nor a flag."""
    if parameter.metavar is not None:
        return None if parameter.param_type_name == "argument" else str(parameter.metavar)
    kind = parameter.display_type(ctx).strip("<>").removeprefix("list[").removesuffix("]").removesuffix(" range")
    return _NAMES.get(kind.lower(), kind.upper()) or None
