"""The errors for a setting that is unknown, wrong, or has been renamed.

Values that may hold a password are not shown. Knows the tables; reads no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from groundtune.errors import SettingsError
from groundtune.secrets import Secret
from groundtune.settings.sources import Given, variable_name
from groundtune.settings.table import Table

MOVED = {"tuning.raft_steps": "tuning.raft.steps", "tuning.raft_oracle_share": "tuning.raft.oracle_share"}
NOT_USED = ("business",)


def current(given: Iterable[Given]) -> Iterator[Given]:
    """Yield what is given, without empty tables that nothing reads.

    Raises `SettingsError` for a key that has another name now, or that nothing reads.
    """
    for each in given:
        if each.key in MOVED:
            new = MOVED[each.key]
            raise SettingsError(f"`{each.key}` is now `{new}`.", place=each.place, remedy=_write(each, new))
        if not any(f"{each.key}.".startswith(f"{key}.") for key in NOT_USED):
            yield each
        elif each.value != {}:
            raise SettingsError(
                f"`{each.key}` is not used yet.", place=each.place, remedy="Remove it; it has no effect."
            )


def unknown(given: Given, kinds: Mapping[str, type[Table]]) -> SettingsError:
    """Return an error for a key that no table has, with the nearest that there is."""
    if given.key in kinds:
        keys = ", ".join(f"`{given.key}.{name}`" for name in kinds[given.key].model_fields)
        return SettingsError(f"`{given.key}` is a table.", place=given.place, remedy=f"Set the settings in it: {keys}.")
    meant = _otherwise_divided(given.key, kinds)
    if meant:
        remedy = f"Did you mean `{meant}`? {_write(given, meant)}"
        return SettingsError(f"unknown setting `{given.key}`.", place=given.place, remedy=remedy)
    table, key = _deepest(given.key, kinds)
    name = key.rpartition(".")[2]
    if table and name in kinds[table].model_fields:
        remedy = f"Write `{name} = VALUE` under [{table}]."
        return SettingsError(f"`{key}` is a setting, not a table.", place=given.place, remedy=remedy)
    return SettingsError(f"unknown setting `{key}`.", place=given.place, remedy=_nearest(name, _inside(table, kinds)))


def wrong(
    error: ValidationError, table: str, values: Mapping[str, Given], kinds: Mapping[str, type[Table]]
) -> SettingsError:
    """Return an error for the first of the values that cannot be, or do not go together."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    key = f"{table}.{name}" if name else table
    place = (values.get(name) or next(iter(values.values()))).place
    hidden = not name or isinstance(first["input"], dict | list) or _holds_secret(kinds[table].model_fields[name])
    shown = f"`{key}`" if hidden else f"`{key}` is {first['input']!r}"
    return SettingsError(f"{shown}: {first['msg']}.", place=place, remedy="Correct the value.")


def _holds_secret(setting: FieldInfo) -> bool:
    return any(isinstance(kind, type) and issubclass(kind, Secret) for kind in _types(setting.annotation))


def _types(annotation: object) -> Iterator[object]:
    """Yield the classes in a type: `Secret` and `NoneType` of `list[Secret] | None`."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for each in inner:
        yield from _types(each)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"Known settings: {', '.join(known)}." if known else "No installed plugin has settings here."


def _otherwise_divided(key: str, kinds: Mapping[str, type[Table]]) -> str | None:
    """Return the setting that has the same words as `key`, with dots in other places."""
    keys = (f"{table}.{name}" for table, kind in kinds.items() for name in kind.model_fields)
    return next((each for each in keys if _words(each) == _words(key)), None)


def _words(key: str) -> list[str]:
    return re.split(r"[._]+", key)


def _write(given: Given, key: str) -> str:
    """Return how to set `key` where the value was given."""
    table, _, name = key.rpartition(".")
    if given.origin == "environment":
        return f"Set {variable_name(key)} instead of {given.variable}."
    return f"Write `{name}` under [{table}]." if given.origin == "file" else f"Write --set {key}=VALUE."


def _deepest(key: str, kinds: Mapping[str, type[Table]]) -> tuple[str, str]:
    """Return the innermost known table on the way to a key, and the first name on it that is not known."""
    parts = key.split(".")
    for length in range(len(parts) - 1, 0, -1):
        table = ".".join(parts[:length])
        if table in kinds:
            return table, ".".join(parts[: length + 1])
    return "", parts[0]


def _inside(table: str, kinds: Mapping[str, type[Table]]) -> list[str]:
    """Return what can stand in a table, or in the file."""
    if not table:
        return [name for name in kinds if "." not in name]
    return [
        *kinds[table].model_fields,
        *(name.removeprefix(f"{table}.") for name in kinds if name.startswith(f"{table}.")),
    ]
