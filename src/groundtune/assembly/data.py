"""Training data, checked with what a project has to compare it with: benchmark, documents, encoder and judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np

from groundtune.assembly.judges import Judges
from groundtune.assembly.parts import ProjectParts
from groundtune.errors import InputError, NotInstalled
from groundtune.evaluation.benchmark.cases import Benchmark, asked
from groundtune.files import within
from groundtune.tuning.quality import relevance
from groundtune.tuning.quality.check import Embed, Surroundings
from groundtune.tuning.quality.findings import QualityReport
from groundtune.tuning.quality.gate import gate, short
from groundtune.tuning.quality.lines import DataFile, data_files
from groundtune.tuning.quality.page import Mended, write_page
from groundtune.tuning.quality.personal_data import redactor
from groundtune.tuning.quality.repair import Repaired, refuse_folder, repair
from groundtune.tuning.quality.run import CHECKS, Registered, check_files

REPORT = "report"


class DataParts(ProjectParts, Protocol):
    """The parts of a project that data are checked with. The project's `Assembly` is one."""

    @property
    def benchmark(self) -> Benchmark: ...  # noqa: D102

    @property
    def judges(self) -> Judges: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What the checks found in `files`, and the repaired copy, if one was asked for."""

    report: QualityReport
    files: tuple[DataFile, ...]
    around: Surroundings
    repaired: Repaired | None = None


_checked: WeakKeyDictionary[DataParts, dict[tuple[object, ...], DataCheck]] = WeakKeyDictionary()


def check_data(
    assembly: DataParts,
    paths: Sequence[Path] = (),
    repaired: Path | None = None,
    *,
    registered: Sequence[Registered] = CHECKS,
) -> DataCheck:
    """Check the files at `paths`, or those of `[tuning]`; write a repaired copy to the folder `repaired`, if given.

    Raises `InputError` for a path that cannot be read, and for a folder that must not hold a copy.
    """
    chosen = list(paths) or default_paths(assembly)
    if repaired is not None:
        refuse_folder(repaired, chosen)
    files = data_files(chosen, assembly.folder)
    around = surroundings(assembly)
    checked = check_files(files, around, assembly.progress, registered)
    if repaired is None:
        return DataCheck(checked.report, tuple(files), around)
    copy = repair(files, checked, around, repaired, assembly.progress)
    return DataCheck(replace(checked.report, repaired=str(copy.folder)), tuple(files), around, copy)


def default_paths(assembly: DataParts) -> list[Path]:
    """Return the files of `[tuning]` that exist. Raises `InputError` where there is none."""
    tuning = assembly.settings.tuning
    named = [within(assembly.folder, name) for name in (tuning.examples, tuning.preferences, tuning.corpus)]
    there = [path for path in named if path.exists()]
    if not there:
        raise InputError(
            "there is no training data.",
            place=assembly.folder,
            remedy="Name a file, or set `[tuning] examples`, `preferences` or `corpus`.",
        )
    return there


def surroundings(assembly: DataParts) -> Surroundings:
    """Return what the project has to compare training data with. What it does not have is left out."""
    questions, ideal = _benchmark(assembly)
    return Surroundings(
        assembly.settings.data,
        questions,
        ideal,
        assembly.knowledge.texts() if assembly.knowledge.documents.is_dir() else {},
        _embed(assembly),
        assembly.judges.judges[0][1].model if assembly.settings.judge.models else None,
        assembly.settings.tuning.seed,
    )


def _benchmark(assembly: DataParts) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return questions and ideal answers by case; that nothing is known may be said everywhere in the same words."""
    if not assembly.cases_file.is_file():
        return {}, {}
    cases = assembly.benchmark.cases
    questions = {case.id: asked(case.question, case.history) for case in cases}
    return questions, {case.id: case.ideal_answer for case in cases if case.answerable and case.ideal_answer}


def _embed(assembly: DataParts) -> Embed | None:
    """Return the encoder of `[embedding]`, opened when it is first asked; None where it is not installed."""
    try:
        encoder = assembly.knowledge.embedder
    except NotInstalled:
        return None

    def embed(texts: Sequence[str]) -> np.ndarray:
        assembly.progress("Comparing by meaning", 0, len(texts))
        vectors = encoder.embed(list(texts), "query")
        assembly.progress("Comparing by meaning", len(texts), len(texts))
        return vectors

    return embed


def write_data_report(assembly: DataParts, check: DataCheck, folder: Path) -> Path:
    """Write the page that shows the lines and what to do about them; return its path."""
    redact = redactor(check.around, with_names=False)
    copy = check.repaired
    mended = None if copy is None else Mended(str(copy.folder), copy.dropped, copy.mended, copy.report.gates)
    return write_page(
        check.report, check.files, folder, lambda text: redact(text)[0], mended, assembly.settings.project.name
    )


def gate_data(
    assembly: DataParts, paths: Sequence[Path], accept: Sequence[str] = (), *, relevant: bool = True
) -> tuple[tuple[Mapping[str, object], ...], tuple[str, ...]]:
    """Check the files that a technique uses, before it trains; return what an adapter's manifest keeps of it.

    That is what the gates said, and which of them did not pass and were accepted. Files that were checked before in
    this process, and have not changed since, are not checked again. Files that are not `relevant` need not be about the
    company. Raises `GateFailed` where a gate did not pass and is not in `accept`; the report that shows the lines is
    then in the project's `report` folder.
    """
    known = _checked.setdefault(assembly, {})
    key = (relevant, *((str(path), *_state(path)) for file in paths for path in _below(file)))
    if key not in known:
        registered = [each for each in CHECKS if relevant or each.check is not relevance.check]
        known[key] = check_data(assembly, paths, registered=registered)
    checked = known[key]
    page = write_data_report(assembly, checked, assembly.folder / REPORT) if checked.report.failed else None
    accepted = gate(checked.report, accept, page)
    return short(checked.report), accepted


def _below(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def _state(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written; data_files refuses one that is not there."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
