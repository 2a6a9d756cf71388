"""Which comparison is "the latest one": of several candidates, finished, and of the benchmark as it is now.

An evaluation of single candidates does not take its place; where nothing was compared yet, it is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from groundtune.assembly.assembly import Assembly
from groundtune.comparison.summary import PART
from groundtune.records import RunRecord


@dataclass(frozen=True, slots=True)
class Latest:
    """A comparison in the records: when it was finished, the signatures of its candidates' runs, and its report."""

    created_at: datetime
    signatures: Mapping[str, str]
    report: Mapping[str, object]

    def __str__(self) -> str:
        noun = "comparison" if len(self.signatures) > 1 else "evaluation"
        return f"{noun} of {self.created_at:%Y-%m-%d %H:%M} UTC ({', '.join(self.signatures)})"


def latest(assembly: Assembly, fingerprint: str | None = None) -> Latest | None:
    """Return the latest comparison on the benchmark with this fingerprint, that of the present one if None."""
    record = assembly.records.latest_comparison(fingerprint or assembly.benchmark.fingerprint)
    if record is None:
        return None
    candidates = record.report.get("candidates")
    named = candidates if isinstance(candidates, dict) else {}
    return Latest(record.created_at, {name: str(each["signature"]) for name, each in named.items()}, record.report)


def latest_runs(assembly: Assembly, fingerprint: str | None = None) -> tuple[dict[str, RunRecord], Latest | None]:
    """Return the run of each candidate that counts, by name, and the comparison that those of its candidates are from.

    A candidate that was not compared has its latest finished run, and an unfinished one only where it has no other.
    """
    wanted = fingerprint or assembly.benchmark.fingerprint
    runs = [run for run in assembly.records.runs() if (run.fingerprint, run.part) == (wanted, PART)]
    compared = latest(assembly, wanted)
    signatures = compared.signatures if compared else {}
    runs.sort(key=lambda run: (signatures.get(run.candidate) == run.signature, run.finished_at is not None))
    return {run.candidate: run for run in runs}, compared
