"""`groundtune search`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import AS_EVERYONE, HERE, AsJson, Asker, Overrides, ProjectFolder, emit, opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    number: Annotated[int, typer.Option("-k", min=1, help="How many passages.")] = 5,
    asker: Asker = AS_EVERYONE,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show the passages that are found for a question, with scores and sources.

    Examples:
        groundtune search "early termination fee" -k 3

        groundtune search "discounts" --as everyone --as staff

    """
    with opened(project, overrides) as opened_project:
        passages = opened_project.search(query, number, asker)
    rows = [
        {
            "document": passage.document,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
            "score": passage.score,
            "rank": passage.rank,
            "similarity": passage.similarity,
            "heading": passage.heading,
        }
        for passage in passages
    ]
    shown = [
        Text.assemble(
            (f"{passage.rank}. {passage.document}", "bold"),
            (f"  {passage.heading}  score {passage.score:.4f}", "dim"),
            f"\n{passage.text}\n",
        )
        for passage in passages
    ]
    emit(as_json, {"passages": rows}, Group(*shown) if shown else Text("Nothing found."))
