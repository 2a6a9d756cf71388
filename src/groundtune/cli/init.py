"""`groundtune init`."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import AsJson, emit
from groundtune.errors import InputError, SettingsError
from groundtune.settings import FILE_NAME, template

EXAMPLES = ("telecom",)
_LEFT_OUT = shutil.ignore_patterns("sources", "make_*.py", ".groundtune", "report", "__pycache__")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The new project's folder.")],
    example: Annotated[str, typer.Option(help=f"Fill it with an example: {', '.join(EXAMPLES)}.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a project: a folder with a commented groundtune.toml, or a copy of a complete example.

    Examples:
        groundtune init support

        groundtune init demo --example telecom

    """
    if (folder / FILE_NAME).exists():
        raise InputError("is a project already.", place=folder, remedy="Name another folder.")
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder.", place=folder, remedy="Name another folder.")
    if example:
        if example not in EXAMPLES:
            raise SettingsError(f"there is no example `{example}`.", remedy=f"Known: {', '.join(EXAMPLES)}.")
        if folder.exists() and any(folder.iterdir()):
            raise InputError("is not empty, and its files might be overwritten.", place=folder, remedy="Name another.")
        shutil.copytree(example_folder(example), folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
        next_step = "groundtune compare --quick"
    else:
        (folder / "documents").mkdir(parents=True, exist_ok=True)
        (folder / FILE_NAME).write_text(template(folder.resolve().name), encoding="utf-8")
        next_step = "put documents into documents/ and run groundtune ingest"
    shown = Text(f"{folder} is ready. Next: cd {folder}, then {next_step}.")
    emit(as_json, {"project": str(folder), "example": example or None}, shown)


def example_folder(name: str) -> Path:
    """Return where an example is: in the installed package, or in the checkout that is being developed."""
    installed = Path(str(files("groundtune"))) / "examples" / name
    checkout = Path(str(files("groundtune"))).parents[1] / "examples" / name
    return installed if installed.is_dir() else checkout
