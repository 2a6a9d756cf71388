"""What works here: extras, built-in models, settings, memory and disk. Runs no model and opens no store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from groundtune.errors import GroundtuneError
from groundtune.extras import EXTRAS, command, missing
from groundtune.files import within
from groundtune.knowledge.embedding import media_embedder
from groundtune.knowledge.recognition import Recognition
from groundtune.models import builtin
from groundtune.secrets import masked
from groundtune.settings import FILE_NAME, ON_THIS_MACHINE, Settings, load
from groundtune.values import MediaKind

NEEDED_MEMORY, NEEDED_DISK = 6e9, 5e9


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """One thing that was checked."""

    what: str
    works: bool
    detail: str


def doctor(folder: str | Path = ".") -> list[DoctorCheck]:
    """Check what the project in `folder` needs, or what the defaults need where there is no project."""
    place = Path(folder)
    settings, about_project = _settings(place)
    needed = _needed(settings)
    extras = [_extra(name, name in needed) for name in EXTRAS]
    models = [_chat_model(settings), *_recognition(settings), *_media(settings)]
    return [about_project, *extras, *models, _memory(), _disk(place)]


def _needed(settings: Settings) -> set[str]:
    """Return the extras without which this project does not work."""
    encoders = {kind: str(getattr(settings.embedding, kind)) for kind in settings.embedding.media}
    models = [settings.model.name, settings.embedding.name, *encoders.values(), *settings.judge.models]
    sources = [each.url for each in settings.knowledge.sources]
    needs = {
        "local": any(name.startswith(ON_THIS_MACHINE) for name in models),
        "lancedb": str(settings.knowledge.store).startswith("lancedb:"),
        "ocr": "image" in encoders,
        "audio": "sound" in encoders,
        "aws": any(name.startswith(("bedrock:", "s3:")) for name in (*models, *sources)),
        "opensearch": str(settings.knowledge.store).startswith("opensearch"),
        "postgresql": any(str(url).startswith("postgres") for url in (settings.records.url, settings.knowledge.store)),
    }
    return {name for name, is_needed in needs.items() if is_needed}


def _extra(name: str, needed: bool) -> DoctorCheck:
    what = f"extra `{name}`: {EXTRAS[name].purpose}"
    absent = missing(name)
    if not absent:
        return DoctorCheck(what, True, "installed")
    if not needed:
        return DoctorCheck(what, True, f"not installed, not needed by this project. To install it: {command(name)}")
    return DoctorCheck(what, False, f"missing: {', '.join(absent)}. To install it: {command(name)}")


def _chat_model(settings: Settings) -> DoctorCheck:
    what = "built-in chat model"
    try:
        version = builtin.installed_version()
    except GroundtuneError as error:
        needed = settings.model.name.startswith("builtin:")
        return DoctorCheck(what, not needed, str(error) if needed else "not installed, not needed by this project")
    return DoctorCheck(what, True, f"{builtin.NAME}, {builtin.PACKAGE} {version}")


def _recognition(settings: Settings) -> Iterator[DoctorCheck]:
    """Look for what reads pictures and recordings. Only what is named and missing does not work."""
    recognition = Recognition(settings.knowledge)
    for what, part, without in (
        ("OCR of scans and pictures", lambda: recognition.ocr, recognition.without_ocr),
        ("transcription of recordings", lambda: recognition.speech, recognition.without_speech),
    ):
        try:
            has = part()
        except GroundtuneError as error:
            yield DoctorCheck(what, False, str(error))
        else:
            yield DoctorCheck(what, True, has.signature if has else f"none: these files are not read. {without}")


def _media(settings: Settings) -> Iterator[DoctorCheck]:
    """Look for the encoders of pictures and recordings. One of the hub is not fetched for this."""
    names: dict[MediaKind, str] = {"image": "pictures", "sound": "recordings"}
    for kind, files in names.items():
        what, name = f"encoder of {files}", str(getattr(settings.embedding, kind))
        if not name:
            without = "found by their words only" if kind == "image" else "found by what is said only"
            yield DoctorCheck(what, True, f"none: {files} are {without}. Name one in `[embedding] {kind}`.")
        elif name.startswith("hf:"):
            yield DoctorCheck(what, True, f"{masked(name)}, fetched when it is first needed")
        else:
            try:
                media_embedder(settings.embedding, kind)
            except GroundtuneError as error:
                yield DoctorCheck(what, False, str(error))
            else:
                yield DoctorCheck(what, True, masked(name))


def _settings(folder: Path) -> tuple[Settings, DoctorCheck]:
    """Return the project's settings, or the defaults if there are none, and the check of them."""
    if not (folder / FILE_NAME).is_file():
        return Settings(), DoctorCheck("project", True, f"no {FILE_NAME} in {folder.resolve()}: nothing to check")
    try:
        settings = load(folder).settings
    except GroundtuneError as error:
        return Settings(), DoctorCheck("project", False, str(error))
    absent = [
        name
        for name in (settings.knowledge.documents, settings.benchmark.cases, settings.tuning.examples)
        if not within(folder, name).exists()
    ]
    detail = f"missing: {', '.join(absent)}" if absent else f"model {masked(settings.model.name)}"
    return settings, DoctorCheck(f"project {masked(settings.project.name)}", not absent, detail)


def _memory() -> DoctorCheck:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return DoctorCheck("memory", True, "unknown")
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return DoctorCheck("memory", size >= NEEDED_MEMORY, f"{size / 1e9:.1f} GB ({NEEDED_MEMORY / 1e9:.0f} GB needed)")


def _disk(folder: Path) -> DoctorCheck:
    existing = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return DoctorCheck("disk", free >= NEEDED_DISK, f"{free / 1e9:.1f} GB free ({NEEDED_DISK / 1e9:.0f} GB needed)")
