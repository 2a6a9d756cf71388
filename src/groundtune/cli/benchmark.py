"""`groundtune benchmark`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli import _experts
from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, flags, opened
from groundtune.errors import InputError

if TYPE_CHECKING:
    from groundtune.evaluation.benchmark.checks import BenchmarkFinding
    from groundtune.evaluation.statistics.planning import BenchmarkPlan, Pilot

commands = typer.Typer(no_args_is_help=True, help="Work on the expert benchmark.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (_experts.draft, _experts.export, _experts.review, _experts.freeze):
        commands.command()(command)
    app.add_typer(commands, name="benchmark")


@commands.command()
def check(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Check the cases against documents, training data and one another. Exit code 1 if there is a problem.

    Problems: a quote that does not stand in its document; one question in two groups, or answerable here and not
    there. Warnings, for an expert to look at: repeated and nearly repeated questions (half of the pairs of words
    are the same), questions and answers that training or preference data repeat (12 words in a row), a group with
    more than a fifth of a part, groups on both sides of the split, a part without unanswerable questions, and
    numbers of an ideal answer that no quote has.

    Example:
        groundtune benchmark check

    """
    with opened(project, overrides) as opened_project:
        found = opened_project.check_benchmark()
        cases = len(opened_project.benchmark.cases)
    problems, warnings = [one for one in found if one.problem], [one for one in found if not one.problem]
    summary = f"{cases} cases, {len(problems)} problems." + (f" {len(warnings)} warnings." if warnings else "")
    document = {"cases": cases, "problems": list(map(asdict, problems)), "warnings": list(map(asdict, warnings))}
    emit(as_json, document, Group(*map(_finding, found), Text(summary)))
    if problems:
        raise typer.Exit(1)


@commands.command()
def stats(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Count cases, groups and tags, and tell what the test part can show before anything is run.

    The smallest difference that is found four times in five, corrected for comparing all candidates of
    `[comparison] candidates`, and how many cases smaller ones need: for the scatter of an earlier run if there is
    one, and for assumed ones.

    Example:
        groundtune benchmark stats --json

    """
    with opened(project, overrides) as opened_project:
        benchmark = opened_project.benchmark
        planned, pilot = opened_project.plan_benchmark()
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
    document = {
        "fingerprint": benchmark.fingerprint,
        "parts": rows,
        "drafts": benchmark.drafts,
        "plan": None if planned is None else asdict(planned),
        "pilot": None if pilot is None else asdict(pilot),
    }
    emit(as_json, document, Group(table, *_planned(planned, pilot)))


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
    from groundtune.evaluation.benchmark.importers import Shares
    from groundtune.standalone import import_benchmark

    try:
        training, development, test = (float(share) for share in shares.split(","))
    except ValueError:
        raise InputError(f"`--shares {shares}` are not three numbers.", remedy="Write 0.5,0.15,0.35.") from None
    imported = import_benchmark(kind, folder, project, Shares(training, development, test), flags(overrides))
    parts = Counter(case.split for case in imported.cases)
    document = {
        "documents": len(imported.documents),
        "training": len(imported.examples),
        "development": parts["development"],
        "test": parts["test"],
    }
    emit(as_json, document, Text(", ".join(f"{number} {name}" for name, number in document.items())))


def _planned(plan: BenchmarkPlan | None, pilot: Pilot | None) -> list[Text | Table]:
    if plan is None:
        return []
    head = (
        f"With {plan.cases} test cases in {plan.groups} groups and {plan.candidates} candidates "
        f"({plan.comparisons} comparisons, together {plan.confidence:.0%} sure):"
    )
    outlooks = [(f"{one.sd:g} assumed", one) for one in plan.assumed]
    if plan.pilot is not None:
        outlooks.insert(0, (f"{plan.pilot.sd:.3g} seen", plan.pilot))
    first = outlooks[0][1]
    table = Table("SD of differences", "smallest difference found", *(f"cases for {each:g}" for each in first.needed))
    for name, one in outlooks:
        table.add_row(name, _range(*one.detectable, ".3f"), *(_range(*pair, "d") for pair in one.needed.values()))
    notes = [
        f"Found means {plan.power:.0%} of the time. Of two figures, the first holds if cases of a group are "
        "independent, the second if they all score alike."
    ]
    if pilot is not None:
        version = "" if pilot.same_benchmark else " on an earlier version of the benchmark"
        notes.append(f"Seen: the runs of {', '.join(pilot.candidates)} on {pilot.cases} cases{version}.")
    if plan.groups < plan.fewest_groups:
        notes.append(f"With fewer than {plan.fewest_groups} groups no difference is found, however large it is.")
    return [Text(head), table, *map(Text, notes)]


def _range(low: float, high: float, form: str) -> str:
    return f"{low:{form}}" if f"{low:{form}}" == f"{high:{form}}" else f"{low:{form}} – {high:{form}}"


def _finding(one: BenchmarkFinding) -> Text:
    place = f"{one.file}:{one.line}" if one.line else one.file
    subject = f"{one.case}: " if one.case else ""
    return Text(f"{place}: {subject}{one.message}", style="red" if one.problem else "yellow")


def _cell(value: object) -> str:
    return ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
