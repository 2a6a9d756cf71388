"""`load`: file, environment and flags become settings, each value with where it came from.

Knows neither the forms of the sources nor the words of the errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.secrets import masked, remember
from groundtune.settings.declared import all_tables, built_in_tables
from groundtune.settings.faults import current, unknown, wrong
from groundtune.settings.sources import FILE_NAME, Given, Origin, from_environment, from_file, from_flags
from groundtune.settings.table import Table
from groundtune.settings.tables import Settings


class Resolved(BaseModel):
    """Settings together with where each value came from ("tuning.steps" → "flag")."""

    model_config = ConfigDict(frozen=True)

    settings: Settings
    origins: Mapping[str, Origin]

    def record(self) -> dict[str, dict[str, object]]:
        """Return every resolved value with its origin, for a run's record or an adapter's manifest.

        Those of parts and plugins are among them; passwords are blanked.
        """
        return {
            f"{name}.{key}": {"value": _masked(value), "origin": self.origins.get(f"{name}.{key}", "default")}
            for name, table in self._tables()
            for key, value in table.model_dump(mode="json").items()
        }

    def _tables(self) -> Iterator[tuple[str, Table]]:
        for name, kind in all_tables().items():
            yield name, self.settings.part(name, kind) if "." in name else getattr(self.settings, name)


def load(
    folder: Path, flags: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None
) -> Resolved:
    """Resolve the settings of the project in `folder`.

    `flags` maps dotted keys ("tuning.steps") to values; the environment's GROUNDTUNE_TUNING_STEPS sets the
    same key, and GROUNDTUNE_TUNING__RAFT__STEPS sets "tuning.raft.steps". Raises `SettingsError` with file and remedy.
    """
    given = [
        *from_file(folder / FILE_NAME),
        *from_environment(os.environ if environment is None else environment),
        *from_flags(flags or {}),
    ]
    _remember(each.value for each in given)
    strongest = {each.key: each for each in current(given)}  # in rising order of strength
    kinds = _kinds(strongest)
    tables: dict[str, Table] = {}
    for name, values in _by_table(strongest, kinds).items():
        try:
            tables[name] = kinds[name].model_validate({key: each.value for key, each in values.items()})
        except ValidationError as error:
            raise wrong(error, name, values, kinds) from None
    return Resolved(
        settings=_settings(tables, folder.resolve()), origins={key: each.origin for key, each in strongest.items()}
    )


def load_project(folder: Path, flags: Mapping[str, object] | None = None) -> Resolved:
    """Resolve the settings of the project in `folder`. Raises `SettingsError` where there is no project, too."""
    if not (folder / FILE_NAME).is_file():
        raise SettingsError(
            f"there is no {FILE_NAME}.",
            place=folder,
            remedy="Name the folder with --project, or run `groundtune init`.",
        )
    return load(folder, flags)


def _kinds(given: Mapping[str, Given]) -> dict[str, type[Table]]:
    """Return the tables to look in. Parts and plugins are imported only where a value is set in a table of theirs.

    The file that `groundtune init` writes names all their tables, and sets nothing in them.
    """
    built_in = built_in_tables()
    others = []
    for key in given:
        table, _, name = key.rpartition(".")
        if key not in built_in and not (table in built_in and name in built_in[table].model_fields):
            others.append(key)
    if others and (any(given[key].value != {} for key in others) or not plugins.surely_declared(others)):
        return all_tables()
    return {**built_in, **dict.fromkeys(others, Table)}


def _by_table(given: Mapping[str, Given], kinds: Mapping[str, type[Table]]) -> dict[str, dict[str, Given]]:
    """Return the values by table and name. Raises `SettingsError` for a table that is not there."""
    tables: dict[str, dict[str, Given]] = {name: {} for name in kinds}
    for key, each in given.items():
        table, _, name = key.rpartition(".")
        if key in kinds and each.value == {}:
            continue
        if table not in kinds or name not in kinds[table].model_fields:
            raise unknown(each, kinds)
        tables[table][name] = each
    return {name: values for name, values in tables.items() if values}


def _settings(tables: Mapping[str, Table], folder: Path) -> Settings:
    inner: dict[str, dict[str, Table]] = {}
    for name, table in tables.items():
        outer, _, own = name.partition(".")
        if own and table != type(table)():  # one that is all defaults is what `Table.part` gives by itself
            inner.setdefault(outer, {})[own] = table.in_folder(folder)
    made = {name: tables.get(name, kind()).in_folder(folder) for name, kind in built_in_tables().items()}
    for outer, own_tables in inner.items():
        made[outer] = made[outer].with_parts(own_tables)
    return Settings(**made)


def _masked(value: Any) -> Any:  # noqa: ANN401 -- a value as pydantic dumps it
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {key: _masked(each) for key, each in value.items()}
    return [_masked(each) for each in value] if isinstance(value, list) else value


def _remember(values: Iterable[object]) -> None:
    """Keep passwords in any setting out of the errors of every library."""
    for value in values:
        if isinstance(value, str):
            remember(value)
        elif isinstance(value, dict):
            _remember(value.values())
        elif isinstance(value, list):
            _remember(value)
