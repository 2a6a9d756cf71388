"""`groundtune judge`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.errors import InputError

commands = typer.Typer(no_args_is_help=True, help="Language models that judge answers, and how far to trust them.")
Answers = Annotated[
    Path | None,
    typer.Option(help='JSONL with {"id", "candidate", "answer"} a line, in the place of the answers in the records.'),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="judge")


@commands.command()
def calibrate(
    ratings: Annotated[Path, typer.Option(help="What people said of the answers: ratings.jsonl.")],
    answers: Answers = None,
    scale: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="The scale people rated on; that of the rubric if not set."),
    ] = None,
    pairs: Annotated[int, typer.Option(min=0, help="The most pairs asked in both orders for the position bias.")] = 50,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Hold the judges against human ratings of the same answers, and keep what was found.

    Until this was done, and as long as a judge agrees less with people than `[judge] least_agreement`, reports show
    its scores and keep them out of the recommendation.

    Examples:
        groundtune judge calibrate --ratings ratings.jsonl

        groundtune judge calibrate --ratings ratings.jsonl --answers answers.jsonl --scale 1,4 --json

    """
    from groundtune.comparison.calibrate import as_json as document
    from groundtune.comparison.report.calibration import shown

    with opened(project, overrides) as opened_project:
        found = opened_project.calibrate_judges(ratings, answers, _scale(scale), pairs)
    emit(as_json, document(found), shown(found))


@commands.command()
def prefer(
    one: Annotated[str, typer.Argument(help="A candidate.")],
    other: Annotated[str, typer.Argument(help="Another candidate.")],
    criterion: Annotated[str | None, typer.Option(help="The rubric; the first one if not set.")] = None,
    answers: Answers = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Ask the judges whose answers are better, each case in both orders; where the order decides, it is a tie.

    Example:
        groundtune judge prefer rag raft --criterion accuracy

    """
    from groundtune.comparison.report.calibration import preferences

    with opened(project, overrides) as opened_project:
        found = opened_project.prefer(one, other, criterion, answers)
    emit(as_json, {name: asdict(each) for name, each in found.items()}, preferences(one, other, found))


def _scale(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"`--scale {text}` are not two numbers.", remedy="Write --scale 1,5.") from None
    if not low < high:
        raise InputError(f"`--scale {text}` does not rise.", remedy="Write the lowest value first, as in 1,5.")
    return low, high
