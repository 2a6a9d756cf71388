"""What came of freezing a benchmark. A value."""

from __future__ import annotations

from dataclasses import dataclass

from groundtune.evaluation.benchmark.checks import BenchmarkFinding
from groundtune.evaluation.benchmark.versions import Changes, Lock


@dataclass(frozen=True, slots=True)
class Frozen:
    """The result of freezing: the version and its changes since the previous one, or the problems in its way."""

    lock: Lock | None
    changes: Changes
    problems: tuple[BenchmarkFinding, ...] = ()
