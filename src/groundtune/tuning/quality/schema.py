"""Lines that cannot be used: broken JSON, a dialect that nobody knows, a conversation that does not end with an answer.

{"messages": [{"role": "user", "content": "Hello?"}]}      refused: it ends with the user
"""

from __future__ import annotations

from groundtune.tuning.quality.check import Check, DataLine, Surroundings
from groundtune.tuning.quality.findings import CheckResult, DataFinding, GateResult


def check(around: Surroundings) -> Check:
    """Make the check."""
    return _Schema(around.settings.broken_lines)


class _Schema:
    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._rows = 0
        self._found: list[DataFinding] = []

    def see(self, line: DataLine) -> None:
        self._rows += 1

    def refuse(self, file: str, line: int, reason: str, remedy: str) -> None:
        self._rows += 1
        self._found.append(DataFinding(file, line, "schema", reason, remedy))

    def conclude(self) -> CheckResult:
        share = len(self._found) / self._rows if self._rows else 0.0
        said = f"{len(self._found)} of {self._rows} lines cannot be used."
        gate = GateResult("schema", share <= self._limit, share, self._limit, said, self._rows, self._rows)
        return CheckResult((gate,), tuple(self._found))
