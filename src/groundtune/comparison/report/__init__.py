"""The report of a comparison: one value, shown as JSON, as a page and in a terminal."""

from __future__ import annotations

from pathlib import Path

from groundtune.comparison.report.data import (
    BenchmarkFacts,
    CandidateResult,
    CaseRow,
    CaseScores,
    Curve,
    CurvePoint,
    Latency,
    Measure,
    Report,
    Setting,
    Spread,
    TagResult,
    TokenUse,
    as_json,
    from_json,
    measure,
)
from groundtune.comparison.report.html import render_html
from groundtune.comparison.report.terminal import render_terminal
from groundtune.files import json_text, write_text

__all__ = [
    "BenchmarkFacts",
    "CandidateResult",
    "CaseRow",
    "CaseScores",
    "Curve",
    "CurvePoint",
    "Latency",
    "Measure",
    "Report",
    "Setting",
    "Spread",
    "TagResult",
    "TokenUse",
    "as_json",
    "from_json",
    "measure",
    "render_html",
    "render_terminal",
    "write_report",
]


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.html and report.json into `folder`, which is made if missing; return their paths in this order."""
    page, data = folder / "report.html", folder / "report.json"
    write_text(data, json_text(as_json(report), indent=1) + "\n")
    write_text(page, render_html(report))
    return page, data
