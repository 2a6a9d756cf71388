"""The report on training data as one HTML page that needs nothing besides itself: gates, offending lines, what to do.

Lines are shown as they are in the file, escaped, cut short, and without personal data: reports are passed on. Knows no
check by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from groundtune.files import write_text
from groundtune.pages import page_templates
from groundtune.tuning.formats import BrokenLine
from groundtune.tuning.quality.check import Mend
from groundtune.tuning.quality.findings import DataFinding, DefectKind, GateResult, QualityReport
from groundtune.tuning.quality.lines import DataFile, data_lines

PAGE = "data.html"
SHOWN = 50  # findings of one kind whose lines are shown
_LONGEST = 400  # characters of a part of a line

TITLES: Mapping[DefectKind, str] = {
    "schema": "Lines that cannot be used",
    "duplicate": "Lines that repeat another word for word",
    "near_duplicate": "Lines that nearly repeat another",
    "contamination": "Lines that give away the benchmark",
    "irrelevant": "Lines that are beside the task",
    "label": "Lines whose answer is probably wrong",
    "contradiction": "Lines that contradict one another or the documents",
    "personal_data": "Lines with personal data",
    "toxic": "Lines with toxic or secret content",
    "bias": "Groups of people that are treated differently",
    "annotator": "Annotators whose ratings are doubtful",
}


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A finding with what stands on its line, part by part: (name, text)."""

    finding: DataFinding
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The findings of one kind: the first ones with their lines, and how many more there are."""

    kind: DefectKind
    title: str
    count: int
    lines: tuple[ShownLine, ...]

    @property
    def more(self) -> int:
        """Findings that are not shown."""
        return self.count - len(self.lines)


@dataclass(frozen=True, slots=True)
class Mended:
    """What the page says about the repaired copy."""

    folder: str
    dropped: Mapping[str, int]
    mended: int
    gates: tuple[GateResult, ...]


def write_page(
    report: QualityReport, files: Sequence[DataFile], folder: Path, mend: Mend, repaired: Mended | None, project: str
) -> Path:
    """Write the page to `folder` and return its path. `mend` takes personal data out of a text."""
    path = folder / PAGE
    write_text(path, render(report, sections(report, files, mend), repaired, project))
    return path


def render(report: QualityReport, shown: Sequence[Section], repaired: Mended | None, project: str) -> str:
    """Return the page."""
    gates = sorted(report.gates, key=lambda gate: (gate.passed, gate.value is None))
    return (
        _environment()
        .get_template("data.html.j2")
        .render(report=report, gates=gates, sections=shown, repaired=repaired, project=project)
    )


def sections(report: QualityReport, files: Sequence[DataFile], mend: Mend) -> list[Section]:
    """Return the findings by kind; the files are read once more for the lines that are shown."""
    chosen: dict[DefectKind, list[DataFinding]] = {}
    for finding in report.findings:
        own = chosen.setdefault(finding.kind, [])
        if len(own) < SHOWN:
            own.append(finding)
    texts = _texts(files, [finding for own in chosen.values() for finding in own], mend)
    counts = Counter(finding.kind for finding in report.findings)
    return [
        Section(
            kind,
            title,
            counts[kind],
            tuple(ShownLine(finding, texts.get((finding.file, finding.line), ())) for finding in chosen[kind]),
        )
        for kind, title in TITLES.items()
        if kind in chosen
    ]


def _texts(
    files: Sequence[DataFile], findings: Sequence[DataFinding], mend: Mend
) -> dict[tuple[str, int], tuple[tuple[str, str], ...]]:
    wanted = {(finding.file, finding.line) for finding in findings}
    texts: dict[tuple[str, int], tuple[tuple[str, str], ...]] = {}
    for file in files:
        left = {line for name, line in wanted if name == file.name}
        for line in data_lines(file) if left else ():
            if line.line in left and not isinstance(line, BrokenLine):
                parts = (("prompt", line.prompt), ("answer", line.answer), ("rejected", line.rejected))
                texts.setdefault(
                    (file.name, line.line), tuple((name, _cut(mend(text))) for name, text in parts if text)
                )
            if line.line > max(left):
                break
    return texts


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _value(value: float | None) -> str:
    """Return a share or a count as people read it.

    >>> _value(0.0125), _value(3.0), _value(0.0), _value(None)
    ('1.25 %', '3', '0', 'not measured')
    """
    if value is None:
        return "not measured"
    if value == int(value) and (value > 1 or value <= 0):
        return f"{int(value):,}"
    return f"{100 * value:.3g} %"


def _code(text: str) -> Markup:
    """Return a text whose parts between backticks are set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache
def _environment() -> Environment:
    environment = page_templates("groundtune.tuning.quality")
    environment.filters |= {"value": _value, "code": _code}
    return environment
