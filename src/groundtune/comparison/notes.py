"""The notes of a report, and the versions of what computed its figures."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from groundtune.assistant.abstention import Fitted
from groundtune.comparison.summary import PART
from groundtune.comparison.table import Scores
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.benchmark.versions import Lock, note
from groundtune.evaluation.remarks import remarks

NAMED = 5  # documents that a note names
PACKAGES = ("groundtune", "torch", "transformers", "trl", "peft", "sentence-transformers", "lancedb", "sacrebleu")


def unread_documents(documents: Sequence[str]) -> list[str]:
    """Say which documents could not be read."""
    if not documents:
        return []
    names = ", ".join(documents[:NAMED]) + (", …" if len(documents) > NAMED else "")
    count = f"{len(documents)} documents" if len(documents) > 1 else "1 document"
    return [f"{count} could not be read ({names}). Run `groundtune ingest` to see why."]


def of_benchmark(benchmark: Benchmark, lock: Lock | None, cases: int) -> list[str]:
    """Say what of the benchmark was not run, and how it differs from what was frozen."""
    frozen = note(lock, benchmark)
    notes = [] if frozen is None else [frozen]
    whole = len(benchmark.part(PART))
    if cases < whole:
        notes.append(f"Run on {cases} of the {whole} test cases, drawn across all groups.")
    if benchmark.drafts or benchmark.rejected:
        notes.append(f"Not used: {benchmark.drafts} draft and {benchmark.rejected} rejected cases.")
    if benchmark.straddling_groups:
        notes.append(
            f"{benchmark.straddling_groups} groups have cases in both the development and the test part, because the "
            "benchmark file puts them there."
        )
    return notes


def of_scores(runs: Sequence[Scores]) -> list[str]:
    """Say what the scores of all candidates rest on, such as texts that an encoder read in part."""
    names = dict.fromkeys(name for scores in runs for name in scores)
    return remarks({name: [score for scores in runs for score in scores.get(name, ())] for name in names})


def of_threshold(fitted: Fitted) -> str:
    """Say how much support grounded candidates need to answer."""
    answer = f"Grounded candidates answer only if the retrieval support is at least {fitted.threshold:.2f}"
    if not fitted.n:
        return f"{answer}. {fitted.note}".strip()
    rates = ""
    if fitted.sensitivity is not None and fitted.specificity is not None:
        rates = (
            f" On those, it lets {fitted.sensitivity:.0%} of the answerable questions through and stops "
            f"{fitted.specificity:.0%} of the others."
        )
    return f"{answer}, a threshold fitted on {fitted.n} development cases.{rates} {fitted.note}".strip()


def versions() -> dict[str, str]:
    """Return the versions of what computes the figures, as far as installed."""
    known = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            continue
    return known
