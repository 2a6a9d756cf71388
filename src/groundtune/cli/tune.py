"""`groundtune tune`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tune)


def tune(
    technique: Annotated[str, typer.Argument(help="Technique: instruction, raft, or one from a plugin.")],
    name: Annotated[str, typer.Option("--name", help="Name of the adapter and of the candidate that uses it.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Train an adapter (LoRA) on the training conversations. Rerun to resume.

    `instruction` trains on the conversations as they are; `raft` puts retrieved passages and distractors in front of
    them. The loss counts only the assistant's turns. `groundtune compare` trains both by itself: use `tune` for
    adapters with their own name and settings.

    Examples:

        groundtune tune instruction --name friendly --set tuning.steps=200
        groundtune tune raft --name reader

    """
    with opened(project, overrides) as opened_project:
        manifest = opened_project.tune(name, technique)
        folder = opened_project.adapter_folder(name)
    shown = Text(
        f"Adapter `{name}`: {manifest.seconds:.0f} s, stopped {manifest.stopped}; best held-out loss at step "
        f"{manifest.best_step}.\n{_told(manifest.data)}{folder}"
    )
    emit(as_json, {"folder": str(folder), **asdict(manifest)}, shown)


def _told(data: Mapping[str, object]) -> str:
    """Say what became of training conversations that were not used, or whose documents are doubtful."""
    reasons = {
        "oracle_not_found": "left out, because none of their documents was found",
        "oracle_without_answer": "trained with a passage that has no word of the answer",
        "without_documents": "trained without a passage, because they name no documents",
    }
    return "".join(f"{data[key]} conversations were {reason}.\n" for key, reason in reasons.items() if data.get(key))
