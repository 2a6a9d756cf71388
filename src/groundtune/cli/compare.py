"""`groundtune compare`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, GatePath, Overrides, ProjectFolder, end_at_gate, end_if_silent, opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(
    candidates: Annotated[
        list[str] | None, typer.Argument(help="Candidates to compare. Default: those of `[comparison]`, or all five.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Use fewer cases and training steps, for a first look.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the report. Default: PROJECT/report.")
    ] = None,
    gate: GatePath = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Compare candidates on the same test cases and recommend which one to ship.

    Ingests documents and trains adapters as needed, runs the candidates (base, rag, tuned, tuned+rag and raft, unless
    you name others), and writes report.html and report.json. Rerun to resume. Ends with exit code 1 if a candidate
    answered no case, or a judge gave no score. `rag-without-learned` shows what entries from conversations gain.

    Examples:

        groundtune compare
        groundtune compare base rag --quick
        groundtune compare rag --gate gate.toml
        groundtune compare base rag --set comparison.repeat=rag
        groundtune compare rag rag-without-learned

    """
    from groundtune.comparison.notes import silent_in
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
    try:
        end_at_gate(gate, findings, report_json(report), as_json, shown)
    finally:
        end_if_silent(silent_in(report))
