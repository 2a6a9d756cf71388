"""What the commands share: their common options, opening the project, progress, and output."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from groundtune import __version__
from groundtune.errors import SettingsError
from groundtune.files import json_text
from groundtune.secrets import masked
from groundtune.values import EVERYONE

if TYPE_CHECKING:
    from groundtune.assembly.knowledge import KnowledgeBase
    from groundtune.comparison.gate import GateFinding
    from groundtune.project import Project
    from groundtune.values import Difference

ProjectFolder = Annotated[Path, typer.Option("--project", metavar="DIR", help="Project folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a setting, as in `--set tuning.steps=40`. Repeat for several."
    ),
]
Asker = Annotated[
    list[str],
    typer.Option(
        "--as",
        metavar="PRINCIPAL",
        help="Who asks: a principal, as in `readable_by`. Repeat for several. Only the principals that you name count: "
        "`--as staff` does not read documents for everyone, `--as everyone --as staff` reads both.",
    ),
]
AS_EVERYONE = list(EVERYONE)
GatePath = Annotated[
    Path | None,
    typer.Option("--gate", metavar="FILE", help="Check against the limits in this file; exit code 1 if one is missed."),
]
HERE = Path()


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        print(f"groundtune {__version__}")
        raise typer.Exit


def flags(overrides: Sequence[str]) -> dict[str, object]:
    """Turn `KEY=VALUE` options into settings. Raises `SettingsError` for one without table, key or value."""
    settings: dict[str, object] = {}
    for override in overrides:
        key, sign, value = override.partition("=")
        if not sign or "." not in key:
            shown = f"`--set {key}{sign}…`" if sign else "`--set` without `=`"
            raise SettingsError(f"{shown} is not KEY=VALUE.", remedy="Write --set tuning.steps=40.")
        settings[key.strip()] = _list(override, value) if value.strip().startswith("[") else value.strip()
    return settings


def _list(override: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise SettingsError(
            f"`--set {override}` is not a JSON list.",
            remedy='Write a list as in --set \'comparison.candidates=["base", "rag"]\'.',
        ) from None


@contextmanager
def opened(folder: Path, overrides: Sequence[str] = (), *, quick: bool = False) -> Iterator[Project]:
    """Open the project, with a progress bar on stderr for as long as it is in use."""
    from groundtune.project import open_project

    quiet_libraries()
    with progress_bar() as progress, open_project(folder, flags(overrides), progress, quick=quick) as project:
        yield project


@contextmanager
def opened_knowledge(folder: Path, overrides: Sequence[str] = ()) -> Iterator[KnowledgeBase]:
    """Open the project's knowledge base, with a progress bar: quicker than the whole project."""
    from groundtune.assembly.opening import open_knowledge

    quiet_libraries()
    with progress_bar() as progress, open_knowledge(folder, flags(overrides), progress) as knowledge:
        yield knowledge


@contextmanager
def progress_bar() -> Iterator[_Bar]:
    """Show stages on stderr; one line for each stage if stderr is not a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield _Bar(bar, console)


class _Bar:
    """A `groundtune.protocols.Progress` on a rich progress display."""

    def __init__(self, bar: Progress, console: Console) -> None:
        self._bar = bar
        self._console = console
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total)
            if not self._console.is_terminal:
                print(f"{stage} ({total})", file=self._console.file, flush=True)
        self._bar.update(self._tasks[stage], completed=done, total=total)


def masked_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print an unexpected error as Python does, with passwords blanked; set as `sys.excepthook`."""
    print(masked("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


class _Told(logging.Handler):
    """Prints what groundtune logs on stderr, wherever that is now: a progress bar may have put itself in between."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = "warning: " if record.levelno >= logging.WARNING else ""
        print(f"groundtune: {kind}{masked(record.getMessage())}", file=sys.stderr)


def tell() -> None:
    """Show on stderr what a command has to say besides its result."""
    logger = logging.getLogger("groundtune")
    logger.setLevel(logging.INFO)
    if not any(isinstance(handler, _Told) for handler in logger.handlers):
        logger.addHandler(_Told())


def quiet_libraries() -> None:
    """Keep libraries' notices to their own developers off the terminal; errors still come through."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def end_at_gate(
    gate: Path | None,
    findings: Sequence[GateFinding] | None,
    document: dict[str, Any],
    as_json: bool,
    shown: RenderableType,
) -> None:
    """Print the document and the findings of the gate; end with exit code 1 if a limit is missed."""
    if findings is None:
        emit(as_json, document, shown)
        return
    from groundtune.comparison.gate import gate_json

    lines = [Text(finding.message, style="green" if finding.passed else "bold red") for finding in findings]
    passed = all(finding.passed for finding in findings)
    last = Text(f"Gate {gate}: {'passed' if passed else 'FAILED'}", style="bold green" if passed else "bold red")
    emit(as_json, {**document, "gate": gate_json(findings)}, Group(shown, *lines, last))
    if not passed:
        raise typer.Exit(1)


def end_if_silent(reasons: Iterable[str]) -> None:
    """Say on stderr why candidates or judges gave nothing at all, and end with exit code 1 if any did."""
    said = list(reasons)
    for reason in said:
        print(f"groundtune: {masked(reason)}", file=sys.stderr)
    if said:
        raise typer.Exit(1)


def pieces(count: int, kind: str) -> str:
    """Return what was left out, as in "3 × running head"."""
    return f"{count} × {kind}"


def several(count: int, what: str) -> str:
    """Return a number of things in words.

    >>> several(1, "chunk"), several(3, "chunk")
    ('1 chunk', '3 chunks')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def interval(difference: Difference) -> str:
    """Return a difference with its interval."""
    mean, low, high = difference.difference.mean, difference.difference.low, difference.difference.high
    if mean is None:
        return "–"
    return f"{mean:+.3f}" if low is None or high is None else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def emit(as_json: bool, document: object, shown: RenderableType) -> None:
    """Print `document` as JSON, or `shown` for people."""
    if as_json:
        print(json_text(document, indent=2))
    else:
        Console().print(shown)
