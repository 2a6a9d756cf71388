"""`groundtune ingest`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ingest)


def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders to ingest. Default: the whole documents folder.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Bring the knowledge store up to date with the documents.

    Adds new documents, updates changed ones, removes deleted ones and skips the rest. Documents that cannot be read
    are reported with the reason, and the exit code is then 2; all others are ingested.

    Examples:

        groundtune ingest
        groundtune ingest documents/plans --json

    """
    with opened(project, overrides) as opened_project:
        report = opened_project.ingest(paths or [])
    lines = Text(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {report.removed} removed, "
        f"{len(report.failed)} failed; {report.chunks} chunks in {report.seconds:.1f} s"
    )
    for document, reason in report.failed:
        lines.append(f"\n  {document}: {reason}", style="red")
    emit(as_json, report.as_json(), lines)
    if report.failed:
        raise typer.Exit(2)
