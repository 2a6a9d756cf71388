"""`groundtune knowledge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._shared import (
    HERE,
    AsJson,
    Overrides,
    ProjectFolder,
    emit,
    flags,
    opened_knowledge,
    pieces,
    several,
)
from groundtune.values import EVERYONE

if TYPE_CHECKING:
    from groundtune.assembly.knowledge import KnowledgeBase
    from groundtune.knowledge.reading import ReadFile
    from groundtune.values import Chunk

_OF_AN_INDEX = ("knowledge.chunk_size", "knowledge.chunk_overlap")
commands = typer.Typer(
    no_args_is_help=True, help="See what is read of documents and what the store holds; move it to another store."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="knowledge")


@commands.command()
def read(
    files: Annotated[
        list[str],
        typer.Argument(help="Files, folders of files, or documents of sources by address."),
    ],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show what is read of files: their chunks as passages would have them, and what is left out.

    Needs no project; where there is one, its `[knowledge]` settings apply. Opens no store, loads no model, fetches
    nothing and writes nothing: of a document of a source, the copy is read that the last `ingest` made. If a file
    cannot be read, the exit code is 2.

    Examples:

        groundtune knowledge read prices.pdf
        groundtune knowledge read documents/plans --json
        groundtune knowledge read manual.docx --set knowledge.chunk_size=900
        groundtune knowledge read https://docs.example.com/plans

    """
    from groundtune.knowledge.reading import read_files

    documents = list(read_files(files, project, flags(overrides)))
    shown = Group(*map(_shown, documents)) if documents else Text("There are no documents.")
    emit(as_json, {"documents": [each.as_json() for each in documents]}, shown)
    if any(each.refused for each in documents):
        raise typer.Exit(2)


