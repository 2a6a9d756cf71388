"""`groundtune human`: people rate answers blind, by mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened

if TYPE_CHECKING:
    from groundtune.evaluation.human.raters import RaterCheck
    from groundtune.evaluation.human.results import Agreement, Figures, HumanReport
    from groundtune.evaluation.human.returned import Problem, Taken
    from groundtune.values import Estimate

commands = typer.Typer(no_args_is_help=True, help="Have people rate the candidates' answers, blind and by mail.")
StudyName = Annotated[str, typer.Option("--study", metavar="NAME", help="The study; its files are in human/NAME.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="human")


@commands.command()
def assign(
    raters: Annotated[list[str], typer.Argument(help="The raters' names, which become names of files.")],
    candidate: Annotated[
        list[str] | None, typer.Option(help="Only this candidate of the comparison; may be given again.")
    ] = None,
    cases: Annotated[int, typer.Option(min=1, help="So many cases in all, spread over the groups.")] = 40,
    overlap: Annotated[int, typer.Option(min=0, help="So many of them go to every rater, to measure agreement.")] = 10,
    answers: Annotated[
        int | None, typer.Option(min=1, help="So many answers to a question; of all candidates if not set.")
    ] = None,
    attention: Annotated[float, typer.Option(help="Share of attention items, on top of a rater's cases.")] = 0.1,
    repeats: Annotated[float, typer.Option(help="Share of cases that are shown again later.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of all that is drawn.")] = 17,
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Assign the latest comparison's answers to raters, and write a sheet for each and the key, which stays here.

    Examples:
        groundtune human assign ana ben cleo

        groundtune human assign ana ben --cases 30 --overlap 15 --candidate rag --candidate tuned

    """
    from datetime import UTC, datetime

    from groundtune.comparison.human import SHEETS, Wishes, make_study

    wishes = Wishes(tuple(raters), tuple(candidate or ()), cases, overlap, answers, attention, repeats, seed)
    with opened(project, overrides) as opened_project:
        made, paths = make_study(opened_project.workshop, study, wishes, datetime.now(UTC))
    folder = paths[0].parent / SHEETS
    counts = {
        sheet.rater: {
            kind: sum(item.kind == kind for item in sheet.items) for kind in ("case", "attention", "repeat")
        }
        for sheet in made.sheets
    }
    lines = [
        f"{rater}: {one['case']} cases, {one['attention']} attention and {one['repeat']} repeat items"
        for rater, one in counts.items()
    ]
    if made.left_out:
        lines.append(f"{len(made.left_out)} cases are left out, since a candidate failed on them.")
    lines.append(f"Send the sheets in {folder}; keep {paths[0]} to yourself.")
    document = {
        "study": made.id,
        "key": str(paths[0]),
        "sheets": [str(path) for path in paths[1:]],
        "raters": counts,
        "candidates": list(made.candidates),
        "left_out": dict(made.left_out),
    }
    emit(as_json, document, Text("\n".join(lines)))


@commands.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Sheets that came back: .csv, .xlsx, or the page's .json.")],
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Take sheets that came back, whole or in part. Exit code 1 if one has wrong rows; nothing of it is then taken.

    Examples:
        groundtune human import ana.csv ratings-s1f0c.json

    """
    from groundtune.comparison.human import human_report, take_sheets

    with opened(project, overrides) as opened_project:
        taken, problems, ratings = take_sheets(opened_project.workshop, study, files)
        checks = human_report(opened_project.workshop, study).raters
    document = {
        "files": [asdict(one) for one in taken],
        "problems": [asdict(one) for one in problems],
        "raters": [asdict(one) for one in checks],
        "ratings": str(ratings),
    }
    emit(as_json, document, Group(*_taken(taken, problems), _raters(checks)))
    if problems:
        raise typer.Exit(1)


@commands.command()
def report(
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show what people said of each candidate: means, differences, preferences, agreement, and who was left out.

    Example:
        groundtune human report --json

    """
    from groundtune.comparison.human import human_report

    with opened(project, overrides) as opened_project:
        found = human_report(opened_project.workshop, study)
    emit(as_json, asdict(found), _report(found))


