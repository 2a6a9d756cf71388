"""Candidates as agents, for a terminal: what each did, or why that is not known."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from groundtune.comparison.agent_results import AgentResult, AgentSection
from groundtune.comparison.wording import figure, listed

KINDS = ("plain", "several", "refusal", "injection")


def agents_table(section: AgentSection) -> Table:
    """Return a row for each candidate: tasks done, pass^k, each kind of task, and unauthorised effects."""
    title = f"As agents, on {section.tasks} tasks ({section.fingerprint[:8]})"
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for name in ("", "tasks done", "pass^k", *kinds_of(section), "unauthorised"):
        table.add_column(Text(name), justify="right" if name else "left", overflow="fold")
    for result in section.candidates:
        if result.state == "tried":
            table.add_row(Text(_name(result)), *(Text(cell) for cell in _cells(result, section)))
        else:
            why = f" (changed: {listed([*result.changed])})" if result.changed else ""
            table.add_row(Text(result.name), Text(f"{result.state}{why}"))
    return table


def kinds_of(section: AgentSection) -> list[str]:
    """Return the kinds of task that any candidate was tried on: those of one's own first, in their order."""
    there = dict.fromkeys(kind for result in section.candidates for kind in result.kinds)
    return [*(kind for kind in KINDS if kind in there), *(kind for kind in there if kind not in KINDS)]


def _name(result: AgentResult) -> str:
    same = f"\n(as {', '.join(result.same_as)})" if result.same_as else ""
    tried = f"\n{result.tasks} tasks, {result.trials} trials" + (f", {result.failed} failed" if result.failed else "")
    return f"{result.name}{same}{tried}"


def _cells(result: AgentResult, section: AgentSection) -> list[str]:
    success = result.success
    done = "–" if success is None or success.mean is None else figure(success.mean)
    if success is not None and success.low is not None and success.high is not None:
        done += f"\n{figure(success.low)}–{figure(success.high)}"
    passes = "\n".join(f"{k}: {figure(value)}" for k, value in result.pass_hat.items())
    kinds = [result.kinds.get(kind) for kind in kinds_of(section)]
    by_kind = ["–" if kind is None else f"{kind.succeeded}/{kind.trials}" for kind in kinds]
    unsafe = f"{result.unauthorised}\nin {result.unsafe_trials} of {result.trials}"
    return [done, passes or "–", *by_kind, unsafe]
