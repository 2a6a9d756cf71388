"""What file, environment and flags give, as dotted keys with values: "tuning.raft.steps", 40, "flag".

Knows the form of each source; knows nothing of which values are right.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from groundtune.errors import SettingsError
from groundtune.settings.declared import built_in_tables

FILE_NAME = "groundtune.toml"
ENVIRONMENT_PREFIX = "GROUNDTUNE_"
GONE_TABLES = ("business",)  # which an environment or a file of before may still name
Origin = Literal["default", "file", "environment", "flag"]


@dataclass(frozen=True, slots=True)
class Given:
    """A value for a key. `variable` is the environment variable that holds it; `place` is what errors name."""

    key: str
    value: object
    origin: Origin
    place: str
    variable: str = ""


def variable_name(key: str) -> str:
    """Return the environment variable for a key.

    >>> variable_name("tuning.steps"), variable_name("tuning.raft.steps")
    ('GROUNDTUNE_TUNING_STEPS', 'GROUNDTUNE_TUNING__RAFT__STEPS')
    """
    parts = key.upper().split(".")
    return ENVIRONMENT_PREFIX + ("_" if len(parts) == 2 else "__").join(parts)


def from_file(path: Path) -> Iterator[Given]:
    """Yield what the file says, if there is one. Raises `SettingsError` if it is no TOML."""
    for table, values in _read(path).items():
        if not isinstance(values, dict):
            raise SettingsError(
                f"`{table}` is outside any table.", place=path, remedy="Put it under a [table] heading."
            )
        for key, value in _flat(table, values):
            yield Given(key, value, "file", str(path))


def from_environment(environment: Mapping[str, str]) -> Iterator[Given]:
    """Yield the settings among the variables; a variable that names none of the tables is not ours.

    Raises `SettingsError` if two variables set the same key.
    """
    seen: dict[str, str] = {}
    for name, value in environment.items():
        key = _key(name)
        if key is None:
            continue
        if key in seen:
            raise SettingsError(
                f"{seen[key]} and {name} both set `{key}`.", place="environment variable", remedy="Keep one of them."
            )
        seen[key] = name
        yield Given(key, _list_or_text(value), "environment", "environment variable", name)


def from_flags(flags: Mapping[str, object]) -> Iterator[Given]:
    """Yield what the command line, or the caller of `open_project`, sets."""
    for key, value in flags.items():
        yield Given(key, value, "flag", "command line")


def _read(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not valid TOML: {error}.", place=path, remedy="Correct that line.") from None


def _flat(table: str, values: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the keys of a table and of the tables in it; an empty table stands for itself."""
    if not values:
        yield table, {}
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from ((f"{table}.{name}.{key}", each) for key, each in value.items())
        else:
            yield f"{table}.{name}", value


def _key(variable: str) -> str | None:
    """Return the key that a variable sets: GROUNDTUNE_TABLE_KEY or GROUNDTUNE_TABLE__NAME__KEY."""
    if not variable.startswith(ENVIRONMENT_PREFIX):
        return None
    name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
    tables = (*built_in_tables(), *GONE_TABLES)
    outer, *inner = name.split("__")
    if outer in tables and inner:
        return ".".join((outer, *inner))
    table, _, key = name.partition("_")
    return f"{table}.{key}" if table in tables and key else None


def _list_or_text(value: str) -> object:
    try:
        return json.loads(value) if value.lstrip().startswith("[") else value
    except ValueError:
        return value  # which is no list, as the validation will say
