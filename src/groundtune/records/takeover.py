"""What groundtune 0.1 kept in files beside the records, taken into the table `kept` once; its other files blanked.

Knows those files as they were written: the fitted threshold, measured times, judgements, and how far judges agree
with people. Unreadable entries are logged and set aside, and are never an error: all of them can be made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Engine

from groundtune.files import write_text
from groundtune.records.blanking import blank_files, blanked_json, written_files
from groundtune.records.kept import put, texts
from groundtune.secrets import masked
from groundtune.values import digest

BESIDE = ".groundtune"
SET_ASIDE = ".skipped"
_BLANKED = "blanked files"
UNKNOWN_MACHINE = "unknown"  # the files did not say where times were measured

_log = logging.getLogger(__name__)
KeptRow = tuple[str, str, str]  # kind, key, value as JSON


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class _OldFitted(_Strict):
    threshold: float
    sensitivity: float | None
    specificity: float | None
    n: int
    note: str = ""


class _OldThreshold(_Strict):
    key: str
    value: _OldFitted

    def row(self) -> KeptRow:
        return "threshold", self.key, self.value.model_dump_json()


class _OldSeconds(_Strict):
    first_token: list[float]
    total: list[float]
    machine: str = UNKNOWN_MACHINE


class _OldLatency(_Strict):
    key: str
    value: _OldSeconds

    def row(self) -> KeptRow:
        return "latency", f"{self.key}@{self.value.machine}", self.value.model_dump_json()


class _OldJudgement(_Strict):
    key: str
    probabilities: dict[str, float]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rationale: str = ""

    def row(self) -> KeptRow:
        return "judgement", self.key, self.model_dump_json(exclude={"key"})


class _OldValue(_Open):
    value: float | None


class _OldAgreement(_Open):
    answers: int
    weighted_kappa: _OldValue


class _OldCalibrated(_Open):
    signature: str
    agreement: _OldAgreement


class _OldCalibration(_Open):
    scorers: dict[str, _OldCalibrated]

    def row(self) -> KeptRow:
        return "calibration", "latest", blanked_json(self.model_dump_json())


_OldEntry = _OldThreshold | _OldLatency | _OldJudgement | _OldCalibration


@dataclass(frozen=True, slots=True)
class _OldFile:
    """A file, what an entry of it is, and whether it holds an entry a line or a single one."""

    path: Path
    entry: type[_OldEntry]
    by_line: bool = False

    def entries(self) -> list[str]:
        """Return the texts of its entries. Raises `OSError`."""
        text = self.path.read_text(encoding="utf-8", errors="replace")
        return [piece for piece in (text.split("\n") if self.by_line else [text]) if piece.strip()]


def take_over(engine: Engine, folder: Path, clock: Callable[[], datetime]) -> None:
    """Take what lies in the state folder of the project in `folder` into the table, and remove the files.

    What is kept already stays, so that a kill before the files are removed does no harm. In reports, keys of studies
    and manifests, passwords are blanked, once for each folder that opens these records.
    """
    _blank_once(engine, folder, clock)
    for file in _files(folder / BESIDE):
        try:
            entries = file.entries()
        except FileNotFoundError:  # another process has just taken it over
            continue
        except OSError as error:
            _log.warning("%s cannot be read and was not imported into the records: %s.", file.path, error.strerror)
            continue
        rows, skipped = _rows(file, entries, clock().isoformat())
        with engine.begin() as connection:
            put(connection, rows, instead=False)
        _remove(file.path, skipped)


def _blank_once(engine: Engine, folder: Path, clock: Callable[[], datetime]) -> None:
    if not written_files(folder):
        return
    key = digest(str(folder.resolve()))
    with engine.connect() as connection:
        if texts(connection, _BLANKED, [key]):
            return
    if blank_files(folder):
        with engine.begin() as connection:
            row = {"kind": _BLANKED, "key": key, "value": "true", "saved_at": clock().isoformat()}
            put(connection, [row], instead=False)


def _files(state: Path) -> list[_OldFile]:
    files = [
        _OldFile(state / "threshold.json", _OldThreshold),
        *(_OldFile(path, _OldLatency) for path in sorted(state.glob("latency/*.json"))),
        _OldFile(state / "judgements.jsonl", _OldJudgement, by_line=True),
        _OldFile(state / "judge-calibration.json", _OldCalibration),
    ]
    return [file for file in files if file.path.is_file()]


def _rows(file: _OldFile, entries: Sequence[str], time: str) -> tuple[list[dict[str, str]], list[str]]:
    """Return the rows that the entries make, and the entries that make none."""
    rows: list[dict[str, str]] = []
    skipped: list[str] = []
    for text in entries:
        try:
            kind, key, value = file.entry.model_validate_json(text).row()
        except ValidationError:
            skipped.append(text)
        else:
            rows.append({"kind": kind, "key": key, "value": value, "saved_at": time})
    return rows, skipped


def _remove(path: Path, skipped: Sequence[str]) -> None:
    """Remove the file; skipped entries stay in a file of another name."""
    try:
        if skipped:
            aside = path.with_name(path.name + SET_ASIDE)
            write_text(aside, masked("\n".join(skipped)) + "\n")
            _log.warning("%s: unreadable entries: %d. They were moved to %s.", path, len(skipped), aside)
        path.unlink(missing_ok=True)
        if path.parent.name == "latency" and not any(path.parent.iterdir()):
            path.parent.rmdir()
    except OSError as error:
        _log.warning("%s was imported into the records but cannot be deleted: %s.", path, error.strerror)
