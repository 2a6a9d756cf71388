"""`groundtune feedback`: what users think of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened, several

if TYPE_CHECKING:
    from groundtune.comparison.feedback_report import FeedbackReport, ResponseFigures, Satisfaction, WorstAnswer
    from groundtune.values import Estimate

commands = typer.Typer(no_args_is_help=True, help="See what users think of answers, and learn from it.")
_SHOWN = 300  # characters of an answer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="feedback")


@commands.command()
def report(
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="Count what was said from this day (UTC) on."),
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show how satisfied users are: by week, candidate and document, with intervals.

    A user is satisfied by 4 or 5 stars, or a thumb up. Also shows the complaints by class, the answers that were rated
    worst with what they rest on, and who answers at all when asked.

    Examples:

        groundtune feedback report
        groundtune feedback report --since 2026-09-01 --json

    """
    with opened(project, overrides) as opened_project:
        made = opened_project.feedback.report(None if since is None else since.replace(tzinfo=UTC))
    emit(as_json, asdict(made), Group(*_shown(made)))


@commands.command()
def export(
    file: Annotated[Path, typer.Argument(help="New file for the pairs, such as preferences.jsonl.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Write pairs of a better and a worse answer, out of ratings and corrections, for `groundtune tune preference`.

    Only conversations whose users consented are used. Personal data is replaced by placeholders; `groundtune data
    check` looks at the file once more.

    Example:

        groundtune feedback export preferences.jsonl

    """
    with opened(project, overrides) as opened_project:
        done = opened_project.feedback.export(file)
    lines = [
        f"{several(done.pairs, 'pair')} in {done.path} ({_listed(done.origins)}); personal data was replaced in "
        f"{done.redacted}."
    ]
    lines += [f"Left out: {count} ({reason})" for reason, count in done.left_out.items()]
    emit(as_json, {**asdict(done), "path": str(done.path)}, Text("\n".join(lines)))


def _shown(made: FeedbackReport) -> list[RenderableType]:
    heading = Text(f"{several(made.ratings, 'rating')} by {several(made.users, 'user')}", style="bold")
    parts: list[RenderableType] = [heading, *(Text(note, style="yellow") for note in made.notes)]
    if made.ratings:
        parts.append(_table(made))
    if made.complaints:
        parts.append(Text(f"Complaints: {_listed(made.complaints)}"))
    if made.response.conversations:
        parts.append(_response(made.response))
    parts += [_worst(each) for each in made.worst]
    return parts


def _table(made: FeedbackReport) -> Table:
    columns = [Column(name, justify="right") for name in ("satisfied", "stars", "ratings", "users")]
    table = Table(Column("answers"), *columns)
    table.add_row(*_row(made.overall))
    for title, rows in {"week": made.weeks, "candidate": made.candidates, "first document": made.topics}.items():
        table.add_section()
        table.add_row(Text(f"by {title}", style="bold"))
        for each in rows:
            table.add_row(*_row(each))
    return table


def _row(each: Satisfaction) -> tuple[str, str, str, str, str]:
    ratings = each.share.scored + each.share.unscored
    return each.name, _percent(each.share), _stars(each.stars), str(ratings), str(each.users)


def _response(figures: ResponseFigures) -> Text:
    silent = figures.conversations - figures.answered - figures.declined
    rated, unrated = map(_support, (figures.support_answered, figures.support_silent))
    lines = [
        f"Asked in {several(figures.conversations, 'conversation')}: {figures.answered} answered "
        f"({_percent(figures.rate)}), {figures.declined} declined, {silent} said nothing.",
        f"Satisfied where asked: {_percent(figures.asked)}; without being asked: {_percent(figures.unasked)}.",
        f"Support of the answers that were rated: {rated}; of those that were not: {unrated}.",
    ]
    return Text("\n".join(lines))


def _worst(each: WorstAnswer) -> Text:
    stars = "thumb down" if each.stars is None else several(each.stars, "star")
    complaint = f", {each.complaint}" if each.complaint else ""
    text = Text.assemble((f"\n{stars}, {each.candidate}{complaint}\n", "bold"))
    text.append(f"Question: {each.question}\nAnswer: {_cut(each.answer)}\n")
    for document, quote in each.passages:
        text.append(f"  {document}: {_cut(quote)}\n", "dim")
    return text.append(f"Said: {each.text}\n" if each.text else "")


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _percent(estimate: Estimate) -> str:
    from groundtune.comparison.wording import percent

    return _interval(estimate, percent)


def _stars(estimate: Estimate) -> str:
    return _interval(estimate, "{:.1f}".format)


def _support(estimate: Estimate) -> str:
    return _interval(estimate, "{:.2f}".format)


def _interval(estimate: Estimate, shown: Callable[[float], str]) -> str:
    mean, low, high = estimate.mean, estimate.low, estimate.high
    if mean is None:
        return "–"
    return shown(mean) if low is None or high is None else f"{shown(mean)} ({shown(low)} to {shown(high)})"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
