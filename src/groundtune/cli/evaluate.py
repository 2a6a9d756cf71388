"""`groundtune evaluate`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, end_if_silent, opened
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
    """Run candidates on the test part of the benchmark and show their scores.

    The runs are kept in the records. Rerun to resume. What you compared last stays the latest comparison, whose answers
    `groundtune human` and `groundtune judge` use. Ends with exit code 1 if a candidate answered no case, or a judge
    gave no score.

    Example:

        groundtune evaluate rag raft --set comparison.cases=50

    """
    from groundtune.comparison.notes import silent_in

    with opened(project, overrides) as opened_project:
        report = opened_project.evaluate(candidates)
    rows = {
        candidate.name: {scorer: asdict(estimate) for scorer, estimate in candidate.scores.items()}
        for candidate in report.candidates
    }
    table = Table("scorer", *rows)
    for scorer in report.ordered_scorers:
        table.add_row(scorer, *(_cell(candidate.scores.get(scorer)) for candidate in report.candidates))
    emit(as_json, {"candidates": {name: {"scores": scores} for name, scores in rows.items()}}, table)
    end_if_silent(silent_in(report))


def _cell(estimate: Estimate | None) -> str:
    if estimate is None or estimate.mean is None:
        return "–"
    ends = "" if estimate.low is None or estimate.high is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.mean:.3f}{ends} n={estimate.scored}"
