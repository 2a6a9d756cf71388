"""What can be done before there is a project: make one, score answers from anywhere, import a benchmark.

The command line is a thin layer over these functions, as it is over `Project`.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from groundtune.comparison.gate import Gate, GateFinding
from groundtune.comparison.gate import check_gate as check_against
from groundtune.comparison.gate import load_gate as read_gate
from groundtune.comparison.report.data import Report
from groundtune.errors import InputError, SettingsError
from groundtune.evaluation.benchmark.cases import load_benchmark
from groundtune.evaluation.benchmark.importers import Imported, Shares, read_set, write_imported
from groundtune.evaluation.predictions import Scoring, load_predictions, score_predictions
from groundtune.evaluation.scorers import known_scorers, scorers, scorers_for
from groundtune.evaluation.scorers.corpus_bleu import NAME as CORPUS_BLEU
from groundtune.files import write_text
from groundtune.protocols import Progress, silent
from groundtune.settings import FILE_NAME, ComparisonSettings, load, template
from groundtune.statistics import Method

EXAMPLES = ("telecom",)
_LEFT_OUT = shutil.ignore_patterns("sources", "make_*.py", ".groundtune", "report", "__pycache__")


def init(folder: str | Path, example: str = "") -> Path:
    """Make a project in `folder`: a commented groundtune.toml and a folder of documents, or a copy of an example.

    Raises `InputError` if there is one already, and `SettingsError` for an unknown example.
    """
    folder = Path(folder)
    if (folder / FILE_NAME).exists():
        raise InputError("is already a project.", place=folder, remedy="Name another folder.")
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder.", place=folder, remedy="Name another folder.")
    if example and example not in EXAMPLES:
        raise SettingsError(f"there is no example `{example}`.", remedy=f"Examples: {', '.join(EXAMPLES)}.")
    if example and folder.exists() and any(folder.iterdir()):
        raise InputError(
            "is not empty, and its files might be overwritten.", place=folder, remedy="Name another folder."
        )
    if example:
        shutil.copytree(example_folder(example), folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
    else:
        (folder / "documents").mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE_NAME, template(folder.resolve().name))
    return folder


def example_folder(name: str) -> Path:
    """Return where an example is: in the installed package, or in the checkout that is being developed."""
    installed = Path(str(files("groundtune"))) / "examples" / name
    checkout = Path(str(files("groundtune"))).parents[1] / "examples" / name
    return installed if installed.is_dir() else checkout


def score(
    predictions: str | Path,
    benchmark: str | Path,
    scorer: Sequence[str] = (),
    *,
    folder: str | Path = ".",
    flags: Mapping[str, object] | None = None,
    progress: Progress = silent,
) -> Scoring:
    """Score answers from any system (predictions.jsonl) against a benchmark, by the scorers named or all that apply,
    and by corpus BLEU, which costs nothing.

    Settings come from the project in `folder` where there is one; `flags` override them. Raises `InputError` for
    an invalid file, and for a scorer that needs something that the file does not hold.
    """
    settings = load(Path(folder), flags).settings
    comparison = settings.comparison
    cases = load_benchmark(Path(benchmark), settings.benchmark.development_share)
    answers = load_predictions(Path(predictions), cases)
    names = scorer or scorers_for(comparison, answers.facts)
    chosen = scorers(comparison, dict.fromkeys([*names, CORPUS_BLEU]), cases.cases)
    answers.refuse_unfounded(chosen)
    method = Method(comparison.confidence, comparison.resamples, comparison.margin)
    rng = np.random.default_rng(comparison.seed)
    return score_predictions(cases, answers, chosen, method=method, rng=rng, progress=progress)


def load_gate(path: str | Path, candidates: Collection[str] | None = None) -> Gate:
    """Read a gate and its baseline, before anything is run; `candidates` are those that will be compared.

    Raises `InputError` for an invalid file, and for a candidate that will not be run.
    """
    return read_gate(Path(path), candidates)


def check_gate(gate: Gate, run: Report | Scoring, settings: ComparisonSettings | None = None) -> list[GateFinding]:
    """Check a report or a scoring against a gate: a finding for each scorer that it limits.

    `settings` are those of `[comparison]`, the defaults if None. Raises `NotComparable` where benchmark, cases or a
    scorer's signature are not those of the baseline.
    """
    settings = settings or ComparisonSettings()
    if isinstance(run, Report):
        lower = [name for name, measure in run.scorers.items() if not measure.higher_is_better]
    else:
        lower = [name for name, known in known_scorers(settings).items() if not known.higher_is_better]
    method = Method(settings.confidence, settings.resamples)
    return check_against(gate, run, method=method, seed=settings.seed, lower_is_better=lower)


def import_benchmark(
    kind: str,
    source: str | Path,
    folder: str | Path = ".",
    shares: Shares | None = None,
    flags: Mapping[str, object] | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Imported:
    """Write documents, benchmark and training conversations of a question-answering set into the project `folder`.

    `shares` are those of training, development and test (0.5, 0.15 and 0.35 if None, and only for sets that name no
    parts of their own). `mapping` says by column which field it is, as in `{"Frage": "question"}`.

    Raises `SettingsError` for an unknown kind or field and `InputError` for an invalid set.
    """
    settings = load(Path(folder), flags).settings
    made = read_set(kind, Path(source), shares or Shares(), mapping or {})
    write_imported(
        made,
        Path(folder),
        documents=settings.knowledge.documents,
        cases=settings.benchmark.cases,
        examples=settings.tuning.examples,
    )
    return made
