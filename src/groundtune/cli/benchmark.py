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
from groundtune.errors import InputError, SettingsError

if TYPE_CHECKING:
    from groundtune.evaluation.benchmark.checks import BenchmarkFinding
    from groundtune.evaluation.benchmark.importers import Shares
    from groundtune.statistics.planning import BenchmarkPlan, Pilot

commands = typer.Typer(no_args_is_help=True, help="Make, check and freeze the expert benchmark.")


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
    """Check the cases against the documents, the training data and one another.

    The exit code is 1 if there is a problem: a quote that is not in its document, or a question that is in two
    groups, or answerable (or in need of a question back) in one case and not in another.

    Warnings are for an expert to look at: repeated and nearly repeated questions (half of the word pairs are the
    same), questions and answers that training or preference data repeat (12 words in a row), a group with more than
    a fifth of a part, groups on both sides of the split, a part without unanswerable questions, numbers in an ideal
    answer that no quote contains, and questions back (`clarify`) that ask nothing.

    Example:

        groundtune benchmark check

    """
    with opened(project, overrides) as opened_project:
        findings = opened_project.check_benchmark()
        cases = len(opened_project.benchmark.cases)
    problems = [finding for finding in findings if finding.problem]
    warnings = [finding for finding in findings if not finding.problem]
    summary = f"{cases} cases, {len(problems)} problems." + (f" {len(warnings)} warnings." if warnings else "")
    document = {"cases": cases, "problems": list(map(asdict, problems)), "warnings": list(map(asdict, warnings))}
    emit(as_json, document, Group(*map(_finding, findings), Text(summary)))
    if problems:
        raise typer.Exit(1)


@commands.command()
def stats(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Count cases, groups and tags, and show which differences the test part can detect.

    Shows the smallest difference that is found four times in five, corrected for comparing all candidates of
    `[comparison] candidates`, and how many cases are needed to find smaller ones. The figures are for the spread of
    an earlier run, if there is one, and for assumed spreads.

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
            "unanswerable": sum(not case.answerable and not case.clarify for case in cases),
            "to_clarify": sum(case.clarify for case in cases),
            "without_ideal_answer": sum(case.answerable and not case.ideal_answers for case in cases),
            "groups": len({case.group for case in cases}),
            "multi_turn": sum(bool(case.history) for case in cases),
            "tags": dict(Counter(tag for case in cases for tag in case.tags).most_common()),
        }
    shown = [name for name in rows["test"] if name != "without_ideal_answer"]
    table = Table("part", *shown)
    for part, counts in rows.items():
        table.add_row(part, *(_cell(counts[name]) for name in shown))
    unscored = sum(case.answerable and not case.ideal_answers for case in benchmark.cases)
    lines = [Text(f"{unscored} cases have no ideal answer: only retrieval scorers score them.")] if unscored else []
    document = {
        "fingerprint": benchmark.fingerprint,
        "parts": rows,
        "drafts": benchmark.drafts,
        "plan": None if planned is None else asdict(planned),
        "pilot": None if pilot is None else asdict(pilot),
    }
    emit(as_json, document, Group(table, *lines, *_planned(planned, pilot)))


