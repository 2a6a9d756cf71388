"""`groundtune score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

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


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(score)


def score(
    predictions: Annotated[Path, typer.Argument(help='JSONL with {"id", "answer"} a line, from any system.')],
    benchmark: Annotated[Path, typer.Option(help="The cases (JSONL).")],
    scorer: Annotated[list[str] | None, typer.Option(help="Only this scorer; may be given again.")] = None,
    gate: GatePath = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Score answers from anywhere: ROUGE, BLEU, BERTScore, exact and token-level scores.

    Lines that name passages are scored on retrieval and groundedness too, lines that tell whether the answer abstained
    on abstention. Works in any folder; settings come from the project's file where there is one.

    Examples:
        groundtune score predictions.jsonl --benchmark benchmark.jsonl --scorer rougeL --scorer bleu

        groundtune score predictions.jsonl --benchmark benchmark.jsonl --gate gate.toml

    """
    import numpy as np

    from groundtune.evaluation.benchmark.cases import load_benchmark
    from groundtune.evaluation.gate import load_gate
    from groundtune.evaluation.predictions import load_predictions, score_predictions
    from groundtune.evaluation.scorers import scorers
    from groundtune.evaluation.statistics import Method
    from groundtune.settings import load

    quiet_libraries()
    limits = load_gate(gate) if gate else None
    settings = load(project, flags(overrides)).settings
    cases = load_benchmark(benchmark, settings.benchmark.development_share)
    loaded = load_predictions(predictions, cases)
    loaded.refuse_unfounded(scorer or [], predictions)
    chosen = scorers(settings.comparison, scorer or loaded.scorers, cases.cases)
    comparison = settings.comparison
    with progress_bar() as progress:
        document = score_predictions(
            cases,
            loaded,
            chosen,
            method=Method(comparison.confidence, comparison.resamples, comparison.margin),
            rng=np.random.default_rng(comparison.seed),
            progress=progress,
        )
    end_at_gate(limits, document, comparison, as_json, _table(document["summary"]))


def _table(summary: object) -> Table:
    table = Table("scorer", "mean", "95 % interval", "scored", "unscored", "failed")
    for name, found in summary.items() if isinstance(summary, dict) else ():
        mean = "–" if found["mean"] is None else f"{found['mean']:.4f}"
        interval = "–" if found["low"] is None else f"{found['low']:.4f} – {found['high']:.4f}"
        table.add_row(name, mean, interval, str(found["scored"]), str(found["unscored"]), str(found["failed"]))
    return table