@commands.command("list")
def list_(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """List the documents in the store.

    Example:

        groundtune knowledge list

    """
    with opened_knowledge(project, overrides) as knowledge:
        documents = sorted(knowledge.documents_held())
        revision = knowledge.revision()
        places = {knowledge.indexes.place(index.name): index.filling for index in knowledge.indexes.all()}
        spaces = {space.kind: sorted(space.store.documents()) for space in knowledge.spaces_here()}
    shown = Text("\n".join([*documents, f"{several(len(documents), 'document')}, revision {revision}"]))
    if len(places) > 1:
        shown.append("\nIndexes:" + "".join(f"\n  {place}: {filling.told}" for place, filling in places.items()))
    for kind, embedded in spaces.items():
        shown.append(f"\nEmbedded as {kind}: {several(len(embedded), 'document')}.")
    told = {place: asdict(filling) for place, filling in places.items()}
    emit(as_json, {"documents": documents, "revision": revision, "indexes": told, "spaces": spaces}, shown)


@commands.command()
def show(
    document: Annotated[str, typer.Argument(help="A document, as `knowledge list` names it.")],
    fingerprint: Annotated[
        str | None,
        typer.Option("--revision", metavar="FINGERPRINT", help="Show the text that a citation with it was taken from."),
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Show what the store holds of a document: its chunks with their places, who may read it, and its metadata.

    With --revision, show the whole text as it was read at another time, also of a document that is gone. Citations in
    answers name it.

    Examples:

        groundtune knowledge show plans/brook.md
        groundtune knowledge show plans/brook.md --revision 2:0b83d4f1c7a95e62

    """
    if fingerprint is not None:
        _show_revision(document, fingerprint, project, as_json, overrides)
        return
    with opened_knowledge(project, overrides) as knowledge:
        held = knowledge.held(document)
        kept = knowledge.revisions.fingerprints(document)
        spaces = [space.kind for space in knowledge.spaces_here() if space.store.document(document) is not None]
    first = held.chunks[0]
    pairs = ", ".join(f"{key}: {value}" for key, value in first.metadata.items())
    text = Text.assemble((document, "bold"), f" ({several(len(held.chunks), 'chunk')})\n")
    text.append(f"{_readers(first.readable_by)}{f' {pairs}.' if pairs else ''}\n")
    text.append(f"Revisions that are kept: {', '.join(kept) or 'none'}.\n")
    text.append(f"Embedded as {' and '.join(spaces)}, too.\n" if spaces else "")
    chunks = [{**asdict(chunk), "id": chunk.id} for chunk in held.chunks]
    shown = {"document": document, "fingerprint": held.fingerprint, "kept_revisions": kept, "chunks": chunks}
    shown["spaces"] = spaces
    emit(as_json, shown, _chunks(text, held.chunks))


def _show_revision(document: str, fingerprint: str, project: Path, as_json: bool, overrides: list[str]) -> None:
    from groundtune.assembly.cited import SAID_OF_SOURCE

    with opened_knowledge(project, overrides) as knowledge:
        source = knowledge.source(document, fingerprint)
    said, revision = SAID_OF_SOURCE[source.state], source.revision
    shown: dict[str, object] = {"document": document, "fingerprint": fingerprint, "state": source.state, "said": said}
    text = Text.assemble((document, "bold"), f"\n{said}\n")
    if revision is not None:
        shown |= {"title": revision.document.title, "text": revision.document.text}
        text.append(f"\n{revision.document.text}\n")
    emit(as_json, shown, text)
    if revision is None:
        raise typer.Exit(1)


@commands.command()
def remove(
    documents: Annotated[list[str], typer.Argument(help="Documents, as `knowledge list` names them.")],
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Erase them: text, vectors, earlier revisions, and quotes in saved answers."),
    ] = False,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Remove documents from the store. Their files stay, and what sources have; `ingest` adds them again.

    Earlier revisions are kept for answers that cite them. With --forget nothing is kept, and a citation says that its
    source was withdrawn; what answers say in their own words, reports, and models that were tuned stay as they are.

    Examples:

        groundtune knowledge remove plans/brook.md
        groundtune knowledge remove letters/0815.pdf --forget

    """
    with opened_knowledge(project, overrides) as knowledge:
        sources = knowledge.sources
        elsewhere = [document for document in documents if document in sources]
        answers = 0
        if forget:
            answers = knowledge.forget(documents)
        else:
            knowledge.remove(documents)
        revision = knowledge.revision()
        there = [document for document in documents if (knowledge.documents / document).exists()]
    shown = Text(f"{several(len(documents), 'document')} {'erased' if forget else 'removed'}.")
    shown.append(f" {several(answers, 'saved answer')} quoted them, and does so no more." if answers else "")
    for document in there:
        shown.append(f"\nThe file {document} is still in the folder: the next `ingest` adds it again.", "yellow")
    for document in elsewhere:
        shown.append(f"\n{document} is still at its source: the next `ingest` adds it again.", "yellow")
    removed: dict[str, object] = {"removed": len(documents), "revision": revision, "answers_blanked": answers}
    removed |= {"files_left": there, "left_at_sources": elsewhere}
    emit(as_json, removed, shown)


@commands.command()
def rebuild(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Exchange the embedder, or how documents are split, while others go on asking.

    Builds another index beside the one in use, checks that it finds what is in it, and then writes those settings of
    --set into groundtune.toml: from then on they are used. The index of before stays: the same command with the earlier
    settings brings it up to date and goes back to it. Run it again after an interruption.

    Examples:

        groundtune knowledge rebuild --set embedding.name=hf:BAAI/bge-small-en-v1.5
        groundtune knowledge rebuild --set knowledge.chunk_size=900

    """
    from groundtune.settings import write_settings

    with opened_knowledge(project) as before, opened_knowledge(project, overrides) as knowledge:
        given = [key for key in flags(overrides) if key.startswith("embedding.") or key in _OF_AN_INDEX]
        earlier, now = ({key: _value(each, key) for key in given} for each in (before, knowledge))
        done = knowledge.rebuild()
        write_settings(knowledge.folder, now)
        place = knowledge.indexes.place(done.name)
    made = "built" if done.new else "brought up to date"
    text = f"The index at {place} was {made} ({several(done.report.chunks, 'chunk')} written, "
    text += f"{several(done.checked, 'document')} looked for and found)."
    if now:
        text += " groundtune.toml has the settings."
    if now != earlier:
        back = " ".join(f"--set {key}={value}" for key, value in earlier.items())
        text += f"\nTo go back: groundtune knowledge rebuild {back}"
    emit(as_json, {"index": place, "new": done.new, "checked": done.checked, **done.report.as_json()}, Text(text))
    if done.report.incomplete:
        raise typer.Exit(2)


def _value(knowledge: KnowledgeBase, key: str) -> object:
    """Return the value of a setting as groundtune.toml has it."""
    return reduce(getattr, key.split("."), knowledge.settings)


@commands.command()
def migrate(
    source: Annotated[str, typer.Argument(metavar="FROM", help="URL of the store to copy from.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="URL of the store to copy to.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Copy a knowledge base to another store, and compare both. Nothing is embedded again.

    Run it again after an interruption: what is there is not copied again. Then set `[knowledge] store` to the new one.

    Examples:

        groundtune knowledge migrate lancedb:.groundtune/knowledge postgresql://support@db.example.com/company
        groundtune knowledge migrate postgresql://support@db/company opensearch://search.example.com/support

    """
    with opened_knowledge(project, overrides) as knowledge:
        done = knowledge.migrate(source, target)
    shown = Text(
        f"{several(done.documents, 'document')} ({several(done.copied, 'document')} copied now), "
        f"{several(done.chunks, 'chunk')}: equal in both stores, revision {done.revision}. "
        "Set [knowledge] store to the new URL."
    )
    for space, documents in done.spaces.items():
        shown.append(f"\nSpace of {space}: {several(documents, 'document')}, equal in both stores.")
    emit(as_json, asdict(done), shown)


def _shown(file: ReadFile) -> Text:
    if file.refused:
        return Text.assemble((file.path, "bold"), ("\nRefused: ", "red"), f"{file.refused}\n")
    count = several(len(file.chunks), "chunk")
    text = _chunks(Text.assemble((f"{file.path}: {file.plain.title}", "bold"), f" ({count})\n"), file.chunks)
    for left_out in file.plain.left_out:
        text.append(f"\nLeft out: {pieces(left_out.count, left_out.kind)} ({left_out.reason})", "yellow")
    for note in file.plain.notes:
        text.append(f"\nNote: {note}", "yellow")
    narrowed = file.document.readable_by != EVERYONE
    if narrowed:
        text.append(f"\n{_readers(file.document.readable_by)}")
    return text.append("\n" if file.plain.left_out or file.plain.notes or narrowed else "")


def _readers(principals: Sequence[str]) -> str:
    return f"Readable by {', '.join(principals) or 'nobody'}."


def _chunks(text: Text, chunks: Sequence[Chunk]) -> Text:
    """Add chunks with their places."""
    for chunk in chunks:
        confidence = chunk.place.confidence
        sure = "" if confidence is None else f"confidence {confidence:.2f}, "
        place = f"{chunk.where}, {sure}" if chunk.where else sure
        text.append(f"\n{chunk.heading}", "cyan")
        text.append(f"  {place}characters {chunk.start}-{chunk.end}\n", "dim")
        text.append(f"{chunk.text}\n")
    return text
