"""The report as one HTML page that needs nothing besides itself: no network, no script to read it, no font.

Everything that people or models wrote is escaped by the template: answers are data, never markup. Only the charts,
which `charts` draws, go in as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from groundtune.comparison.report import charts
from groundtune.comparison.report.agents import kinds_of
from groundtune.comparison.report.data import CaseRow, Measure, Report
from groundtune.comparison.wording import figure, percent
from groundtune.extras import command, missing
from groundtune.pages import page_templates
from groundtune.reply import says_nothing
from groundtune.values import Difference, Estimate, Failure

MOST_LINKS = 24  # cases named in one row of the list of gaps


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One candidate's estimate on one scorer, and where its missing cases are listed."""

    candidate: str
    estimate: Estimate | None
    gaps: str


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One line of the table of scores."""

    name: str
    measure: Measure
    cells: tuple[ScoreCell, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Cases of one candidate that some scorers have no value for, for one reason. `numbers` are places in the list."""

    candidate: str
    failed: bool
    reason: str
    numbers: tuple[int, ...]
    scorers: tuple[str, ...]


def render_html(report: Report) -> str:
    """Return the page."""
    template = _environment().get_template("report.html.j2")
    return template.render(
        report=report,
        lines=_lines(report),
        drawn=charts.draw(report),
        charts_command=command(charts.EXTRA) if missing(charts.EXTRA) else "",
        most_links=MOST_LINKS,
        missing=_gaps(report),
        decisive=[difference for difference in report.comparisons if difference.scorer == report.decide_by],
        further=[difference for difference in report.comparisons if difference.scorer != report.decide_by],
        detectable_at=_power(report),
        tags=sorted({tag for row in report.rows for tag in row.case.tags}),
        data=_data(report),
        colours={name: charts.colour(report, name) for name in _names(report)},
        agent_kinds=[] if report.agents is None else kinds_of(report.agents),
        scale=report.measure(report.decide_by).scale,
    )


def _names(report: Report) -> list[str]:
    return [candidate.name for candidate in report.candidates]


@cache
def _environment() -> Environment:
    environment = page_templates("groundtune.comparison.report")
    environment.filters |= {"value": _value, "percent": percent, "figure": figure, "p": _p_value}
    environment.tests["failure"] = lambda outcome: isinstance(outcome, Failure)
    environment.filters |= {"svg": Markup, "says_nothing": says_nothing}
    environment.globals["measured"] = _measured
    return environment


def _lines(report: Report) -> list[ScoreLine]:
    return [
        ScoreLine(
            name,
            report.measure(name),
            tuple(
                ScoreCell(candidate.name, candidate.scores.get(name), f"gap-{candidate.name}-{name}")
                for candidate in report.candidates
            ),
        )
        for name in report.ordered_scorers
    ]


def _measured(row: CaseRow, scorer: str) -> bool:
    """Whether any candidate has a value on this case by this scorer."""
    own = (scores.get(scorer) for scores in row.scores.values())
    return any(score is not None and (score.value is not None or score.failed) for score in own)


def _gaps(report: Report) -> list[Gap]:
    """Return what is missing, failures first; scorers that lack the same cases for the same reason share a row."""
    gaps = [gap for name in _names(report) for gap in _gaps_of(report, name)]
    return sorted(gaps, key=lambda gap: not gap.failed)


def _gaps_of(report: Report, candidate: str) -> list[Gap]:
    scorers: dict[tuple[bool, str, tuple[int, ...]], list[str]] = {}
    for scorer in report.ordered_scorers:
        missing: dict[tuple[bool, str], list[int]] = {}
        for number, row in enumerate(report.rows):
            score = row.scores.get(candidate, {}).get(scorer)
            if score is not None and score.value is None:
                missing.setdefault((score.failed, score.reason), []).append(number)
        for (failed, reason), numbers in missing.items():
            scorers.setdefault((failed, reason, tuple(numbers)), []).append(scorer)
    return [Gap(candidate, *key, tuple(names)) for key, names in scorers.items()]


def _power(report: Report) -> list[tuple[int, float]]:
    """Return (cases, smallest difference found four times in five) for this benchmark and for larger ones of its
    kind: it falls with the root of the number."""
    if report.detectable is None:
        return []
    return [(report.benchmark.cases * times, report.detectable / times**0.5) for times in (1, 2, 4, 8)]


def _data(report: Report) -> dict[str, object]:
    """Return what the page's filters work on: scores by case, candidate and scorer, in the order of the names."""
    names, scorers = _names(report), report.ordered_scorers
    return {
        "candidates": names,
        "scorers": scorers,
        "decide_by": report.decide_by,
        "cases": [
            {
                "id": row.case.id,
                "tags": list(row.case.tags),
                "scores": [[_short(row, name, scorer) for scorer in scorers] for name in names],
            }
            for row in report.rows
        ],
    }


def _short(row: CaseRow, candidate: str, scorer: str) -> float | None:
    score = row.scores.get(candidate, {}).get(scorer)
    return None if score is None or score.value is None else round(score.value, 5)


def _value(number: float | None, scale: tuple[float, float] = (0.0, 1.0), *, signed: bool = False) -> str:
    """Return a figure for a column: always as many digits as its neighbours."""
    if number is None:
        return "–"
    digits = 1 if scale[1] - scale[0] > 2 else 3
    text = f"{number:+.{digits}f}" if signed else f"{number:.{digits}f}"
    return text.replace("-", "−")


def _p_value(difference: Difference) -> str:
    return "< 0.001" if difference.p_value < 0.001 else f"{difference.p_value:.3f}"
