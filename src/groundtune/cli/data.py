"""`groundtune data`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened

if TYPE_CHECKING:
    from groundtune.assembly.data import DataCheck
    from groundtune.tuning.quality.findings import GateResult

SHOWN = 10  # findings on the terminal

commands = typer.Typer(no_args_is_help=True, help="Check training data, and repair it.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="data")


@commands.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Files or folders. Default: `examples`, `preferences` and `corpus` of `[tuning]`, as far as they "
            "exist.",
        ),
    ] = None,
    repair: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a repaired copy to this folder. The original is not changed."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the report. Default: PROJECT/report.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Check training data against the gates of `[data]`: the same checks as before tuning.

    Writes data.html, which shows the lines and what to do about them. The exit code is 1 if a gate does not pass,
    whether or not a repaired copy was written.

    A repaired copy has no broken, repeated, toxic or irrelevant lines, and none that give away the benchmark. Personal
    data is replaced by placeholders. Doubtful labels, contradictions and careless ratings are left out if their gate
    does not pass. docs/data.md explains each gate.

    Examples:

        groundtune data check
        groundtune data check training.jsonl --repair repaired
        groundtune data check --set data.near_duplicates=0.1

    """
    from groundtune.assembly.data import REPORT, write_data_report

    with opened(project, overrides) as opened_project:
        checked = opened_project.check_data(paths or (), repair)
        page = write_data_report(opened_project.assembly, checked, out or opened_project.folder / REPORT)
    emit(as_json, _document(checked, page), _shown(checked, page))
    if checked.report.failed:
        raise typer.Exit(1)


def _document(checked: DataCheck, page: Path) -> dict[str, object]:
    report, copy = checked.report, checked.repaired
    document: dict[str, object] = {
        "gates": list(map(asdict, report.gates)),
        "findings": list(map(asdict, report.findings)),
        "checked": report.checked,
        "repaired": report.repaired,
        "files": dict(report.files),
        "report": str(page),
    }
    if copy is not None:
        files = {name: None if path is None else str(path) for name, path in copy.files.items()}
        gates = list(map(asdict, copy.report.gates))
        document["repair"] = {"dropped": copy.dropped, "mended": copy.mended, "files": files, "gates": gates}
    return document


def _shown(checked: DataCheck, page: Path) -> Group:
    report = checked.report
    table = Table("gate", "", "value", "limit", "detail")
    for gate in report.gates:
        table.add_row(Text(gate.name), _verdict(gate), *_figures(gate), Text(gate.detail))
    findings = [
        Text(f"{finding.file}:{finding.line}: {finding.kind}: {finding.detail}") for finding in report.findings[:SHOWN]
    ]
    if len(report.findings) > SHOWN:
        findings.append(Text(f"and {len(report.findings) - SHOWN:,} more."))
    failed = f"Not passed: {', '.join(report.failed)}." if report.failed else "All gates passed."
    last = [Text(f"{report.checked:,} lines. {failed}", style="bold red" if report.failed else "bold green")]
    if checked.repaired is not None:
        last.append(Text(_repaired(checked)))
    return Group(table, *findings, *last, Text.assemble("Report: ", (str(page), "bold")))


def _repaired(checked: DataCheck) -> str:
    copy = checked.repaired
    if copy is None:
        return ""
    dropped = ", ".join(f"{count:,} {kind}" for kind, count in copy.dropped.items()) or "none"
    failed = copy.report.failed
    passes = f"It does not pass: {', '.join(failed)}." if failed else "It passes all gates."
    return f"Repaired copy: {copy.folder}. Lines left out: {dropped}. Lines mended: {copy.mended:,}. {passes}"


def _verdict(gate: GateResult) -> Text:
    if gate.value is None:
        return Text("–", style="dim")
    return Text("passed", style="green") if gate.passed else Text("FAILED", style="bold red")


def _figures(gate: GateResult) -> tuple[str, str]:
    return ("" if gate.value is None else f"{gate.value:.4g}", f"{gate.threshold:g}")
