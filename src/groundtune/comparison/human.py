"""Human evaluation of a finished comparison: takes its answers from the records to a study, and returns figures.

The place where records and benchmark meet the study. Knows no statistics and no file format of a sheet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from groundtune.assembly.assembly import Assembly
from groundtune.comparison.compare import select
from groundtune.comparison.latest import latest
from groundtune.comparison.report.data import Report, from_json
from groundtune.comparison.summary import PART
from groundtune.errors import InputError, NotComparable, SettingsError
from groundtune.evaluation.human.assign import AssignmentPlan, RatedCase, assign
from groundtune.evaluation.human.raters import RaterCheck, check_raters
from groundtune.evaluation.human.results import HumanReport, ratings, summarise
from groundtune.evaluation.human.returned import Problem, Taken, load_replies, save_replies, take
from groundtune.evaluation.human.sheets import write_sheets
from groundtune.evaluation.human.study import KEY_FILE, Study, read_key, write_key
from groundtune.files import write_jsonl
from groundtune.settings import HumanSettings
from groundtune.statistics import Method
from groundtune.values import Answer, Failure, digest

FOLDER = "human"
SHEETS = "sheets"
RATINGS_FILE = "ratings.jsonl"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What raters can be shown of the latest comparison; `source` names it."""

    source: str
    materials: dict[str, RatedCase]
    signatures: dict[str, str]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class Import:
    """What sheets brought and what is wrong with others, all raters as they are now, and the file of ratings."""

    files: tuple[Taken, ...]
    problems: tuple[Problem, ...]
    raters: tuple[RaterCheck, ...]
    ratings: Path


def make_study(
    assembly: Assembly, name: str, raters: Sequence[str], candidates: Sequence[str], now: datetime
) -> tuple[Study, list[Path]]:
    """Assign the answers of the latest comparison to raters as `[human]` says; write the key and the sheets and
    return their paths. No `candidates` are all that were compared.

    Raises `InputError` where there is no comparison, or already a study of this name; `NotComparable` if the
    benchmark has changed since; `SettingsError` for a name that cannot be used.
    """
    folder = study_folder(assembly, name)
    for rater in raters:
        _check_name(rater)
    settings = assembly.settings.human
    gathered = _gather(assembly, candidates)
    cases = select([material.case for material in gathered.materials.values()], settings.cases, settings.seed)
    shared = {case.id for case in select(cases, settings.overlap, settings.seed)}
    names = tuple(gathered.signatures)
    plan = AssignmentPlan(tuple(raters), names, settings.answers or len(names), settings.attention, settings.repeats)
    id = _identity(gathered, plan, settings, now)
    sheets = assign(
        id,
        [gathered.materials[case.id] for case in cases if case.id in shared],
        [gathered.materials[case.id] for case in cases if case.id not in shared],
        plan,
        np.random.default_rng(settings.seed),
    )
    study = Study(
        id=id,
        project=assembly.settings.project.name,
        created_at=now.isoformat(),
        seed=settings.seed,
        fingerprint=assembly.benchmark.fingerprint,
        candidates=gathered.signatures,
        sheets=sheets,
        left_out=gathered.left_out,
        source=gathered.source,
    )
    key = write_key(study, folder)
    return study, [
        key,
        *write_sheets(study, gathered.materials, folder / SHEETS, xlsx=find_spec("openpyxl") is not None),
    ]


def take_sheets(assembly: Assembly, name: str, paths: Sequence[Path]) -> Import:
    """Read sheets that came back, keep what they say, and write the study's ratings.jsonl.

    Ratings of raters who missed attention items are kept, and left out of ratings.jsonl.
    """
    folder = study_folder(assembly, name)
    study = read_key(folder)
    replies, taken, problems = take(paths, study, load_replies(folder))
    save_replies(folder, replies)
    checks = check_raters(study, replies)
    kept = [check.rater for check in checks if not check.excluded]
    write_jsonl(folder / RATINGS_FILE, (asdict(rating) for rating in ratings(study, replies, kept)))
    return Import(tuple(taken), tuple(problems), checks, folder / RATINGS_FILE)


