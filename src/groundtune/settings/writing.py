"""Writing settings into `groundtune.toml`, whose comments and order stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from groundtune.errors import SettingsError
from groundtune.files import write_text
from groundtune.settings.sources import FILE_NAME


def write_settings(folder: Path, values: Mapping[str, object]) -> None:
    """Set values by dotted key, as {"embedding.name": "hf:ORG/NAME"}, all at once; whoever reads sees old or new ones.

    Raises `SettingsError` if the file is no TOML or cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = folder / FILE_NAME
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        for key, value in values.items():
            *tables, name = key.split(".")
            table = document
            for each in tables:
                table = table.setdefault(each, tomlkit.table())
            table[name] = value
        write_text(path, tomlkit.dumps(document))
    except (OSError, TOMLKitError) as error:
        raise SettingsError(
            f"the settings cannot be written: {error}.", place=path, remedy=f"Write them by hand: {dict(values)}."
        ) from error
