"""`groundtune score`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import (
    HERE,
    AsJson,
    GatePath,
    Overrides,
    ProjectFolder,
    end_at_gate,
    flags,
    progress_bar,
    quiet_libraries,
)
from groundtune.values import Estimate

if TYPE_CHECKING:
    from groundtune.evaluation.predictions import Scoring

NAMED = 5  # cases that a note names


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(score)


def score(
    predictions: Annotated[Path, typer.Argument(metavar="FILE", help='JSONL file with {"id", "answer"} on each line.')],
    benchmark: Annotated[Path, typer.Option(metavar="FILE", help="Benchmark: JSONL file of cases.")],
    scorer: Annotated[list[str] | None, typer.Option(help="Use only this scorer. Repeat for several.")] = None,
    gate: GatePath = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Score answers from any system: ROUGE, BLEU, BERTScore, exact and token-level scores.

    Lines that name passages are also scored on retrieval and groundedness. Lines that say whether the system abstained
    are also scored on abstention. Works in any folder; if the folder is a project, its settings apply.

    Examples:

        groundtune score predictions.jsonl --benchmark benchmark.jsonl --scorer rougeL --scorer bleu
        groundtune score predictions.jsonl --benchmark benchmark.jsonl --gate gate.toml

    """
    from groundtune.settings import load
    from groundtune.standalone import check_gate, load_gate
    from groundtune.standalone import score as score_file

    quiet_libraries()
    limits = load_gate(gate) if gate else None
    changes = flags(overrides)
    with progress_bar() as progress:
        scoring = score_file(predictions, benchmark, scorer or [], folder=project, flags=changes, progress=progress)
    comparison = load(project, changes).settings.comparison
    findings = check_gate(limits, scoring, comparison) if limits else None
    end_at_gate(gate, findings, scoring.as_json(), as_json, Group(_table(scoring.summary), *_notes(scoring)))


def _notes(scoring: Scoring) -> list[Text]:
    from groundtune.comparison.wording import first_of

    notes = [Text(note) for note in scoring.notes]
    empty = scoring.without_content
    if empty:
        have = "1 answer has" if len(empty) == 1 else f"{len(empty)} answers have"
        notes.append(
            Text(f"Note: {have} no content, and did not abstain either: {first_of(empty, NAMED)}.", style="yellow")
        )
    return notes


def _table(summary: Mapping[str, Estimate]) -> Table:
    table = Table("scorer", "mean", "95 % interval", "scored", "unscored", "failed")
    for name, estimate in summary.items():
        mean = "–" if estimate.mean is None else f"{estimate.mean:.4f}"
        interval = "–" if estimate.low is None else f"{estimate.low:.4f} – {estimate.high:.4f}"
        table.add_row(name, mean, interval, str(estimate.scored), str(estimate.unscored), str(estimate.failed))
    return table
