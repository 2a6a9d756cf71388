"""Whether training may begin: every gate passed, or was accepted by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from groundtune.errors import GateFailed, SettingsError
from groundtune.tuning.quality.findings import GateResult, QualityReport


def gate(report: QualityReport, accept: Sequence[str] = (), place: Path | None = None) -> tuple[str, ...]:
    """Return the gates that did not pass and were accepted. `place` is where the report for people is.

    Raises `GateFailed` for others that did not pass, and `SettingsError` for a name in `accept` that no gate has.
    """
    known = [result.name for result in report.gates]
    for name in accept:
        if name not in known:
            raise SettingsError(f"there is no gate `{name}`.", remedy=f"Gates: {', '.join(sorted(known))}.")
    refused = [result for result in report.gates if not result.passed and result.name not in accept]
    if refused:
        raise GateFailed(
            " ".join(f"The training data did not pass the gate `{result.name}`: {result.detail}" for result in refused),
            tuple(result.name for result in refused),
            place=place,
            remedy=_remedy(refused, place),
        )
    return tuple(name for name in report.failed if name in accept)


def short(report: QualityReport) -> tuple[Mapping[str, object], ...]:
    """Return what the gates said in the form that an adapter's manifest keeps."""
    return tuple(asdict(result) for result in report.gates)


def _remedy(refused: Sequence[GateResult], place: Path | None) -> str:
    accept = " ".join(f"--accept {result.name}" for result in refused)
    look = f"{place} shows the lines. " if place else ""
    return f"{look}Mend the data, or run `groundtune data check --repair DIR`. To train all the same: {accept}."
