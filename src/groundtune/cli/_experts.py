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
    cases: Annotated[int, typer.Option(min=1, help="Drafts per kind; for paraphrase, groups of drafts.")] = 10,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help="Draft only this kind: single-document, multi-document, unanswerable, multi-turn or paraphrase. "
            "Repeat for several."
        ),
    ] = None,
    drafter: Annotated[
        str, typer.Option(help="Drafter: model, templates, or auto (templates if the model is a built-in one).")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the draw of passages.")] = 17,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Draft questions, quotes and ideal answers from the documents, for experts to approve, edit or reject.

    Drafts go to `[benchmark] drafts`, with the status "draft" and their author. Nothing uses them until they are
    approved with `groundtune benchmark review`. Unusable replies are counted and shown. Rerun to resume, or to add
    drafts; questions that the benchmark already asks are never drafted again.

    Examples:

        groundtune benchmark draft --cases 20
        groundtune benchmark draft --kind unanswerable --kind paraphrase --set model.name=openai:MODEL@BASE_URL

    """
    from groundtune.evaluation.benchmark.drafting import KINDS

    unknown = [name for name in kind or () if name not in KINDS]
    if unknown:
        raise SettingsError(f"no kind of case is called `{unknown[0]}`.", remedy=f"Choose one of: {', '.join(KINDS)}.")
    wanted = {cast("DraftKind", name): cases for name in kind or KINDS}
    with opened(project, overrides) as opened_project:
        author, tallies = opened_project.draft_benchmark(wanted, drafter, seed)
        drafts = opened_project.settings.benchmark.drafts
    document = {"author": author, "drafts": drafts, "kinds": {name: asdict(tally) for name, tally in tallies.items()}}
    emit(as_json, document, Group(*_drafted(tallies), Text(f"Drafted by {author}. The drafts are in {drafts}.")))


def _drafted(tallies: Mapping[DraftKind, Tally]) -> list[Table | Text]:
    table = Table("kind", "wanted", "existing", "new", "refused")
    notes: list[Text] = []
    for name, tally in tallies.items():
        table.add_row(name, str(tally.wanted), str(tally.there), str(tally.new), str(sum(tally.refused.values())))
        if tally.gave_up:
            given_up = f"{name}: gave up, because too many passages in a row gave no draft. Rerun to try others."
            notes.append(Text(given_up, style="red"))
        for reason, count in sorted(tally.refused.items(), key=lambda item: -item[1]):
            notes.append(Text(f"{name}: {count} refused, because {reason}.", style="yellow"))
            if reason in tally.said:
                notes.append(Text(f"    For example: {tally.said[reason][:_SHOWN]}"))
    return [table, *notes]


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New .xlsx, .csv or .jsonl file.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Write all cases, not only drafts, to edit approved ones.")
    ] = False,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Write drafts, or all cases, to a file in which experts approve, edit or reject them.

    Cells that a spreadsheet could take for a formula get a leading apostrophe, which `review` removes.

    Example:

        groundtune benchmark export review.xlsx

    """
    with opened(project, overrides) as opened_project:
        count = opened_project.export_benchmark(file, everything=everything)
    emit(as_json, {"file": str(file), "cases": count}, Text(f"{count} cases in {file}."))


def review(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Exported file with the decisions.")],
    reviewer: Annotated[str, typer.Option(help="Reviewer of the rows that name none.")] = "",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Apply the decisions that experts made in an exported file.

    The `status` of each row is approved, rejected or draft. Edits are recorded with the name of the reviewer, and
    decided drafts move to the benchmark. Untouched rows change nothing. If any row has a fault, nothing is changed and
    the exit code is 1.

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
        datetime | None,
        typer.Option("--date", metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="Date of the version. Default: today."),
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Freeze the benchmark as it is now, under a version number.

    A benchmark that has changed since it was frozen becomes the next version. Writes benchmark.lock next to the
    benchmark. If `groundtune benchmark check` finds a problem, nothing is written and the exit code is 1.

    Example:

        groundtune benchmark freeze --date 2026-11-24

    """
    with opened(project, overrides) as opened_project:
        frozen = opened_project.freeze_benchmark(day.date() if day else None)
    lock, changes = frozen.lock, frozen.changes
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
        **asdict(changes),
    }
    changed = {name: ids for name, ids in asdict(changes).items() if ids}
    since = f" Since the previous version: {changes}." if changed and lock.version > 1 else ""
    same = "" if changed else " Nothing has changed since."
    head = Text(f"Version {lock.version} of {lock.frozen}: {len(lock.cases)} cases.{since}{same}")
    emit(as_json, document, Group(head, *(Text(f"{name}: {', '.join(changed[name])}") for name in changed if since)))
