"""`groundtune evaluate`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.values import Estimate


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    candidates: Annotated[list[str], typer.Argument(help="Candidates to run.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Run candidates on the benchmark's test part and show their scores; the runs go to the records.

    Example:
        groundtune evaluate rag raft --set comparison.cases=50

    """
    with opened(project, overrides) as opened_project:
        report = opened_project.compare(candidates)
    rows = {one.name: {name: asdict(found) for name, found in one.scores.items()} for one in report.candidates}
    table = Table("scorer", *rows)
    for scorer in report.ordered_scorers:
        table.add_row(scorer, *(_cell(one.scores.get(scorer)) for one in report.candidates))
    emit(as_json, {"candidates": {name: {"scores": scores} for name, scores in rows.items()}}, table)


def _cell(found: Estimate | None) -> str:
    if found is None or found.mean is None:
        return "–"
    interval = "" if found.low is None or found.high is None else f" [{found.low:.3f}, {found.high:.3f}]"
    return f"{found.mean:.3f}{interval} n={found.scored}"
