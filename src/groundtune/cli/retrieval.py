"""`groundtune retrieval`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened, several

if TYPE_CHECKING:
    from groundtune.comparison.retrieval.train import EncoderTraining
    from groundtune.comparison.retrieval.tune import RetrievalTuning
    from groundtune.tuning.adapters import Manifest
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


@commands.command()
def train(
    name: Annotated[str, typer.Option("--name", help="Name of the trained encoder.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Train the encoder of `[embedding] name` on the project's own questions. Rerun to resume.

    It learns from the development cases of the benchmark and from the training conversations that name documents: that
    a question is near to the passage that answers it, and far from passages that the present retrieval finds and that
    do not answer it. Questions that the test part asks, in the same words or nearly so, are left out.

    Then both encoders find passages for the test cases, in the pipeline that the settings say. Nothing is written into
    groundtune.toml: the command tells which setting uses the encoder.

    Examples:

        groundtune retrieval train --name ours
        groundtune retrieval train --name ours --set retrieval.training.passes=5

    """
    with opened(project, overrides) as opened_project:
        trained = opened_project.train_retrieval(name)
    emit(as_json, trained.as_json(), _trained(trained))


_LEFT_OUT = {
    "case_without_passages": "{} named no passages",
    "group_in_test": "{} of groups that are on the test side, too",
    "conversation_without_documents": "{} of conversations without documents",
    "conversation_with_tools": "{} answered by calling tools",
    "asked_in_test": "{} asked by the test part, too",
    "document_not_there": "{} whose documents are not in the store",
    "document_not_readable": "{} whose documents `[tuning] retrieve_as` may not read",
    "answer_not_in_document": "{} whose answer is in no chunk of the documents",
    "repeated": "{} repeated",
}


def _trained(trained: EncoderTraining) -> Group:
    manifest = trained.manifest
    table = Table("held-out loss after step", *(str(p.step) for p in manifest.loss if p.held_out is not None), box=None)
    table.add_row("", *(f"{point.held_out:.3f}" for point in manifest.loss if point.held_out is not None))
    lines = [
        *_learned_from(manifest),
        f"{manifest.seconds:.0f} s, stopped {manifest.stopped}. Kept: step {manifest.best_step}.",
        *_measured(trained),
        str(trained.folder),
    ]
    return Group(table, Text("\n".join(lines)))


def _learned_from(manifest: Manifest) -> list[str]:
    data = manifest.data
    lines = [
        f"{data['training']} pairs learned from and {data['held_out']} held out, of {data['cases']} development cases "
        f"and {data['conversations']} conversations."
    ]
    left_out = data.get("left_out")
    if isinstance(left_out, Mapping):
        told = [text.format(left_out[reason]) for reason, text in _LEFT_OUT.items() if left_out.get(reason)]
        if told:
            lines.append(f"Questions left out: {'; '.join(told)}.")
        doubtful = left_out.get("negative_answers", 0), left_out.get("negative_too_near", 0)
        if any(doubtful):
            lines.append(
                f"Passages not learned from as wrong ones: {doubtful[0]} that have the answer, {doubtful[1]} nearly as "
                "near to the question as the answer is."
            )
    if data["random_negatives"]:
        lines.append(f"{data['random_negatives']} wrong passages were drawn at random, as too few were found.")
    if data["passages_cut"]:
        lines.append(
            f"{data['passages_cut']} passages are longer than the encoder reads; it learns from their beginning."
        )
    return lines


def _measured(trained: EncoderTraining) -> list[str]:
    lines = []
    for measure in trained.measures:
        name, difference = measure.difference.scorer.replace("_", " "), measure.difference
        lines.append(
            f"{name.capitalize()} on {several(trained.cases, 'test case')}: {measure.base.mean:.3f} with the base "
            f"encoder, {measure.trained.mean:.3f} trained; {_interval(difference)}, {difference.verdict}."
        )
    use = f'To use it, set `[embedding] name = "{trained.setting}"`'
    return (
        lines
        + {
            "better": [f"The trained encoder is better. {use}: its index is there."],
            "worse": ["The trained encoder is worse: keep the present one."],
            "cannot tell": [f"The test cases cannot tell which encoder is better: keep the present one. {use}."],
            "not measured": [f"Not measured: fewer than two groups of test cases name their passages. {use}."],
        }[trained.verdict]
    )


def _shown(tuned: RetrievalTuning) -> Group:
    rows = sorted(
        zip(tuned.measured, tuned.choice.differences, strict=True), key=lambda row: row[0].recall, reverse=True
    )
    table = Table("pipeline", "recall", "difference", "ms", "characters", box=None)
    pinned = (tuned.present.pipeline, tuned.choice.winner.pipeline)
    for number, (each, difference) in enumerate(rows):
        if number < _SHOWN or each.pipeline in pinned:
            marks = " ← chosen" * (each.pipeline == pinned[1]) + " (present)" * (each.pipeline == pinned[0])
            told = "" if each.pipeline == pinned[0] else _interval(difference)
            cells = (f"{each.recall:.3f}", told, f"{each.milliseconds:.0f}", f"{each.characters:.0f}")
            table.add_row(each.pipeline.told + marks, *cells)
    left = len(rows) - table.row_count
    lines = [f"…and {several(left, 'other pipeline')}, which found less."] if left else []
    lines += [f"Not tried: {each.pipeline}: {each.reason}." for each in tuned.skipped]
    lines += [f"{several(tuned.cases, 'development case')}, {tuned.seconds:.0f} s.", *_told(tuned)]
    return Group(table, Text("\n".join(lines)))


def _told(tuned: RetrievalTuning) -> list[str]:
    lines = [f"Chosen: {tuned.choice.winner.pipeline.told}. {_WHY[tuned.choice.why]}"]
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
