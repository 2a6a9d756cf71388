"""The report for a terminal: the recommendation with its reasons, and the table of scores."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from groundtune.comparison.report.agents import render_agents
from groundtune.comparison.report.data import CandidateResult, Report
from groundtune.comparison.wording import figure
from groundtune.values import Estimate

_SHOWN = (
    "resolution_answerable",
    "abstention_recall",
    "token_recall",
    "rougeL",
    "bertscore_f1",
    "retrieval_recall",
    "citation_precision",
)


MOST_TAGS = 8  # more are in the report only
_ABREAST = 5  # candidates in one table, which then fits into 80 columns; their tags are in the report only if more


def render_terminal(report: Report) -> RenderableType:
    """Return what to print: the deciding scorer first, then the most telling of the others."""
    few = 0 < len(report.by_tag) <= MOST_TAGS and len(report.candidates) <= _ABREAST
    tags = [Padding(_tags(report), (0, 0, 1, 0))] if few else []
    agents = [] if report.agents is None else [Padding(render_agents(report.agents), (0, 0, 1, 0))]
    starts = range(0, len(report.candidates), _ABREAST)
    tables = [Padding(_table(report, report.candidates[start : start + _ABREAST]), (1, 0, 0, 0)) for start in starts]
    caption = f"Mean with {report.confidence:.0%} interval; n cases scored, ! failed"
    return Group(
        _advice(report), *tables, Padding(Text(caption, style="dim italic"), (0, 0, 1, 0)), *tags, *agents,
        *(_note(text) for text in report.notes),
    )  # fmt: skip


def _advice(report: Report) -> RenderableType:
    first, *others = report.recommendation.reasons or ("No recommendation.",)
    style = "bold green" if report.recommendation.sure else "bold yellow"
    lines: list[RenderableType] = [Text(first, style=style)]
    lines += [Padding(Text(reason), (0, 0, 0, 2)) for reason in others]
    return Group(*lines)


def _table(report: Report, candidates: Sequence[CandidateResult]) -> Table:
    scorers = [name for name in report.ordered_scorers if name == report.decide_by or name in _SHOWN]
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("", overflow="fold")
    for candidate in candidates:
        chosen = candidate.name == report.recommendation.candidate
        style = "bold" if chosen else ""
        header = Text(candidate.name.replace("+", "\n+"))
        table.add_column(header, justify="right", style=style, min_width=9, overflow="fold")
    for name in scorers:
        measure = report.measure(name)
        called = name.replace("_", " ")
        label = called if measure.higher_is_better else f"{called}\n(less is better)"
        table.add_row(label, *(_cell(candidate.scores.get(name), measure.scale) for candidate in candidates))
    totals = [candidate.latency.total for candidate in candidates]
    medians = [total.median if total else None for total in totals]
    if any(candidate.without_content for candidate in candidates):
        table.add_row("answers without content", *(str(candidate.without_content) for candidate in candidates))
    table.add_row("seconds", *("–" if median is None else f"{median:.2f}" for median in medians))
    return table


def _tags(report: Report) -> Table:
    scale = report.measure(report.decide_by).scale
    table = Table(box=box.SIMPLE_HEAD, title=f"{report.decide_by} by tag", title_justify="left")
    table.add_column("")
    for candidate in report.candidates:
        table.add_column(Text(candidate.name), justify="right", no_wrap=True)
    for line in report.by_tag:
        table.add_row(
            Text(line.tag), *(_cell(line.scores.get(candidate.name), scale) for candidate in report.candidates)
        )
    return table


def _cell(estimate: Estimate | None, scale: tuple[float, float]) -> str:
    if estimate is None:
        return "–"
    failed = f" {estimate.failed}!" if estimate.failed else ""
    mean, low, high = estimate.mean, estimate.low, estimate.high
    if mean is None:
        return f"–\nn 0{failed}"
    ends = "" if low is None or high is None else f"\n{figure(low, scale)}–{figure(high, scale)}"
    return f"{figure(mean, scale)}{ends}\nn {estimate.scored}{failed}"


def _note(text: str) -> RenderableType:
    return Text(f"Note: {text}", style="yellow")
