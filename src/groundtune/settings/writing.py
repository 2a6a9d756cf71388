"""Writing settings into `groundtune.toml`, whose comments and order stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundtune.errors import SettingsError
from groundtune.files import write_text
from groundtune.settings.sources import FILE_NAME


def write_settings(folder: Path, values: Mapping[str, object]) -> None:
    """Set values by dotted key, as {"embedding.name": "hf:ORG/NAME"}, all at once; whoever reads sees old or new ones.

    Raises `SettingsError` if the file is no TOML or cannot be written.
    """
    import tomlkit

    with _edited(folder, f"{dict(values)}") as document:
        for key, value in values.items():
            *tables, name = key.split(".")
            table = document
            for each in tables:
                table = table.setdefault(each, tomlkit.table())
            table[name] = value


def write_approved(folder: Path, backend: str, tool: str, digest: str) -> None:
    """Write down that somebody approved a tool of the MCP server `backend`. Raises `SettingsError`, as `write_settings`
    does, and if the file does not name the back-end.
    """
    import tomlkit
    from tomlkit.items import InlineTable

    with _edited(folder, f"{tool!r} = {digest!r} below `approved` of {backend}") as document:
        named = [each for each in document.get("actions", {}).get("backends", ()) if each.get("name") == backend]
        if not named or "mcp" not in named[0]:
            raise SettingsError(
                f"does not name the MCP back-end {backend}.", place=folder / FILE_NAME, remedy="Name it there."
            )
        server = named[0]["mcp"]
        inline = isinstance(server, InlineTable)
        server.setdefault("approved", tomlkit.inline_table() if inline else tomlkit.table())[tool] = digest


@contextmanager
def _edited(folder: Path, wanted: str) -> Iterator[Any]:
    """Give the file as a document of tomlkit, and write it at the end of the block. Raises `SettingsError`."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    path = folder / FILE_NAME
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        yield document
        write_text(path, tomlkit.dumps(document))
    except (OSError, TOMLKitError) as error:
        raise SettingsError(
            f"the settings cannot be written: {error}.", place=path, remedy=f"Write them by hand: {wanted}."
        ) from error
