"""What a table of `groundtune.toml` is: a frozen model that refuses unknown keys and shows no password.

Knows no file, no environment, and none of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from groundtune.files import within
from groundtune.secrets import without_passwords

Inner = TypeVar("Inner", bound="Table")
_ON_DISK = re.compile(r"((?:\w+:)?path:)(.+)")


Principals = Annotated[list[Annotated[str, Field(pattern=r"\S")]], Field(min_length=1)]
"""Names as access lists have them; at least one, none of them blank."""


@dataclass(frozen=True, slots=True)
class _Home:
    """Where the project is. No setting: tables of projects in different folders may be equal."""

    folder: Path = field(default=Path(), compare=False)


class Table(BaseModel):
    """Base of the tables: frozen, no key is taken that is not known, and passwords are not shown.

    `not_in_key` names the settings that an adapter, or whatever else is kept under a key, does not depend on;
    `in_key_if_set` those that it depends on where they are not at their default, so that what was made before there
    was such a setting keeps its key. `earlier_defaults` has what stands in keys for settings whose default, at which
    they are, is another one since.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    not_in_key: ClassVar[frozenset[str]] = frozenset()
    earlier_defaults: ClassVar[Mapping[str, object]] = {}
    in_key_if_set: ClassVar[frozenset[str]] = frozenset()
    _inner: Mapping[str, Table] = PrivateAttr(default_factory=dict)
    _home: _Home = PrivateAttr(default_factory=_Home)

    def part(self, name: str, kind: type[Inner]) -> Inner:
        """Return the table `name` inside this one, as it is set, or with its defaults.

        >>> class Fast(Table):
        ...     passes: int = 2
        >>> TuningSettings().part("fast", Fast).passes
        2
        """
        inner = self._inner.get(name)
        if inner is None:
            return kind().in_folder(self._home.folder)
        if not isinstance(inner, kind):
            raise TypeError(f"the table `{name}` is declared as {type(inner).__name__}, not as {kind.__name__}")
        return inner

    def inner(self, name: str) -> Table | None:
        """Return the table `name` inside this one as it is set, None where there is none."""
        return self._inner.get(name)

    def with_parts(self, inner: Mapping[str, Table]) -> Self:
        """Return the same table with other tables inside."""
        made = self.model_copy()
        made._inner = dict(inner)
        return made

    def in_folder(self, folder: Path) -> Self:
        """Return the same table as that of the project in `folder`."""
        made = self.model_copy()
        made._home = _Home(folder)
        return made

    def in_project(self, name: str) -> Path:
        """Return the path of a file or folder that is set: relative ones start at the project."""
        return within(self._home.folder, name)

    def located(self, name: str) -> str:
        """Return a model's name that leads to its folder wherever the command runs; one without a folder as it is.

        >>> TuningSettings().in_folder(Path("/shop")).located("cross:path:models/order")
        'cross:path:/shop/models/order'
        """
        on_disk = _ON_DISK.fullmatch(name)
        return f"{on_disk[1]}{self.in_project(on_disk[2])}" if on_disk else name

    def for_key(self) -> str:
        """Return the settings that a key must depend on, as JSON; a password is not one of them."""
        fields = type(self).model_fields
        unset = {name for name in self.in_key_if_set if getattr(self, name) == fields[name].default}
        defaults = self.earlier_defaults.items()
        earlier = {name: value for name, value in defaults if getattr(self, name) == fields[name].default}
        return self.model_copy(update=earlier).model_dump_json(exclude={*self.not_in_key, *unset})

    @model_serializer(mode="wrap")
    def _without_passwords(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: blanked(value) for name, value in handler(self).items()}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield from ((name, blanked(value)) for name, value in super().__repr_args__())


def blanked(value: Any) -> Any:  # noqa: ANN401 -- a value as pydantic dumps it
    """Return a value with the passwords in its texts blanked."""
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, dict):
        return {key: blanked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(blanked(each) for each in value)
    return value
