"""`groundtune human`: people rate answers blind, by mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.errors import InputError

if TYPE_CHECKING:
    from groundtune.comparison.human import Import
    from groundtune.evaluation.human.raters import RaterCheck
    from groundtune.evaluation.human.results import Figures, HumanReport, RaterAgreement
    from groundtune.values import Estimate

commands = typer.Typer(no_args_is_help=True, help="Have people rate the candidates' answers, blind and by mail.")
StudyName = Annotated[
    str, typer.Option("--study", metavar="NAME", help="Name of the study; its files are in human/NAME.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="human")


@commands.command()
def assign(
    raters: Annotated[list[str], typer.Argument(help="Names of the raters; they become file names.")],
    candidate: Annotated[
        list[str] | None, typer.Option(help="Use only this candidate of the comparison. Repeat for several.")
    ] = None,
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Assign the answers of the latest comparison to raters.

    Writes a sheet for each rater, to be sent, and the key to who gave which answer, which stays with you.

    Examples:

        groundtune human assign ana ben cleo
        groundtune human assign ana ben --candidate rag --candidate tuned --set human.cases=30

    """
    from groundtune.comparison.human import SHEETS

    with opened(project, overrides) as opened_project:
        made, paths = opened_project.assign_raters(raters, candidate or (), study)
    folder = paths[0].parent / SHEETS
    counts = {
        sheet.rater: {kind: sum(item.kind == kind for item in sheet.items) for kind in ("case", "attention", "repeat")}
        for sheet in made.sheets
    }
    lines = [
        f"The answers are those of the {made.source}.",
        *(
            f"{rater}: {kinds['case']} cases, {kinds['attention']} attention and {kinds['repeat']} repeat items"
            for rater, kinds in counts.items()
        ),
    ]
    if made.left_out:
        lines.append(f"{len(made.left_out)} cases are left out because a candidate failed on them.")
    lines.append(f"Send the sheets in {folder}; keep {paths[0]} to yourself.")
    document = {
        "study": made.id,
        "key": str(paths[0]),
        "sheets": [str(path) for path in paths[1:]],
        "source": made.source,
        "raters": counts,
        "candidates": list(made.candidates),
        "left_out": dict(made.left_out),
    }
    emit(as_json, document, Text("\n".join(lines)))


@commands.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(help="Returned sheets: .csv, .xlsx, .xls, .ods, or .json from the page.")
    ],
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Import the sheets that raters returned, filled in completely or in part.

    Nothing is taken from a sheet that has wrong rows, and the exit code is then 1. The other sheets are imported.

    Example:

        groundtune human import ana.csv ratings-s1f0c.json

    """
    with opened(project, overrides) as opened_project:
        imported = opened_project.import_ratings(files, study)
    document = {**asdict(imported), "ratings": str(imported.ratings)}
    emit(as_json, document, Group(*_taken(imported), _raters(imported.raters)))
    if imported.problems:
        raise typer.Exit(1)


@commands.command()
def report(
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show how people rated each candidate.

    Shows means, differences, preferences, how far the raters agree, and which raters were left out, and why.

    Example:

        groundtune human report --json

    """
    with opened(project, overrides) as opened_project:
        results = opened_project.human_report(study)
    emit(as_json, asdict(results), _report(results))