# --- what the terminal shows ----------------------------------------------------------------------


def _taken(taken: list[Taken], problems: list[Problem]) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text(f"{one.file} ({one.rater or 'empty'}): {one.new} new, {one.changed} changed, {one.unchanged} unchanged")
        for one in taken
    ]
    for one in problems:
        place = f"{one.file}, row {one.row}" if one.row else one.file
        lines.append(Text(f"{place}: {one.reason}", style="red"))
    return lines


def _raters(checks: tuple[RaterCheck, ...]) -> Table:
    table = Table("rater", "filled in", "attention items missed", "same again when repeated", "left out")
    for one in checks:
        alike = [f"{column} {found.equal:.0%} of {found.pairs}" for column, found in one.consistency.items()]
        missed = f"{one.missed} of {one.attention}"
        table.add_row(one.rater, f"{one.filled} of {one.asked}", missed, ", ".join(alike) or "–", one.excluded or "–")
    return table


def _report(found: HumanReport) -> RenderableType:
    parts: list[RenderableType] = list(_figures(found.kept, found.candidates))
    parts.append(_raters(found.raters))
    if found.everybody is not None:
        parts.append(Text("The same with the raters who are left out above:", style="bold"))
        parts += _figures(found.everybody, found.candidates)
    if found.left_out:
        parts.append(Text(f"{len(found.left_out)} cases were not shown, since a candidate failed on them."))
    return Group(*parts)


def _figures(figures: Figures, candidates: Mapping[str, str]) -> list[RenderableType]:
    table = Table("", *candidates, "equal pairs", "kappa", "alpha", "answers")
    lines = []
    for one in figures.criteria:
        means = [_cell(one.means[name]) for name in candidates]
        table.add_row(one.criterion, *means, *_agreement(one.agreement))
        for pair in one.differences:
            found = pair.difference
            values = "–" if found.mean is None else f"{found.mean:+.2f}{_ends(found, '+.2f')}, p {pair.p_value:.3f}"
            lines.append(f"{one.criterion}: {pair.challenger} − {pair.baseline}: {values}: {pair.verdict}")
    chosen = figures.preference
    if chosen is not None:
        shares = [_cell(chosen.shares[name]) for name in candidates]
        table.add_row("preference", *shares, *_agreement(chosen.agreement))
        for each in chosen.pairs:
            groups = f"chosen more often in {each.groups_one} : {each.groups_other} groups, {each.groups_even} even"
            lines.append(f"preference: {each.one} : {each.other}: {groups}, exact p {each.p_value:.3f}")
        lines.append(f"{chosen.choices} choices: {chosen.equal} found all equal, {chosen.none} wanted none.")
    raters = ", ".join(figures.raters) or "nobody"
    heading = Text(f"{figures.ratings} ratings of {figures.cases} cases by {raters}; means with intervals")
    return [heading, table, Text("\n".join(lines))]


def _cell(found: Estimate) -> str:
    if found.mean is None:
        return "–\nn 0"
    return f"{found.mean:.2f}{_ends(found, '.2f')}\nn {found.scored}"


def _ends(found: Estimate, form: str) -> str:
    return "" if found.low is None or found.high is None else f" ({found.low:{form}} to {found.high:{form}})"


def _agreement(found: Agreement) -> tuple[str, str, str, str]:
    ends = f" ({found.alpha_interval[0]:.2f} to {found.alpha_interval[1]:.2f})" if found.alpha_interval else ""
    raw = "–" if found.raw is None else f"{found.raw:.0%}"
    kappa = "–" if found.kappa is None else f"{found.kappa:.2f}"
    alpha = "–" if found.alpha is None else f"{found.alpha:.2f}{ends}"
    return raw, kappa, alpha, str(found.answers)
