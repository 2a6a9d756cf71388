"""The report for a terminal: the recommendation with its reasons, and the table of scores."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from groundtune.comparison.recommend import figure
from groundtune.comparison.report.data import Report
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


def render_terminal(report: Report) -> RenderableType:
    """Return what to print: the deciding scorer first, then the most telling of the others."""
    return Group(_advice(report), Padding(_table(report), (1, 0)), *(_note(text) for text in report.notes))


def _advice(report: Report) -> RenderableType:
    first, *others = report.recommendation.reasons or ("No recommendation.",)
    style = "bold green" if report.recommendation.sure else "bold yellow"
    lines: list[RenderableType] = [Text(first, style=style)]
    lines += [Padding(Text(reason), (0, 0, 0, 2)) for reason in others]
    return Group(*lines)


def _table(report: Report) -> Table:
    scorers = [name for name in report.ordered_scorers if name == report.decide_by or name in _SHOWN]
    interval = f"{report.confidence:.0%}"
    table = Table(
        box=box.SIMPLE_HEAD, caption=f"Mean with {interval} interval; n cases scored, ! failed", caption_justify="left"
    )
    table.add_column("")
    for candidate in report.candidates:
        chosen = candidate.name == report.recommendation.candidate
        table.add_column(Text(candidate.name), justify="right", style="bold" if chosen else "", no_wrap=True)
    for name in scorers:
        scale = report.measure(name).scale
        table.add_row(name, *(_cell(candidate.scores.get(name), scale) for candidate in report.candidates))
    totals = [candidate.latency.total for candidate in report.candidates]
    medians = [total.median if total else None for total in totals]
    if any(candidate.without_content for candidate in report.candidates):
        table.add_row("answers without content", *(str(candidate.without_content) for candidate in report.candidates))
    table.add_row("seconds", *("–" if median is None else f"{median:.2f}" for median in medians))
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
