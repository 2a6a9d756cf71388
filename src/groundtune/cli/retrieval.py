"""`groundtune retrieval`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened, several

if TYPE_CHECKING:
    from groundtune.comparison.retrieval.pipelines import Pipeline
    from groundtune.comparison.retrieval.tune import RetrievalTuning
    from groundtune.values import Difference

commands = typer.Typer(no_args_is_help=True, help="Fit the way passages are found to the project's documents.")
_SHOWN = 12  # rows of the table without --json
_WHY = {
    "better": "It is better than the present pipeline.",
    "simpler": "It is simpler than the present pipeline and finds as much.",
    "kept": "It is the present pipeline: the cases show none that is better, or simpler and as good.",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="retrieval")


@commands.command()
def tune(
    minutes: Annotated[float | None, typer.Option(help="Longest time that it may take.", min=0.01)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only measure: write no settings and keep no index.")
    ] = False,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Find the retrieval pipeline that fits this project, and write it into groundtune.toml.

    Tries how documents are split, what embeds them, how they are searched and reranked, and how many passages are
    handed over: all that `[retrieval]` lists. What counts is how many of the experts' passages are found for the
    development cases of the benchmark; no model answers. The present pipeline stays unless the cases show that another
    is better, or that a simpler one finds as much. The winner is then looked at on the test cases, once.

    Indexes for this are made in the store and deleted in the end. The winner's stays: it is used from the next command
    on, and the earlier one is kept, so that the earlier settings lead back to it.

    Examples:

        groundtune retrieval tune
        groundtune retrieval tune --minutes 60 --dry-run
        groundtune retrieval tune --set 'retrieval.embeddings=["hf:BAAI/bge-small-en-v1.5"]'

    """
    given = overrides if minutes is None else [*overrides, f"retrieval.minutes={minutes}"]
    with opened(project, given) as opened_project:
        tuned = opened_project.tune_retrieval(write=not dry_run)
    emit(as_json, tuned.as_json(), _shown(tuned))


def _shown(tuned: RetrievalTuning) -> Group:
    rows = sorted(
        zip(tuned.measured, tuned.choice.differences, strict=True), key=lambda row: row[0].recall, reverse=True
    )
    table = Table("pipeline", "recall", "difference", "ms", "characters", box=None)
    present, winner = tuned.present.pipeline, tuned.choice.winner.pipeline
    for number, (each, difference) in enumerate(rows):
        if number < _SHOWN or each.pipeline in (present, winner):
            marks = ", chosen" * (each.pipeline == winner) + ", present" * (each.pipeline == present)
            told = "" if each.pipeline == present else _interval(difference)
            cells = (f"{each.recall:.3f}", told, f"{each.milliseconds:.0f}", f"{each.characters:.0f}")
            table.add_row(_name(each.pipeline, present) + marks, *cells)
    left = len(rows) - table.row_count
    lines = [f"{several(left, 'other pipeline')} found less; --json lists all."] if left else []
    for reason in dict.fromkeys(each.reason for each in tuned.skipped):
        own = [each.pipeline for each in tuned.skipped if each.reason == reason]
        lines.append(f"Not tried: {several(len(own), 'pipeline')}, {_of(own)}: {reason}")
    lines += [f"{several(tuned.cases, 'development case')}, {tuned.seconds:.0f} s.", *_told(tuned)]
    return Group(table, Text("\n".join(lines)))


def _name(pipeline: Pipeline, present: Pipeline) -> str:
    """Return what a pipeline is, its embedder only where it is another one than now."""
    return pipeline.told.removesuffix(f", {present.embedding}")


def _of(pipelines: Sequence[Pipeline]) -> str:
    """Return which values the pipelines have, of each setting."""
    values = [
        dict.fromkeys(str(getattr(each, part)) for each in pipelines)
        for part in ("search", "reranker", "chunk_size", "embedding")
    ]
    search, order, size, embedding = (", ".join(each) for each in values)
    return f"search {search}, reranker {order}, chunks of {size}, {embedding}"


def _told(tuned: RetrievalTuning) -> list[str]:
    present = tuned.present.pipeline
    lines = [f"Chosen: {_name(tuned.choice.winner.pipeline, present)}. {_WHY[tuned.choice.why]}"]
    best, difference = max(zip(tuned.measured, tuned.choice.differences, strict=True), key=lambda row: row[0].recall)
    if tuned.choice.why == "kept" and best.recall > tuned.present.recall:
        more = difference.more_cases_needed
        cases = "no number of cases that anybody writes" if more is None else several(more, "further development case")
        lines.append(f"Most was found by {_name(best.pipeline, present)}: {_interval(difference)}; {cases} may tell.")
    if tuned.tested is not None:
        verdict = tuned.tested.verdict
        lines.append(f"On {several(tuned.test_cases, 'test case')}: {_interval(tuned.tested)}, {verdict}.")
    if tuned.written:
        changes = ", ".join(f"{key} = {value}" for key, value in tuned.changes.items())
        lines.append(f"Written into groundtune.toml: {changes}.")
    elif tuned.changes:
        lines.append("Nothing was written.")
    return lines


def _interval(difference: Difference) -> str:
    """Return a difference with its interval."""
    mean, low, high = difference.difference.mean, difference.difference.low, difference.difference.high
    if mean is None:
        return "–"
    return f"{mean:+.3f}" if low is None or high is None else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