def human_report(assembly: Assembly, name: str) -> HumanReport:
    """Return all figures of a study, from what has come back so far."""
    folder = study_folder(assembly, name)
    settings = assembly.settings.comparison
    return summarise(
        read_key(folder),
        load_replies(folder),
        method=Method(settings.confidence, settings.resamples, settings.margin),
        rng=np.random.default_rng(settings.seed),
    )


def study_folder(assembly: Assembly, name: str) -> Path:
    """Return where the study is or will be."""
    _check_name(name)
    return assembly.folder / FOLDER / name


def with_human_scores(assembly: Assembly, report: Report) -> Report:
    """Return the report with the studies that rated answers of these very runs, as far as sheets have come back.

    A study that some candidate's run has changed since is left out: its ratings are of other answers.
    """
    signatures = {candidate.name: candidate.signature for candidate in report.candidates}
    studies: dict[str, HumanReport] = {}
    notes = []
    for path in sorted((assembly.folder / FOLDER).glob(f"*/{KEY_FILE}")):
        try:
            study = read_key(path.parent)
            same = study.fingerprint == report.benchmark.fingerprint
            if same and all(signatures.get(name) == signature for name, signature in study.candidates.items()):
                scores = human_report(assembly, path.parent.name)
                if scores.kept.ratings:
                    studies[path.parent.name] = scores
        except InputError as error:  # hours of work must not end here
            notes.append(f"A human study is not shown: {error}")
    return replace(report, human=studies, notes=(*report.notes, *notes))


def _identity(gathered: _Gathered, plan: AssignmentPlan, settings: HumanSettings, now: datetime) -> str:
    """Studies of other answers, raters, settings or times have other ids, whatever the seed."""
    answers = [text for material in gathered.materials.values() for text in material.answers.values()]
    return "g" + digest(repr(plan), repr(settings), now.isoformat(), *gathered.signatures.values(), *answers)[:12]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"`{name}` cannot be a file name.", remedy="Use letters, digits, dots, dashes and underscores."
        )


def _gather(assembly: Assembly, wanted: Sequence[str]) -> _Gathered:
    """Return what the records hold of the latest comparison; a case that some candidate failed on cannot be shown."""
    found = latest(assembly)
    if found is None and assembly.records.latest_comparison() is not None:
        raise NotComparable(
            "the benchmark has changed since the latest comparison.", remedy="Run `groundtune compare` again."
        )
    if found is None:
        raise InputError("there is no comparison yet.", place=assembly.folder, remedy="Run `groundtune compare`.")
    report = from_json(found.report)
    compared = {result.name: result.signature for result in report.candidates}
    unknown = [name for name in wanted if name not in compared]
    if unknown:
        raise SettingsError(f"`{unknown[0]}` was not compared.", remedy=f"Compared candidates: {', '.join(compared)}.")
    signatures = {name: compared[name] for name in dict.fromkeys(wanted or compared)}
    outcomes = {name: _answers(assembly, name, signature) for name, signature in signatures.items()}
    cases = {case.id: case for case in assembly.benchmark.part(PART)}
    materials, left_out = {}, {}
    for id in (case.id for case in report.cases):
        given = {name: answers.get(id, Failure("no answer in the records")) for name, answers in outcomes.items()}
        texts = {name: outcome.text for name, outcome in given.items() if isinstance(outcome, Answer)}
        failed = [f"{name}: {outcome.reason}" for name, outcome in given.items() if isinstance(outcome, Failure)]
        if failed:
            left_out[id] = "; ".join(failed)
        else:
            materials[id] = RatedCase(cases[id], texts)
    return _Gathered(str(found), materials, signatures, left_out)


def _answers(assembly: Assembly, name: str, signature: str) -> Mapping[str, Answer | Failure]:
    wanted = (name, signature, assembly.benchmark.fingerprint, PART)
    for run in assembly.records.runs():
        if (run.candidate, run.signature, run.fingerprint, run.part) == wanted:
            return assembly.records.answers(run)
    raise InputError(f"the records hold no run of `{name}`.", remedy="Run `groundtune compare` again.")
