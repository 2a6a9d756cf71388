"""Which tables there are: the built-in ones, and those that parts and plugins declare inside them.

Knows no value. Imports the modules of hooks only when it is asked for declared tables.
"""

from __future__ import annotations

import re

from groundtune import plugins
from groundtune.errors import SettingsError
from groundtune.settings.table import Table
from groundtune.settings.tables import Settings

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")  # two underscores in a row part the names of variables


def built_in_tables() -> dict[str, type[Table]]:
    """Return the tables of the file by name, in their order."""
    return {name: type(field.default) for name, field in Settings.model_fields.items()}


def all_tables() -> dict[str, type[Table]]:
    """Return all tables by name, "tuning.raft" after "tuning".

    Raises `SettingsError` if a plugin declares one that cannot be.
    """
    built_in = built_in_tables()
    inner: dict[str, type[Table]] = {}
    owners: dict[str, str] = {}
    for name, kind, module in plugins.declared():
        fault = _fault(name, kind, built_in)
        if name in owners:
            fault = f"`{owners[name]}` declares it too"
        if fault:
            raise SettingsError(
                f"the plugin {module} declares the settings `{name}`: {fault}.", remedy="Fix or uninstall the plugin."
            )
        owners[name] = module
        inner[name] = kind
    return {
        name: kind
        for table, outer in built_in.items()
        for name, kind in ((table, outer), *(each for each in inner.items() if each[0].startswith(f"{table}.")))
    }


def _fault(name: str, kind: type, built_in: dict[str, type[Table]]) -> str:
    table, _, own = name.partition(".")
    if table not in built_in or not _NAME.fullmatch(own):
        return f"the name must be TABLE.NAME in lower case, where TABLE is one of {', '.join(built_in)}"
    if own in built_in[table].model_fields:
        return f"`{name}` is already a setting"
    if not (isinstance(kind, type) and issubclass(kind, Table)):
        return "its class does not derive from groundtune.settings.Table"
    if wrong := [field for field in kind.model_fields if not _NAME.fullmatch(field)]:
        return f"`{wrong[0]}` is not a lower-case name with single underscores"
    if lacking := [field for field, setting in kind.model_fields.items() if setting.is_required()]:
        return f"`{lacking[0]}` has no default"
    return ""
