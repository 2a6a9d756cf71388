"""`groundtune benchmark draft|export|review|freeze`: what experts need to make a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.errors import SettingsError

if TYPE_CHECKING:
    from groundtune.evaluation.benchmark.drafting import DraftKind
    from groundtune.evaluation.benchmark.drafting.drafts import Tally

_SHOWN = 200  # characters of what a drafter said


def draft(
    cases: Annotated[int, typer.Option(min=1, help="So many of every kind; of wordings, so many groups.")] = 10,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this kind; may be given again: single-document, multi-document, unanswerable, multi-turn, "
            "paraphrase."
        ),
    ] = None,
    drafter: Annotated[
        str, typer.Option(help="model, templates, or auto: templates where the model is a built-in one.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Which passages are drawn, and in which order.")] = 17,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Propose questions, quotes and ideal answers from the documents, for experts to approve, edit or reject.

    Drafts go to `[benchmark] drafts` with the status "draft" and who drafted them; nothing uses them before they are
    approved with `groundtune benchmark review`. Replies that cannot be used are counted and shown. Interrupted or
    called again, it goes on from where it was, and never asks what the benchmark asks already.

    Examples:
        groundtune benchmark draft --cases 20

        groundtune benchmark draft --kind unanswerable --kind paraphrase --set model.name=openai:MODEL@BASE_URL

    """
    from groundtune.evaluation.benchmark.drafting import KINDS

    unknown = [name for name in kind or () if name not in KINDS]
    if unknown:
        raise SettingsError(f"no kind of case is called `{unknown[0]}`.", remedy=f"Known here: {', '.join(KINDS)}.")
    wanted = {cast("DraftKind", name): cases for name in kind or KINDS}
    with opened(project, overrides) as opened_project:
        author, tallies = opened_project.draft_benchmark(wanted, drafter, seed)
        drafts = opened_project.settings.benchmark.drafts
    document = {"author": author, "drafts": drafts, "kinds": {name: asdict(one) for name, one in tallies.items()}}
    emit(as_json, document, Group(*_drafted(tallies), Text(f"By {author}, in {drafts}.")))


def _drafted(tallies: Mapping[DraftKind, Tally]) -> list[Table | Text]:
    table = Table("kind", "wanted", "there", "new", "refused")
    notes: list[Text] = []
    for name, tally in tallies.items():
        table.add_row(name, str(tally.wanted), str(tally.there), str(tally.new), str(sum(tally.refused.values())))
        if tally.gave_up:
            given_up = f"{name}: given up, for too many passages in a row gave nothing. Called again, it tries others."
            notes.append(Text(given_up, style="red"))
        for reason, count in sorted(tally.refused.items(), key=lambda one: -one[1]):
            notes.append(Text(f"{name}: {count} times {reason}.", style="yellow"))
            if reason in tally.said:
                notes.append(Text(f"    such as: {tally.said[reason][:_SHOWN]}"))
    return [table, *notes]


def export(
    file: Annotated[Path, typer.Argument(help="A new .xlsx, .csv or .jsonl file.")],
    everything: Annotated[
        bool, typer.Option("--all", help="All cases, not only drafts: to edit what is approved.")
    ] = False,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Write drafts, or all cases, to a file in which an expert approves, edits or rejects them.

    Cells that a spreadsheet could take for a formula get an apostrophe in front, which `review` takes away.

    Example:
        groundtune benchmark export review.xlsx

    """
    with opened(project, overrides) as opened_project:
        count = opened_project.export_benchmark(file, everything=everything)
    emit(as_json, {"file": str(file), "cases": count}, Text(f"{count} cases in {file}."))


def review(
    file: Annotated[Path, typer.Argument(help="An exported file with decisions in it.")],
    reviewer: Annotated[str, typer.Option(help="Who reviewed, for rows that name nobody.")] = "",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Take over what experts decided in an exported file. Exit code 1, and nothing changed, if a row has a fault.

    A row's `status` becomes approved or rejected (or stays a draft), edits are noted with who made them, and decided
    drafts move to the benchmark. Rows that nobody touched change nothing.

    Example:
        groundtune benchmark review review.xlsx --reviewer Ana

    """
    with opened(project, overrides) as opened_project:
        done = opened_project.review_benchmark(file, reviewer)
    counts = dict(done.counts)
    lines = [Text(f"{file}: {fault}", style="red") for fault in done.faults]
    told = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no rows"
    summary = f"Nothing was changed: {len(lines)} faults." if lines else f"{told[:1].upper()}{told[1:]}."
    emit(as_json, {"counts": counts, "faults": done.faults}, Group(*lines, Text(summary)))
    if done.faults:
        raise typer.Exit(1)


def freeze(
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The date of the version; today if not set.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Freeze the benchmark as it is; if it has changed since, it becomes the next version.

    Writes benchmark.lock beside it. Exit code 1, and nothing written, if `groundtune benchmark check` finds a problem.

    Example:
        groundtune benchmark freeze --date 2026-11-24

    """
    with opened(project, overrides) as opened_project:
        frozen = opened_project.freeze_benchmark(day.date() if day else None)
    lock, found = frozen.lock, frozen.changes
    if lock is None:
        text = f"Not frozen: {len(frozen.problems)} problems. Run groundtune benchmark check."
        emit(as_json, {"frozen": False, "problems": list(map(asdict, frozen.problems))}, Text(text, style="red"))
        raise typer.Exit(1)
    document = {
        "frozen": True,
        "version": lock.version,
        "fingerprint": lock.fingerprint,
        "date": lock.frozen.isoformat(),
        "cases": len(lock.cases),
        **asdict(found),
    }
    changed = {name: ids for name, ids in asdict(found).items() if ids}
    since = f" Since the version before: {found}." if changed and lock.version > 1 else ""
    same = "" if changed else " Nothing has changed since."
    head = Text(f"Version {lock.version} of {lock.frozen}: {len(lock.cases)} cases.{since}{same}")
    emit(as_json, document, Group(head, *(Text(f"{name}: {', '.join(changed[name])}") for name in changed if since)))
