"""`groundtune tune`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.tuning.adapters import Manifest
from groundtune.tuning.estimate import shown as shown_estimate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(tune)


def tune(
    technique: Annotated[str, typer.Argument(help="Technique, one of those below or one from a plugin.")],
    name: Annotated[str, typer.Option("--name", help="Name of the adapter and of the candidate that uses it.")],
    parent: Annotated[str | None, typer.Option("--from", metavar="ADAPTER", help="Adapter to train on top of.")] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only tell how many tokens, how long, and how much memory it takes.")
    ] = False,
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
        if estimate:
            expected = opened_project.estimate_tuning(name, technique, parent)
            emit(as_json, asdict(expected), Text(f"Tuning `{name}` takes {shown_estimate(expected)}."))
            return
        manifest = opened_project.tune(name, technique, parent)
        folder = opened_project.adapter_folder(name)
    shown = Text(
        f"Adapter `{name}`: {manifest.seconds:.0f} s, stopped {manifest.stopped}; best held-out loss at step "
        f"{manifest.best_step}.\n{_told(manifest.data)}{_lineage(name, manifest)}{folder}"
    )
    emit(as_json, {"folder": str(folder), **asdict(manifest)}, shown)


def _lineage(name: str, manifest: Manifest) -> str:
    """Say what the adapter stands on, if it stands on others."""
    if not manifest.parents:
        return ""
    return f"Lineage: {' → '.join([manifest.base_model, *manifest.parents, name])}\n"


def _told(data: Mapping[str, object]) -> str:
    """Say what became of training conversations that were not used, or whose documents are doubtful."""
    reasons = {
        "oracle_not_found": "left out, because none of their documents was found",
        "oracle_without_answer": "trained with a passage that has no word of the answer",
        "without_documents": "trained without a passage, because they name no documents",
    }
    return "".join(f"{data[key]} conversations were {reason}.\n" for key, reason in reasons.items() if data.get(key))