@commands.command("import")
def import_(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="beir (corpus.jsonl, queries.jsonl and qrels, with answers or without), ragas (questions, contexts "
            "and ground truth), or table (questions and answers in any columns).",
        ),
    ],
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="The set: a folder for beir; for the others a .jsonl, .json, .csv, .tsv, .xlsx, .xls, .ods or "
            ".parquet file, a folder of such files named by split, or one that `datasets` saved.",
        ),
    ],
    mapped: Annotated[
        list[str],
        typer.Option("--map", metavar="COLUMN=FIELD", help="Say what a column is. Repeat for several."),
    ] = [],  # noqa: B006 -- typer reads the default, nobody changes it
    shares: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="Shares of training, development and test, 0.5,0.15,0.35 unless the set itself names the parts. A "
            "hash of its id assigns each question.",
        ),
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Import a question-answering data set into the project.

    Writes its documents, a benchmark and training conversations. Fields for `--map` are question, ideal_answer,
    other_ideal_answers, id, group, tags, split, document, quote, contexts, other_contexts, answerable, history and
    author. Further columns with few different values become tags. What is left out is counted.

    Example:

        groundtune benchmark import beir path/to/set --project my-project
        groundtune benchmark import table faq.xlsx --map Frage=question --map Antwort=ideal_answer

    """
    from groundtune.standalone import import_benchmark

    imported = import_benchmark(kind, path, project, _shares(shares), flags(overrides), _mapping(mapped))
    parts = Counter(case.split for case in imported.cases)
    document = {
        "documents": len(imported.documents),
        "training": len(imported.examples),
        "development": parts["development"],
        "test": parts["test"],
    }
    lines = [", ".join(f"{number} {name}" for name, number in document.items())]
    lines += [f"{note.count} {note.what}{f' (first: {note.first})' if note.first else ''}" for note in imported.notes]
    emit(as_json, document | {"notes": list(map(asdict, imported.notes))}, Text("\n".join(lines)))


def _shares(text: str | None) -> Shares | None:
    from groundtune.evaluation.benchmark.importers import Shares

    if text is None:
        return None
    try:
        training, development, test = (float(share) for share in text.split(","))
    except ValueError:
        raise InputError(f"`--shares {text}` is not three numbers.", remedy="Write 0.5,0.15,0.35.") from None
    return Shares(training, development, test, official=False)


def _mapping(options: list[str]) -> dict[str, str]:
    """Return fields by column. Columns may hold an equals sign; fields do not."""
    mapping: dict[str, str] = {}
    for option in options:
        column, sign, field = option.rpartition("=")
        if not (sign and column.strip() and field.strip()):
            raise SettingsError(f"`--map {option}` is not COLUMN=FIELD.", remedy="Write --map Frage=question.")
        if mapping.setdefault(column.strip(), field.strip()) != field.strip():
            raise SettingsError(f"`--map` gives two fields to the column `{column}`.", remedy="Name one.")
    return mapping


def _planned(plan: BenchmarkPlan | None, pilot: Pilot | None) -> list[Text | Table]:
    if plan is None:
        return []
    head = (
        f"With {plan.cases} test cases in {plan.groups} groups and {plan.candidates} candidates "
        f"({plan.comparisons} comparisons, {plan.confidence:.0%} confidence for all together):"
    )
    outlooks = [(f"{outlook.sd:g} assumed", outlook) for outlook in plan.assumed]
    if plan.pilot is not None:
        outlooks.insert(0, (f"{plan.pilot.sd:.3g} observed", plan.pilot))
    first = outlooks[0][1]
    table = Table(
        "SD of differences", "smallest difference found", *(f"cases for {difference:g}" for difference in first.needed)
    )
    for name, outlook in outlooks:
        needed = (_range(*pair, "d") for pair in outlook.needed.values())
        found = "none" if outlook.detectable is None else _range(*outlook.detectable, ".3f")
        table.add_row(name, found, *needed)
    notes = [
        f"“Found” means found {plan.power:.0%} of the time. Where two figures are given, the first assumes that the "
        "cases of a group are independent, the second that they all score alike."
    ]
    if pilot is not None:
        version = "" if pilot.same_benchmark else " on an earlier version of the benchmark"
        notes.append(f"Observed: the runs of {', '.join(pilot.candidates)} on {pilot.cases} cases{version}.")
    if plan.groups < plan.fewest_groups:
        notes.append(f"With fewer than {plan.fewest_groups} groups no difference is found, however large it is.")
    return [Text(head), table, *map(Text, notes)]


def _range(low: float, high: float, form: str) -> str:
    return f"{low:{form}}" if f"{low:{form}}" == f"{high:{form}}" else f"{low:{form}} – {high:{form}}"


def _finding(finding: BenchmarkFinding) -> Text:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    subject = f"{finding.case}: " if finding.case else ""
    return Text(f"{place}: {subject}{finding.message}", style="red" if finding.problem else "yellow")


def _cell(value: object) -> str:
    return ", ".join(f"{key} {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
