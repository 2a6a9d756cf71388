"""`groundtune knowledge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, flags, pieces

if TYPE_CHECKING:
    from groundtune.knowledge.reading import ReadFile

commands = typer.Typer(no_args_is_help=True, help="See what is read of documents.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="knowledge")


@commands.callback()
def _group() -> None:
    """Keep `read` a command of its own while it is the only one."""


@commands.command()
def read(
    files: Annotated[list[Path], typer.Argument(help="Files, or folders of files, anywhere.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show what is read of files: their chunks as passages would have them, and what is left out.

    Needs no project; where there is one, its `[knowledge]` settings apply. Opens no store, loads no model and writes
    nothing. If a file cannot be read, the exit code is 2.

    Examples:

        groundtune knowledge read prices.pdf
        groundtune knowledge read documents/plans --json
        groundtune knowledge read manual.docx --set knowledge.chunk_size=900

    """
    from groundtune.knowledge.reading import read_files

    documents = list(read_files(files, project, flags(overrides)))
    shown = Group(*map(_shown, documents)) if documents else Text("There are no documents.")
    emit(as_json, {"documents": [each.as_json() for each in documents]}, shown)
    if any(each.refused for each in documents):
        raise typer.Exit(2)


def _shown(file: ReadFile) -> Text:
    if file.refused:
        return Text.assemble((file.path, "bold"), ("\nRefused: ", "red"), f"{file.refused}\n")
    count = f"{len(file.chunks)} chunk{'' if len(file.chunks) == 1 else 's'}"
    text = Text.assemble((f"{file.path}: {file.plain.title}", "bold"), f" ({count})\n")
    for chunk in file.chunks:
        place = f"{chunk.place.label}, " if chunk.place.label else ""
        text.append(f"\n{chunk.heading}", "cyan")
        text.append(f"  {place}characters {chunk.start}-{chunk.end}\n", "dim")
        text.append(f"{chunk.text}\n")
    for left_out in file.plain.left_out:
        text.append(f"\nLeft out: {pieces(left_out.count, left_out.kind)} ({left_out.reason})", "yellow")
    for note in file.plain.notes:
        text.append(f"\nNote: {note}", "yellow")
    return text.append("\n" if file.plain.left_out or file.plain.notes else "")
