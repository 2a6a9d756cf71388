"""What the commands share: their common options, opening the project, progress, and output."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
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
from groundtune.values import EVERYONE

if TYPE_CHECKING:
    from groundtune.evaluation.gate import Gate
    from groundtune.project import Project
    from groundtune.settings import ComparisonSettings

ProjectFolder = Annotated[Path, typer.Option("--project", metavar="DIR", help="The project's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, as in `--set tuning.steps=40`.")
]
Asker = Annotated[
    list[str],
    typer.Option(
        "--as",
        metavar="PRINCIPAL",
        help="Who asks, as `readable_by` names them; repeat it for several. Only the principals that you name count: "
        "`--as staff` does not read what is for everyone, `--as everyone --as staff` reads both.",
    ),
]
AS_EVERYONE = list(EVERYONE)
GatePath = Annotated[
    Path | None,
    typer.Option("--gate", metavar="FILE", help="Limits against an agreed baseline; exit code 1 if missed."),
]
HERE = Path()


def version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        print(f"groundtune {__version__}")
        raise typer.Exit


def flags(overrides: Sequence[str]) -> dict[str, object]:
    """Turn `KEY=VALUE` options into settings. Raises `SettingsError` for one without table, key or value."""
    found: dict[str, object] = {}
    for override in overrides:
        key, sign, value = override.partition("=")
        if not sign or "." not in key:
            raise SettingsError(f"`--set {override}` is not KEY=VALUE.", remedy="Write --set tuning.steps=40.")
        found[key.strip()] = _list(override, value) if value.strip().startswith("[") else value.strip()
    return found


def _list(override: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise SettingsError(
            f"`--set {override}` is no list.", remedy='Write it as in --set \'comparison.candidates=["base", "rag"]\'.'
        ) from None


@contextmanager
def opened(folder: Path, overrides: Sequence[str] = (), extra: dict[str, object] | None = None) -> Iterator[Project]:
    """Open the project, with a progress bar on stderr for as long as it is in use. Options win over `extra`."""
    from groundtune.project import open_project

    quiet_libraries()
    with progress_bar() as progress:
        yield open_project(folder, {**(extra or {}), **flags(overrides)}, progress)


@contextmanager
def progress_bar() -> Iterator[_Bar]:
    """Show stages on stderr; a line a stage where stderr is no terminal."""
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
        self._stage = ""
        self._task: TaskID | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._stage = stage
            self._task = self._bar.add_task(stage, total=total)
            if not self._console.is_terminal:
                print(f"{stage} ({total})", file=self._console.file, flush=True)
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total)


def quiet_libraries() -> None:
    """Keep libraries' notices to their own developers off the terminal; errors still come through."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def end_at_gate(
    gate: Gate | None, document: dict[str, Any], settings: ComparisonSettings, as_json: bool, shown: RenderableType
) -> None:
    """Print the document with what the gate says of it, and end with exit code 1 if a limit is missed."""
    if gate is None:
        emit(as_json, document, shown)
        return
    from groundtune.evaluation.gate import check_gate, gate_json
    from groundtune.evaluation.scorers import scorers
    from groundtune.evaluation.statistics import Method

    lower = [scorer.name for scorer in scorers(settings) if not getattr(scorer, "higher_is_better", True)]
    found = check_gate(gate, document, method=Method(settings.confidence, settings.resamples), lower_is_better=lower)
    lines = [Text(one.message, style="green" if one.passed else "bold red") for one in found]
    passed = all(one.passed for one in found)
    last = Text(f"Gate {gate.path}: {'passed' if passed else 'FAILED'}", style="bold green" if passed else "bold red")
    emit(as_json, {**document, "gate": gate_json(found)}, Group(shown, *lines, last))
    if not passed:
        raise typer.Exit(1)


def emit(as_json: bool, document: object, shown: RenderableType) -> None:
    """Print `document` as JSON, or `shown` for people."""
    if as_json:
        print(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        Console().print(shown)
