"""`groundtune init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import AsJson, emit

EXAMPLES = ("telecom",)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the new project.")],
    example: Annotated[str, typer.Option(help=f"Copy an example: {', '.join(EXAMPLES)}.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create a project.

    The new folder gets a groundtune.toml in which every setting is explained, and an empty documents folder; with
    `--example`, it is a copy of a complete example.

    Examples:

        groundtune init support
        groundtune init demo --example telecom

    """
    from groundtune.standalone import init as make_project

    make_project(folder, example)
    next_step = (
        "run groundtune compare --quick" if example else "put documents into documents/ and run groundtune ingest"
    )
    shown = Text(f"{folder} is ready. Next: cd {folder}, then {next_step}.")
    emit(as_json, {"project": str(folder), "example": example or None}, shown)
