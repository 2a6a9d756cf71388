"""Versions of a benchmark: frozen in a small file beside it, and told apart case by case.

Knows fingerprints only. The date comes from the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from groundtune.errors import InputError
from groundtune.evaluation.benchmark.cases import Benchmark, fingerprint
from groundtune.files import read_text, write_text

_DIGITS = 12  # of a case's hash: enough to see that it changed


class Lock(BaseModel):
    """What `benchmark.lock` holds: the version's number, fingerprint and date, and each approved case's own hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1)
    fingerprint: str
    frozen: date
    cases: dict[str, str]


@dataclass(frozen=True, slots=True)
class Changes:
    """Ids of cases that differ between two versions."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return ", ".join(f"{len(ids)} {name}" for name, ids in parts if ids) or "nothing"


def lock_path(benchmark: Path) -> Path:
    """Return where the version of a benchmark is kept: beside it, with the suffix .lock."""
    return benchmark.with_suffix(".lock")


def read_lock(path: Path) -> Lock | None:
    """Return what was frozen, or None if nothing was. Raises `InputError` for a broken file."""
    if not path.is_file():
        return None
    try:
        return Lock.model_validate_json(read_text(path))
    except ValidationError as error:
        raise InputError(
            f"is not a valid lock of a benchmark: {error.errors()[0]['msg']}.",
            place=path,
            remedy="Restore it, or delete it and freeze again; versions then start at 1.",
        ) from None


def changes(lock: Lock | None, benchmark: Benchmark) -> Changes:
    """Return what differs from the frozen version; without one, every case is added."""
    before, now = ({} if lock is None else lock.cases), _hashes(benchmark)
    return Changes(
        added=tuple(id_ for id_ in now if id_ not in before),
        changed=tuple(id_ for id_ in now if id_ in before and before[id_] != now[id_]),
        removed=tuple(id_ for id_ in before if id_ not in now),
    )


def freeze(path: Path, benchmark: Benchmark, day: date) -> tuple[Lock, Changes]:
    """Write the lock of this version to `path`; a benchmark that is as it was frozen keeps its version and date."""
    before = read_lock(path)
    if before is not None and before.fingerprint == benchmark.fingerprint:
        return before, Changes()
    differences = changes(before, benchmark)
    version = 1 if before is None else before.version + 1
    lock = Lock(version=version, fingerprint=benchmark.fingerprint, frozen=day, cases=_hashes(benchmark))
    write_text(path, lock.model_dump_json(indent=1) + "\n")
    return lock, differences


def note(lock: Lock | None, benchmark: Benchmark) -> str | None:
    """Return what a report has to say of the version, or None if nothing was frozen or all is as it was."""
    if lock is None or lock.fingerprint == benchmark.fingerprint:
        return None
    return (
        f"The benchmark has changed since version {lock.version} was frozen on {lock.frozen}: "
        f"{changes(lock, benchmark)}. These results cannot be compared with results of that version."
    )


def _hashes(benchmark: Benchmark) -> dict[str, str]:
    return {case.id: fingerprint([case])[:_DIGITS] for case in benchmark.cases}
