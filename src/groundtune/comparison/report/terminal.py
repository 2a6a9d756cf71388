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
    """Return what to print: the deciding scorer first, then those of the others that tell most."""
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
    for one in report.candidates:
        chosen = one.name == report.recommendation.candidate
        table.add_column(Text(one.name), justify="right", style="bold" if chosen else "", no_wrap=True)
    for name in scorers:
        table.add_row(name, *(_cell(one.scores.get(name), report.measure(name).scale) for one in report.candidates))
    medians = [one.latency.total.median if one.latency.total else None for one in report.candidates]
    table.add_row("seconds", *("–" if median is None else f"{median:.2f}" for median in medians))
    return table


def _cell(found: Estimate | None, scale: tuple[float, float]) -> str:
    if found is None:
        return "–"
    failed = f" {found.failed}!" if found.failed else ""
    if found.mean is None:
        return f"–\nn 0{failed}"
    ends = (
        "" if found.low is None or found.high is None else f"\n{figure(found.low, scale)}–{figure(found.high, scale)}"
    )
    return f"{figure(found.mean, scale)}{ends}\nn {found.scored}{failed}"


def _note(text: str) -> RenderableType:
    return Text(f"Note: {text}", style="yellow")
