"""`groundtune benchmark`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, flags, opened
from groundtune.errors import InputError

commands = typer.Typer(no_args_is_help=True, help="Work on the expert benchmark.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="benchmark")


@commands.command()
def check(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Check that the file is sound and that every gold quote stands in its document. Exit code 1 if not.

    Example:
        groundtune benchmark check

    """
    with opened(project, overrides) as opened_project:
        problems = opened_project.check_benchmark()
        cases = len(opened_project.benchmark.cases)
    lines = [Text(f"{one.case}: {one.document}: {one.reason}", style="red") for one in problems]
    summary = Text(f"{cases} cases, {len(problems)} problems.")
    emit(as_json, {"cases": cases, "problems": [asdict(one) for one in problems]}, Group(*lines, summary))
    if problems:
        raise typer.Exit(1)


@commands.command()
def stats(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Count the cases by part, answerability and tag, and the groups.

    Example:
        groundtune benchmark stats --json

    """
    with opened(project, overrides) as opened_project:
        benchmark = opened_project.benchmark
    rows: dict[str, dict[str, object]] = {}
    for part in ("development", "test"):
        cases = benchmark.part(part)
        rows[part] = {
            "cases": len(cases),
            "unanswerable": sum(not case.answerable for case in cases),
            "groups": len({case.group for case in cases}),
            "multi_turn": sum(bool(case.history) for case in cases),
            "tags": dict(Counter(tag for case in cases for tag in case.tags).most_common()),
        }
    table = Table("part", *next(iter(rows.values())))
    for part, counts in rows.items():
        table.add_row(part, *(_cell(value) for value in counts.values()))
    document = {"fingerprint": benchmark.fingerprint, "parts": rows, "drafts": benchmark.drafts}
    emit(as_json, document, table)


@commands.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="The format: beir-qa (corpus.jsonl and queries.jsonl with answers).")],
    folder: Annotated[Path, typer.Argument(help="The folder that holds the set.")],
    shares: Annotated[
        str, typer.Option(help="Shares of training, development and test, drawn by a hash of the ids.")
    ] = "0.5,0.15,0.35",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Write documents, benchmark and training conversations of a question-answering set into the project.

    Example:
        groundtune benchmark import beir-qa path/to/set --project my-project

    """
    from groundtune.evaluation.importers import Shares, importer, write_imported
    from groundtune.settings import load

    try:
        training, development, test = (float(share) for share in shares.split(","))
    except ValueError:
        raise InputError(f"`--shares {shares}` are not three numbers.", remedy="Write 0.5,0.15,0.35.") from None
    settings = load(project, flags(overrides)).settings
    imported = importer(kind).read(folder, Shares(training, development, test))
    write_imported(
        imported,
        project,
        documents=settings.knowledge.documents,
        cases=settings.benchmark.cases,
        examples=settings.tuning.examples,
    )
    parts = Counter(case.split for case in imported.cases)
    document = {
        "documents": len(imported.documents),
        "training": len(imported.examples),
        "development": parts["development"],
        "test": parts["test"],
    }
    emit(as_json, document, Text(", ".join(f"{number} {name}" for name, number in document.items())))


def _cell(value: object) -> str:
    return ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
