"""A repaired copy of training data: lines that should not be there are left out, texts are mended by their checks.

The original is only read. The copy is checked in turn and repaired again, as what is mended may become a duplicate,
until nothing is left to repair. What needs a person, such as one group of people in most lines, stays.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundtune.errors import InputError
from groundtune.files import write_text
from groundtune.protocols import Progress, silent
from groundtune.tuning.quality.check import Mend, Surroundings
from groundtune.tuning.quality.findings import DefectKind, QualityReport
from groundtune.tuning.quality.lines import DataFile
from groundtune.tuning.quality.rewriting import Rewriting
from groundtune.tuning.quality.run import CHECKS, CheckedFiles, Registered, check_files

MARKER = ".groundtune-repair.json"
"""Lies in a folder that a repair has written: another repair may replace what it lists."""

ALWAYS: frozenset[DefectKind] = frozenset(("schema", "duplicate", "near_duplicate", "irrelevant", "toxic"))
"""Lines with such a finding are left out."""
IF_FAILED: frozenset[DefectKind] = frozenset(("contamination", "label", "contradiction", "annotator"))
"""Lines with such a finding are left out where a gate of their check did not pass: a few of them may be right."""
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Repaired:
    """The copy in `folder`: how many lines were left out, by kind, how many mended, and what the checks say of it.

    `files` are the copies by what their originals are called; None where nothing was left.
    """

    folder: Path
    dropped: Mapping[str, int]
    mended: int
    files: Mapping[str, Path | None]
    report: QualityReport


@dataclass(slots=True)
class _Changes:
    dropped: Counter[str] = field(default_factory=Counter)
    mended: int = 0


def refuse_folder(folder: Path, originals: Sequence[Path]) -> None:
    """Raise `InputError` for a folder in which a copy would be in the way of the original, or of other files."""
    own = folder.resolve()
    for original in originals:
        other = original.resolve()
        if other.is_relative_to(own) or (other.is_dir() and own.is_relative_to(other)):
            raise InputError(
                f"is or holds the original `{original}`, or is in it.", place=folder, remedy="Name another folder."
            )
    if own.exists() and (not own.is_dir() or (any(own.iterdir()) and not (own / MARKER).is_file())):
        what = "is not empty" if own.is_dir() else "is a file"
        raise InputError(f"{what}.", place=folder, remedy="Name a folder that does not exist yet.")


def repair(
    files: Sequence[DataFile],
    checked: CheckedFiles,
    around: Surroundings,
    folder: Path,
    progress: Progress = silent,
    registered: Sequence[Registered] = CHECKS,
) -> Repaired:
    """Write the repaired copy of `files`, of which `checked` says what is wrong with them, to `folder`.

    Call `refuse_folder` before the checks. Raises `InputError` if nothing is left.
    """
    tally = _Changes()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".groundtune-") as scratch:
        sources, state = list(files), checked
        for number in range(_ROUNDS):
            rewritten = Path(scratch, str(number))
            sources = _copy(sources, state, around, rewritten, tally, registered)
            if not sources:
                raise InputError(
                    "nothing is left after the repair.",
                    place=folder,
                    remedy="Check it without --repair, and look at the lines.",
                )
            state = check_files(sources, around, progress, registered)
            if not _to_repair(state):
                break
        left = _move(sources, rewritten, folder, tally)
    copies = {file.name: left.get(file.name) for file in files}
    return Repaired(folder, dict(tally.dropped), tally.mended, copies, state.report)


def _to_repair(checked: CheckedFiles) -> dict[str, dict[int, DefectKind]]:
    """Return by file which lines are left out, with the reason."""
    drop: dict[str, dict[int, DefectKind]] = defaultdict(dict)
    for result in checked.results:
        failed = not all(gate.passed for gate in result.gates)
        for finding in result.findings:
            if finding.kind in ALWAYS or (failed and finding.kind in IF_FAILED):
                drop[finding.file].setdefault(finding.line, finding.kind)
    return drop


def _mends(checked: CheckedFiles, around: Surroundings, registered: Sequence[Registered]) -> Mend | None:
    """Return what puts a text through all mends of checks that found something; None if there are none."""
    chosen = [
        entry.mend(around, result)
        for entry, result in zip(registered, checked.results, strict=True)
        if entry.mend is not None and (result.findings or not all(gate.passed for gate in result.gates))
    ]
    if not chosen:
        return None

    def mend(text: str) -> str:
        for repaired in chosen:
            text = repaired(text)
        return text

    return mend


def _copy(
    files: Sequence[DataFile],
    checked: CheckedFiles,
    around: Surroundings,
    folder: Path,
    tally: _Changes,
    registered: Sequence[Registered],
) -> list[DataFile]:
    """Return the copies, under the names of their originals; files of which nothing is left are not among them."""
    drop, mend = _to_repair(checked), _mends(checked, around, registered)
    names, copies = _names(files), []
    for file in files:
        rewriting = Rewriting(file.path, folder, names[file.name])
        rewriting.run(drop.get(file.name, {}), mend)
        tally.dropped.update(drop.get(file.name, {}).values())
        tally.mended += rewriting.mended
        if rewriting.path is not None:
            copies.append(DataFile(rewriting.path, file.name))
    return copies


def _names(files: Sequence[DataFile]) -> dict[str, str]:
    """Return what the copies are called: as the originals are below the project, else by their own names."""
    names: dict[str, str] = {}
    for number, file in enumerate(files):
        inside = not Path(file.name).is_absolute() and ".." not in Path(file.name).parts
        name = file.name if inside else file.path.name
        names[file.name] = f"{number}-{name}" if name in names.values() else name
    return names


def _move(files: Sequence[DataFile], scratch: Path, folder: Path, tally: _Changes) -> dict[str, Path]:
    """Move the copies to `folder`, in the place of those of an earlier repair."""
    marker = folder / MARKER
    if marker.is_file():
        for name in json.loads(marker.read_text(encoding="utf-8")).get("files", []):
            (folder / name).unlink(missing_ok=True)
    final: dict[str, Path] = {}
    for file in files:
        inside = file.path.relative_to(scratch)
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(file.path, target)
        final[file.name] = target
    written = [str(path.relative_to(folder)) for path in final.values()]
    told = {"files": written, "dropped": tally.dropped, "mended": tally.mended}
    write_text(marker, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    return final
