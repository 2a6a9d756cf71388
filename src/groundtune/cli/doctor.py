"""`groundtune doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, ProjectFolder, emit


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """Check that groundtune works here: extras, built-in models, settings, memory and disk.

    The exit code is 1 if anything that the project needs does not work.

    Example:

        groundtune doctor

    """
    from groundtune.checkup import doctor as check_all

    checks = check_all(project)
    table = Table("", "what", "detail")
    for check in checks:
        table.add_row("[green]ok[/green]" if check.works else "[red]no[/red]", Text(check.what), Text(check.detail))
    emit(as_json, {"findings": [asdict(check) for check in checks]}, table)
    if not all(check.works for check in checks):
        raise typer.Exit(1)
