"""`groundtune compare`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, GatePath, Overrides, ProjectFolder, end_at_gate, opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(
    candidates: Annotated[
        list[str] | None, typer.Argument(help="Candidates; base, rag, tuned, tuned+rag and raft if none.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer cases and training steps, for a first look.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the report goes; PROJECT/report if not set.")
    ] = None,
    gate: GatePath = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Build what is missing, run the candidates on the same test cases, and say which to ship, with evidence.

    Writes report.html and report.json. Interrupted and called again, it goes on from where it was.

    Examples:
        groundtune compare

        groundtune compare base rag --quick

        groundtune compare rag --gate gate.toml

        groundtune compare base rag --set comparison.repeat=rag

    """
    from groundtune.comparison.report import as_json as report_json
    from groundtune.comparison.report import render_terminal, write_report

    with opened(project, overrides, quick=quick) as opened_project:
        limits = opened_project.open_gate(gate, candidates or []) if gate else None  # refused now, not at the end
        report = opened_project.compare(candidates or [])
        findings = opened_project.check_gate(limits, report) if limits else None
        folder = out or opened_project.folder / "report"
    page, data = write_report(report, folder)
    paths = Text.assemble("Report: ", (str(page), "bold"), f" (figures: {data})")
    shown = Group(render_terminal(report), paths)
    end_at_gate(gate, findings, report_json(report), as_json, shown)
