"""`groundtune ingest`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened_knowledge, pieces
from groundtune.errors import SettingsError, StoreError

if TYPE_CHECKING:
    from groundtune.assembly.knowledge import KnowledgeBase
    from groundtune.knowledge.ingest import IngestReport

MOST_TOLD = 20  # documents of which what was left out is shown one by one


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ingest)


def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files or folders to ingest. Default: the whole documents folder, and the sources."),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read, and fetch, what seems unchanged, too.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: ingest again whenever a document changes, until Ctrl+C.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at the folder, for --watch.")] = 2.0,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Bring the knowledge store up to date with the documents.

    Adds new documents, updates changed ones, removes deleted ones and skips the rest. A file whose size and time of
    change are as they were is not read; --verify reads it. Of the sources in `[knowledge] sources`, what is new or has
    changed is fetched; --verify fetches all of it.

    With --watch, a document is ingested once it has not changed for --every seconds, so that a half-written one is not
    read; --json then prints one document a line. Sources are looked at whenever something in the folder changes.

    Documents that cannot be read are reported with the reason, and the exit code is then 2; all others are ingested.
    What was left out of each document is said and counted.

    Examples:

        groundtune ingest
        groundtune ingest documents/plans --json
        groundtune ingest --watch

    """
    if watch and paths:
        raise SettingsError("--watch watches the whole documents folder.", remedy="Leave the paths out.")
    with opened_knowledge(project, overrides) as knowledge:
        if watch:
            _watch(knowledge, every, verify=verify, as_json=as_json)
            return
        report = knowledge.ingest(paths, verify=verify)
    emit(as_json, report.as_json(), _shown(report))
    if report.incomplete:
        raise typer.Exit(2)


def _watch(knowledge: KnowledgeBase, every: float, *, verify: bool, as_json: bool) -> None:
    """Ingest now and after each change. What fails is said, and tried again with the next change."""
    from groundtune.knowledge.watch import changes

    try:
        for _ in changes(knowledge.documents, every):
            try:
                report = knowledge.ingest(verify=verify)
            except StoreError as error:
                print(error, file=sys.stderr, flush=True)
                continue
            if as_json:
                print(json.dumps(report.as_json(), ensure_ascii=False), flush=True)
            else:
                Console().print(Text.assemble((f"{datetime.now():%H:%M:%S} ", "dim"), _shown(report)))
    except KeyboardInterrupt:
        return


def _shown(report: IngestReport) -> Text:
    text = Text(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {report.removed} removed, "
        f"{len(report.failed)} failed; {report.chunks} chunks in {report.seconds:.1f} s"
    )
    for source in report.sources:
        if source.listed is not None:
            text.append(
                f"\n{source.source}: {source.listed} listed, {source.fetched} fetched, {source.unchanged} unchanged, "
                f"{source.removed} removed"
            )
    if report.reread:
        text.append(
            f"\n{report.reread} of the changed documents had been read by an earlier groundtune, which lost parts of "
            "documents. They were read again, once."
        )
    if cut := report.cut_by_embedder:
        text.append(
            f"\n{cut} {'chunk is' if cut == 1 else 'chunks are'} longer than the embedder reads: what stands at the "
            "end is found by its words only, not by its meaning. Lower `knowledge.chunk_size`.",
            style="yellow",
        )
    for space in report.spaces:
        text.append(
            f"\n{space.embedded} embedded as {space.kind}, {space.unchanged} unchanged, {space.removed} removed, "
            f"{len(space.failed)} failed"
        )
        for document, reason in space.failed:
            text.append(f"\n  {document}, not embedded: {reason}", style="red")
    for document, reason in report.failed:
        text.append(f"\n  {document}: {reason}", style="red")
    for reason, count in sorted(Counter(reason for _, reason in report.ignored).items()):
        text.append(f"\nIgnored: {pieces(count, reason)}")
    _say_what_was_left_out(report, text)
    return text


def _say_what_was_left_out(report: IngestReport, text: Text) -> None:
    told = [contents for contents in report.contents if contents.left_out or contents.notes]
    for contents in told[:MOST_TOLD]:
        left_out = ", ".join(pieces(each.count, each.kind) for each in contents.left_out)
        said = [f"left out {left_out}." if left_out else "", *contents.notes]
        text.append(f"\n  {contents.document}: {' '.join(filter(None, said))}", style="dim")
    if len(told) > MOST_TOLD:
        total: Counter[str] = Counter()
        for contents in told:
            total.update({each.kind: each.count for each in contents.left_out})
        everything = ", ".join(pieces(count, kind) for kind, count in sorted(total.items()))
        text.append(
            f"\n  … and {len(told) - MOST_TOLD} more documents; `--json` lists them all. In all {len(told)}, left out: "
            f"{everything or 'nothing'}.",
            style="dim",
        )
