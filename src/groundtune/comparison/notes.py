"""What a report has to say besides its figures, and the versions of what computed them."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from groundtune.assistant.abstention import Fitted
from groundtune.comparison.summary import PART
from groundtune.evaluation.benchmark.cases import Benchmark
from groundtune.evaluation.benchmark.versions import Lock, note

NAMED = 5  # documents that a note names
PACKAGES = ("groundtune", "torch", "transformers", "trl", "peft", "sentence-transformers", "lancedb", "sacrebleu")


def unread_documents(documents: Sequence[str]) -> list[str]:
    """Say which documents could not be read."""
    if not documents:
        return []
    names = ", ".join(documents[:NAMED]) + (", …" if len(documents) > NAMED else "")
    return [f"Documents that could not be read: {len(documents)} ({names}). `groundtune ingest` says why."]


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
            f"{benchmark.straddling_groups} groups have cases in the development and in the test part, as the "
            "benchmark's file puts them there."
        )
    return notes


def of_threshold(fitted: Fitted) -> str:
    """Say from which support on grounded candidates answer."""
    rates = ""
    if fitted.sensitivity is not None and fitted.specificity is not None:
        rates = (
            f" There it lets {fitted.sensitivity:.0%} of the answerable questions through and stops "
            f"{fitted.specificity:.0%} of the others."
        )
    return (
        f"Grounded candidates answer from a retrieval support of {fitted.threshold:.2f} on, a threshold fitted on "
        f"{fitted.n} development cases.{rates} {fitted.note}".strip()
    )


def versions() -> dict[str, str]:
    """Return the versions of what computes the figures, as far as installed."""
    known = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            known[package] = version(package)
        except PackageNotFoundError:
            continue
    return known
