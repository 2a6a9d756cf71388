"""`groundtune search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import AS_EVERYONE, HERE, AsJson, Asker, Overrides, ProjectFolder, emit, opened
from groundtune.errors import SettingsError
from groundtune.values import Passage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(  # noqa: PLR0913 -- each is an option of the command
    query: Annotated[
        str | None, typer.Argument(help="Text to search for. May be left out with --file.", show_default=False)
    ] = None,
    number: Annotated[int, typer.Option("-k", min=1, help="Number of passages.")] = 5,
    asker: Asker = AS_EVERYONE,
    where: Annotated[
        list[str],
        typer.Option(metavar="KEY=VALUE", help="Search only documents with this metadata, as in `--where author=Ada`."),
    ] = [],  # noqa: B006 -- typer reads the default, nobody changes it
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A picture or recording: find documents that are like it.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Search the documents and show passages, with scores and sources.

    Searches exactly as a grounded candidate does, with the embedder, store and reranker of the project.

    With --file, a picture is compared with the pictures and a recording with the recordings in the store, by the
    encoder that `[embedding]` names. Without a query, the words that stand or are said in it are searched for, too.

    Examples:

        groundtune search "early termination fee" -k 3
        groundtune search "discounts" --as everyone --as staff
        groundtune search "early termination fee" --where author="Legal Department" --where date=2024-05-31
        groundtune search --file screenshot.png
        groundtune search "error on the display" --file photo.jpg

    """
    if query is None and file is None:
        raise typer.BadParameter("missing: give a text to search for, or --file.", param_hint="QUERY")
    conditions = _conditions(where)
    with opened(project, overrides) as opened_project:
        passages = opened_project.search(query or "", number, asker, conditions, file)
    shown = Group(*map(_shown, passages)) if passages else Text("Nothing found.")
    emit(as_json, {"passages": [_row(passage) for passage in passages]}, shown)


def _row(passage: Passage) -> dict[str, object]:
    return {
        "document": passage.document,
        **passage.place.as_json(),
        "text": passage.text,
        "score": passage.score,
        "rank": passage.rank,
        "similarity": passage.similarity,
        "heading": passage.heading,
        "also_in": list(passage.also_in),
    }


def _shown(passage: Passage) -> Text:
    return Text.assemble(
        (f"{passage.rank}. {passage.source}", "bold"),
        (f"  {passage.heading}  score {passage.score:.4f}", "dim"),
        f"\n{passage.text}\n",
        (f"Nearly the same in {', '.join(passage.also_in)}\n" if passage.also_in else "", "dim"),
    )


def _conditions(options: Sequence[str]) -> dict[str, str]:
    """Turn `KEY=VALUE` options into metadata. Raises `SettingsError` for a wrong form and for a key given twice."""
    conditions: dict[str, str] = {}
    for option in options:
        key, sign, value = (part.strip() for part in option.partition("="))
        if not sign or not key or not value:
            raise SettingsError(f"`--where {option}` is not KEY=VALUE.", remedy="Write --where author=Ada.")
        if key in conditions:
            raise SettingsError(
                f"`--where {key}=…` is given twice, but a document has only one value for each key.",
                remedy="Search once for each value.",
            )
        conditions[key] = value
    return conditions
