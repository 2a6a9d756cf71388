"""All checks over all lines of some files: one pass over the lines, and further ones over those that a check wants.

A new check is a file beside this one and its entry in `CHECKS`. Knows no check by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from groundtune.protocols import Progress, silent
from groundtune.tuning.formats import BrokenLine
from groundtune.tuning.quality import (
    annotators,
    contamination,
    contradictions,
    duplicates,
    labels,
    paraphrased,
    personal_data,
    relevance,
    representation,
    schema,
    toxic,
)
from groundtune.tuning.quality.check import Check, DataLine, Embed, LooksAgain, Mend, Surroundings, TakesBroken
from groundtune.tuning.quality.findings import CheckResult, QualityReport
from groundtune.tuning.quality.lines import DataFile, data_lines

_STEP = 1000  # lines between two reports of progress
_REMEMBERED = 50_000  # texts whose vectors are kept: several checks ask for the same
_READ = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Registered:
    """A check: what makes it, and what makes of its result a function that repairs texts, if it can."""

    check: Callable[[Surroundings], Check]
    mend: Callable[[Surroundings, CheckResult], Mend] | None = None


def _without_personal_data(around: Surroundings, result: CheckResult) -> Mend:
    """Look for names in every text, and not in a sample only, if the sample has some: that takes a model's time."""
    with_names = any(gate.name == "names" and gate.value for gate in result.gates)
    redact = personal_data.redactor(around, with_names=with_names)
    return lambda text: redact(text)[0]


CHECKS: tuple[Registered, ...] = (
    Registered(schema.check),
    Registered(duplicates.check),
    Registered(contamination.check),
    Registered(paraphrased.check),
    Registered(relevance.check),
    Registered(labels.check),
    Registered(contradictions.check),
    Registered(personal_data.check, _without_personal_data),
    Registered(toxic.check),
    Registered(annotators.check),
    Registered(representation.check),
)


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """The report, and what each check found for itself, in the order of the checks."""

    report: QualityReport
    results: tuple[CheckResult, ...]


def check_files(
    files: Sequence[DataFile],
    around: Surroundings,
    progress: Progress = silent,
    registered: Sequence[Registered] = CHECKS,
) -> CheckedFiles:
    """Check the lines of `files`. Raises `InputError` for a file that cannot be read at all."""
    if around.embed is not None:
        around = replace(around, embed=_remembering(around.embed))
    checks = [entry.check(around) for entry in registered]
    counts = _see(files, checks, progress)
    _see_again(files, checks, progress)
    results = []
    for number, check in enumerate(checks):
        progress("Drawing conclusions", number, len(checks))
        results.append(check.conclude())
    progress("Drawing conclusions", len(checks), len(checks))
    place = {file.name: number for number, file in enumerate(files)}
    findings = sorted(
        chain.from_iterable(result.findings for result in results),
        key=lambda finding: (place.get(finding.file, -1), finding.line),
    )
    gates = tuple(chain.from_iterable(result.gates for result in results))
    named = tuple((file.name, count) for file, count in zip(files, counts, strict=True))
    return CheckedFiles(QualityReport(gates, tuple(findings), sum(counts), files=named), tuple(results))


def _see(files: Sequence[DataFile], checks: Sequence[Check], progress: Progress) -> list[int]:
    """Show every line to every check; return the number of lines of each file."""
    total, done, counts = sum(map(_lines_in, files)), 0, []
    see = [check.see for check in checks]
    broken = [check for check in checks if isinstance(check, TakesBroken)]
    for file in files:
        count, last = 0, 0
        for line in data_lines(file):
            if line.line != last:  # a ranking makes several of one line
                count, last = count + 1, line.line
                if (done + count) % _STEP == 0:
                    progress("Checking lines", min(done + count, total), total)
            if isinstance(line, BrokenLine):
                for check in broken:
                    check.refuse(line.file, line.line, line.reason, line.remedy)
            else:
                for show in see:
                    show(line)
        if not count:
            for check in broken:
                check.refuse(file.name, 1, "contains nothing.", "Add data, or remove the file.")
        done += count
        counts.append(count)
    progress("Checking lines", total, total)
    return counts


def _see_again(files: Sequence[DataFile], checks: Sequence[Check], progress: Progress) -> None:
    """Read the files again for as long as a check wants to see lines of them."""
    curious: list[LooksAgain] = [check for check in checks if isinstance(check, LooksAgain)]
    reading = 0
    while True:
        takers: dict[int, list[LooksAgain]] = {}
        for check in curious:
            for number in check.wanted().tolist():
                takers.setdefault(number, []).append(check)
        if not takers:
            return
        reading += 1
        stage, total = f"Comparing lines, reading {reading}", len(takers)
        for number, line in _numbered(files):
            for check in takers.pop(number, ()):
                check.see_again(number, line)
            if number % _STEP == 0:
                progress(stage, total - len(takers), total)
            if not takers:
                break
        progress(stage, total, total)


def _numbered(files: Sequence[DataFile]) -> Iterator[tuple[int, DataLine]]:
    """Give the lines that are not broken the numbers that they have in the order of `_see`."""
    sound = (line for file in files for line in data_lines(file) if not isinstance(line, BrokenLine))
    return enumerate(sound)


def _lines_in(file: DataFile) -> int:
    """Return about how many lines a file has: the ends of lines in it."""
    with file.path.open("rb") as opened:
        return max(1, sum(block.count(b"\n") for block in iter(lambda: opened.read(_READ), b"")))


def _remembering(embed: Embed) -> Embed:
    known: dict[str, np.ndarray] = {}

    def remembering(texts: Sequence[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if len(known) + len(new) > _REMEMBERED:
            known.clear()
            new = list(dict.fromkeys(texts))
        if new:
            known.update(zip(new, np.asarray(embed(new), dtype=np.float32), strict=True))
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, 0), dtype=np.float32)

    return remembering
