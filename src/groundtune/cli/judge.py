"""`groundtune judge`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, end_if_silent, opened
from groundtune.errors import InputError

commands = typer.Typer(
    no_args_is_help=True, help="Ask judges (language models that grade answers), and measure how far to trust them."
)
Answers = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help='JSONL file with {"id", "candidate", "answer"} on each line. Default: the records.'
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="judge")


@commands.command()
def calibrate(
    ratings: Annotated[Path, typer.Option(metavar="FILE", help="Human ratings of the answers: ratings.jsonl.")],
    answers: Answers = None,
    scale: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Scale that people rated on. Default: that of the rubric."),
    ] = None,
    pairs: Annotated[int, typer.Option(min=0, help="Most pairs to ask in both orders, for the position bias.")] = 50,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Compare the judges with human ratings of the same answers, and keep the result.

    Reports show the scores of a judge, but do not use them in the recommendation, until the judge has been calibrated
    and agrees with people at least as much as `[judge] least_agreement` requires.

    Examples:

        groundtune judge calibrate --ratings ratings.jsonl
        groundtune judge calibrate --ratings ratings.jsonl --answers answers.jsonl --scale 1,4 --json

    """
    from groundtune.comparison.calibrate import as_json as document
    from groundtune.comparison.report.calibration import shown
    from groundtune.evaluation.judge.grading import silent_judges

    with opened(project, overrides) as opened_project:
        calibration = opened_project.calibrate_judges(ratings, answers, _scale(scale), pairs)
    emit(as_json, document(calibration), shown(calibration))
    end_if_silent(silent_judges({one.scorer: one.silence for one in calibration.scorers if one.position is not None}))


@commands.command()
def prefer(
    candidate: Annotated[str, typer.Argument(help="Candidate.")],
    other: Annotated[str, typer.Argument(help="Candidate to compare it with.")],
    criterion: Annotated[
        str | None, typer.Option(help="Criterion to judge by. Default: that of the first rubric.")
    ] = None,
    answers: Answers = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Ask the judges which of two candidates gives the better answers.

    Each judge sees the answers to each case in both orders. If the order decides, the case is a tie.

    Example:

        groundtune judge prefer rag raft --criterion accuracy

    """
    from groundtune.comparison.report.calibration import preferences

    with opened(project, overrides) as opened_project:
        by_judge = opened_project.prefer(candidate, other, criterion, answers)
    document = {judge: asdict(preference) for judge, preference in by_judge.items()}
    emit(as_json, document, preferences(candidate, other, by_judge))
    end_if_silent(f"{name} preferred none: {one.reason}" for name, one in by_judge.items() if one.reason)


def _scale(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"`--scale {text}` is not two numbers.", remedy="Write --scale 1,5.") from None
    if not low < high:
        raise InputError(
            f"`--scale {text}` does not start with the lowest value.", remedy="Write the lowest value first, as in 1,5."
        )
    return low, high
