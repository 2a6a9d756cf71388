"""`groundtune tune`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.errors import SettingsError

Name = Annotated[str, typer.Option("--name", help="Name of the adapter, and of the candidate that uses it.")]
commands = typer.Typer(no_args_is_help=True, help="Train an adapter. Interrupted and called again, it goes on.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="tune")


@commands.command()
def instruction(
    name: Name,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Tune on the training conversations (LoRA, loss on the assistant's turns only).

    Example:
        groundtune tune instruction --name friendly --set tuning.steps=200

    """
    _tune("instruction", name, project, as_json, overrides)


@commands.command()
def raft(
    name: Name,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Tune on prompts that already hold retrieved passages, with distractors (RAFT).

    Example:
        groundtune tune raft --name reader

    """
    _tune("raft", name, project, as_json, overrides)


def _tune(technique: str, name: str, project: ProjectFolder, as_json: bool, overrides: list[str]) -> None:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise SettingsError(f"`--name {name}` is no adapter name.", remedy="Use letters, digits, - and _.")
    with opened(project, overrides) as opened_project:
        if technique == "raft":
            opened_project.ingest()
        manifest = opened_project.tune(name, technique)
    folder = opened_project.workshop.adapter_folder(name)
    shown = Text(
        f"Adapter `{name}`: {manifest.seconds:.0f} s, stopped {manifest.stopped}; best held-out loss at step "
        f"{manifest.best_step}.\n{folder}"
    )
    emit(as_json, {"folder": str(folder), **asdict(manifest)}, shown)