@commands.command()
def unexpected(
    per_kind: Annotated[int, typer.Option(min=1, help="Drafts per kind.")] = 5,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="New file for the drafts. Default: PROJECT/unexpected.jsonl.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Draft unexpected queries from the benchmark.

    The kinds are off-topic, misspelt, in mixed languages, contradictory and hostile. Nothing uses a draft until an
    expert has approved it.

    Example:

        groundtune human unexpected --per-kind 8

    """
    from collections import Counter

    from groundtune.files import write_jsonl

    with opened(project, overrides) as opened_project:
        path = out or opened_project.folder / "unexpected.jsonl"
        if path.exists():
            raise InputError("already exists.", place=path, remedy="Name another file with --out, or delete it.")
        lines = opened_project.draft_unexpected(per_kind)
    write_jsonl(path, (line.model_dump(exclude_none=True) for line in lines))
    counts = dict(Counter(line.tags[-1] for line in lines))
    shown = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    text = Text(f"{path}: {len(lines)} drafts ({shown}). Approve, edit or reject each, then add them to the benchmark.")
    emit(as_json, {"file": str(path), "drafts": len(lines), "kinds": counts}, text)


# --- what the terminal shows ----------------------------------------------------------------------


def _taken(imported: Import) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text(
            f"{sheet.file} ({sheet.rater or 'empty'}): {sheet.new} new, {sheet.changed} changed, "
            f"{sheet.unchanged} unchanged"
        )
        for sheet in imported.files
    ]
    for problem in imported.problems:
        place = f"{problem.file}, row {problem.row}" if problem.row else problem.file
        lines.append(Text(f"{place}: {problem.reason}", style="red"))
    return lines


def _raters(checks: tuple[RaterCheck, ...]) -> Table:
    table = Table("rater", "filled in", "attention items missed", "same answer when repeated", "left out")
    for check in checks:
        alike = [f"{column} {repeats.equal:.0%} of {repeats.pairs}" for column, repeats in check.consistency.items()]
        filled, missed = f"{check.filled} of {check.asked}", f"{check.missed} of {check.attention}"
        table.add_row(check.rater, filled, missed, ", ".join(alike) or "–", check.excluded or "–")
    return table


def _report(results: HumanReport) -> RenderableType:
    parts: list[RenderableType] = list(_figures(results.kept, results.candidates))
    parts.append(_raters(results.raters))
    if results.everybody is not None:
        parts.append(Text("The same figures, including the raters who are left out above:", style="bold"))
        parts += _figures(results.everybody, results.candidates)
    if results.left_out:
        parts.append(Text(f"{len(results.left_out)} cases were not shown because a candidate failed on them."))
    return Group(*parts)


def _figures(figures: Figures, candidates: Mapping[str, str]) -> list[RenderableType]:
    table = Table(Column("", min_width=11), *candidates, "equal pairs", "kappa", "alpha", "answers")
    for title, means, agreement in figures.lines:
        table.add_row(title, *(_cell(means[name]) for name in candidates), *_agreement(agreement))
    lines = []
    for criterion in figures.criteria:
        for pair in criterion.differences:
            mean, low, high = pair.difference.mean, pair.difference.low, pair.difference.high
            ends = "" if low is None or high is None else f" ({low:+.2f} to {high:+.2f})"
            values = "–" if mean is None else f"{mean:+.2f}{ends}, p {pair.p_value:.3f}"
            lines.append(f"{criterion.criterion}: {pair.challenger} − {pair.baseline}: {values}: {pair.verdict}")
    choices = figures.preference
    if choices is not None:
        for duel in choices.pairs:
            lines.append(
                f"preference: {duel.one} was chosen more often in {duel.groups_one} groups, {duel.other} in "
                f"{duel.groups_other}, and both equally often in {duel.groups_even}; exact p {duel.p_value:.3f}"
            )
        lines.append(f"{choices.choices} choices: {choices.equal} found all equal, {choices.none} wanted none.")
    raters = ", ".join(figures.raters) or "nobody"
    heading = Text(f"{figures.ratings} ratings of {figures.cases} cases by {raters}; means with intervals")
    return [heading, table, Text("\n".join(lines))]


def _cell(estimate: Estimate) -> str:
    if estimate.mean is None:
        return "–\nn 0"
    ends = "" if estimate.low is None or estimate.high is None else f"\n{estimate.low:.2f}–{estimate.high:.2f}"
    return f"{estimate.mean:.2f}{ends}\nn {estimate.scored}"


def _agreement(agreement: RaterAgreement) -> tuple[str, str, str, str]:
    interval = agreement.alpha_interval
    ends = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    raw = "–" if agreement.raw is None else f"{agreement.raw:.0%}"
    kappa = "–" if agreement.kappa is None else f"{agreement.kappa:.2f}"
    alpha = "–" if agreement.alpha is None else f"{agreement.alpha:.2f}{ends}"
    return raw, kappa, alpha, str(agreement.answers)
