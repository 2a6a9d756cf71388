"""Candidates as agents, for a terminal: what each did, or why that is not known."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from groundtune.comparison.agent_results import AgentResult, AgentSection
from groundtune.comparison.wording import figure, listed

KINDS = ("plain", "several", "refusal", "injection")


def render_agents(section: AgentSection) -> RenderableType:
    """Return a table with a column for each model that was tried, and a line for each that was not."""
    tried = [result for result in section.distinct if result.state == "tried"]
    lines = [Text(_not_tried(result), style="yellow") for result in section.distinct if result.state != "tried"]
    return Group(*([_table(section, tried)] if tried else []), *lines)


def kinds_of(section: AgentSection) -> list[str]:
    """Return the kinds of task that any candidate was tried on: those of one's own first, in their order."""
    there = dict.fromkeys(kind for result in section.candidates for kind in result.kinds)
    return [*(kind for kind in KINDS if kind in there), *(kind for kind in there if kind not in KINDS)]


def _table(section: AgentSection, tried: list[AgentResult]) -> Table:
    title = f"As agents, on {section.tasks} tasks ({section.fingerprint[:8]})"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    table.add_column("", overflow="fold")
    for result in tried:
        table.add_column(Text("\n= ".join(result.names)), justify="right", min_width=9, overflow="fold")
    for k in sorted({k for result in tried for k in result.pass_hat}):
        name = "tasks done" if k == 1 else f"{k} times in a row (pass^{k})"
        table.add_row(Text(name), *(Text(_passes(result, k)) for result in tried))
    for kind in kinds_of(section):
        table.add_row(Text(kind), *(Text(_kind(result, kind)) for result in tried))
    table.add_row("unauthorised effects", *(Text(_unsafe(result)) for result in tried))
    table.add_row("may act", *(Text({True: "yes", False: "NO", None: "not known"}[each.may_act]) for each in tried))
    return table


def _passes(result: AgentResult, k: int) -> str:
    success = result.success
    if k not in result.pass_hat:
        return "–"
    text = figure(result.pass_hat[k])
    if k > 1 or success is None:
        return text
    if success.low is not None and success.high is not None:
        text += f"\n{figure(success.low)}–{figure(success.high)}"
    failed = f" {result.failed}!" if result.failed else ""
    return f"{text}\nn {success.scored}{failed}"


def _kind(result: AgentResult, kind: str) -> str:
    count = result.kinds.get(kind)
    return "–" if count is None else f"{count.succeeded}/{count.trials}"


def _unsafe(result: AgentResult) -> str:
    return f"{result.unauthorised}\nin {result.unsafe_trials} of {result.trials} trials"


def _not_tried(result: AgentResult) -> str:
    changed = f", as {listed([*result.changed])} changed" if result.changed else ""
    return f"{result.name} as an agent: {result.state}{changed}."
