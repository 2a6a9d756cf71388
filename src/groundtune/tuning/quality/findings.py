"""What the gates say: findings with file and line, and one result for each gate. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DefectKind = Literal[
    "duplicate",
    "near_duplicate",
    "contamination",
    "irrelevant",
    "label",
    "contradiction",
    "personal_data",
    "toxic",
    "bias",
    "annotator",
    "schema",
]


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One line that is wrong or doubtful: what is wrong with it in `detail`, and what to do about it in `remedy`."""

    file: str
    line: int
    kind: DefectKind
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """What one gate measured. It passed if `value` is within `threshold`; `detail` is a sentence for people.

    `looked_at` of `rows` lines were looked at: a gate that needs a model takes a sample above a stated size. `value` is
    None, and the gate passed, where it could not be measured; `detail` says why.
    """

    name: str
    passed: bool
    value: float | None
    threshold: float
    detail: str
    looked_at: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found: the gates that it decides and the lines that it doubts."""

    gates: tuple[GateResult, ...]
    findings: tuple[DataFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What all checks found in `checked` lines, of which `files` tells how many each has.

    `repaired` is the folder of the repaired copy, if one was written.
    """

    gates: tuple[GateResult, ...]
    findings: tuple[DataFinding, ...]
    checked: int
    repaired: str | None = None
    files: tuple[tuple[str, int], ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the gates that did not pass."""
        return tuple(gate.name for gate in self.gates if not gate.passed)
