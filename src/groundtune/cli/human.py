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
    study: StudyName = "study",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Assign the latest comparison's answers to raters, and write a sheet for each and the key, which stays here.

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
    with opened(project, overrides) as opened_project:
        found = opened_project.import_ratings(files, study)
    document = {**asdict(found), "ratings": str(found.ratings)}
    emit(as_json, document, Group(*_taken(found), _raters(found.raters)))
    if found.problems:
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
    with opened(project, overrides) as opened_project:
        found = opened_project.human_report(study)
    emit(as_json, asdict(found), _report(found))


@commands.command()
def unexpected(
    per_kind: Annotated[int, typer.Option(min=1, help="So many queries of each kind.")] = 5,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the drafts go; PROJECT/unexpected.jsonl if not set.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Draft unexpected queries out of the benchmark: off-topic, typos, mixed languages, contradictory, hostile.

    Example:
        groundtune human unexpected --per-kind 8

    """
    from collections import Counter

    from groundtune.files import write_jsonl

    with opened(project, overrides) as opened_project:
        path = out or opened_project.folder / "unexpected.jsonl"
        if path.exists():
            raise InputError("is there already.", place=path, remedy="Name another file with --out, or delete it.")
        lines = opened_project.draft_unexpected(per_kind)
    write_jsonl(path, (line.model_dump(exclude_none=True) for line in lines))
    counts = dict(Counter(line.tags[-1] for line in lines))
    shown = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    text = Text(f"{path}: {len(lines)} drafts ({shown}). Approve, edit or reject each, then add them to the benchmark.")
    emit(as_json, {"file": str(path), "drafts": len(lines), "kinds": counts}, text)


# --- what the terminal shows ----------------------------------------------------------------------


def _taken(found: Import) -> list[RenderableType]:
    lines: list[RenderableType] = [
        Text(f"{one.file} ({one.rater or 'empty'}): {one.new} new, {one.changed} changed, {one.unchanged} unchanged")
        for one in found.files
    ]
    for one in found.problems:
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
    table = Table(Column("", min_width=11), *candidates, "equal pairs", "kappa", "alpha", "answers")
    for title, means, agreement in figures.lines:
        table.add_row(title, *(_cell(means[name]) for name in candidates), *_agreement(agreement))
    lines = []
    for one in figures.criteria:
        for pair in one.differences:
            found = pair.difference
            ends = "" if found.low is None or found.high is None else f" ({found.low:+.2f} to {found.high:+.2f})"
            values = "–" if found.mean is None else f"{found.mean:+.2f}{ends}, p {pair.p_value:.3f}"
            lines.append(f"{one.criterion}: {pair.challenger} − {pair.baseline}: {values}: {pair.verdict}")
    chosen = figures.preference
    if chosen is not None:
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
    ends = "" if found.low is None or found.high is None else f"\n{found.low:.2f}–{found.high:.2f}"
    return f"{found.mean:.2f}{ends}\nn {found.scored}"


def _agreement(found: RaterAgreement) -> tuple[str, str, str, str]:
    ends = f" ({found.alpha_interval[0]:.2f} to {found.alpha_interval[1]:.2f})" if found.alpha_interval else ""
    raw = "–" if found.raw is None else f"{found.raw:.0%}"
    kappa = "–" if found.kappa is None else f"{found.kappa:.2f}"
    alpha = "–" if found.alpha is None else f"{found.alpha:.2f}{ends}"
    return raw, kappa, alpha, str(found.answers)
