"""What `groundtune agents evaluate --tasks tau2:…` does and shows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from groundtune.comparison.tau2 import Tau2Evaluation
    from groundtune.project import Project


def evaluated(
    project: Project, tasks: str, split: str, customer: str | None, trials: int, limit: int | None, steps: int
) -> Tau2Evaluation:
    """Return what came of tau2 tasks."""
    from groundtune.agents.tasks.conversing import ConversingLimits
    from groundtune.comparison.tau2 import evaluate_tau2

    limits = ConversingLimits(steps=steps)
    return evaluate_tau2(project.assembly, tasks, split, customer=customer, trials=trials, limit=limit, limits=limits)


def shown(evaluation: Tau2Evaluation) -> Group:
    """Return it for people."""
    from groundtune.comparison.tau2 import ENDED

    table = Table("rewarded", "met", "not met", "unscored", box=None)
    for part, counts in evaluation.parts().items():
        table.add_row(part, *map(str, counts))
    success, trials = evaluation.success, evaluation.trials
    interval = "" if success.low is None else f" (95 % interval {success.low:.2f} to {success.high:.2f})"
    passes = ", ".join(f"pass^{k} {value:.2f}" for k, value in evaluation.pass_hat.items()) or "no trial tells anything"
    unscored = sum(trial.unscored for trial in trials)
    lines = [
        f"{len(evaluation.tried)} of {evaluation.tasks} tasks of {evaluation.domain}, {evaluation.split}; agent "
        f"{evaluation.agent}, customer {evaluation.customer}.",
        f"{passes}{interval}; doing nothing {evaluation.floor:.2f}.",
    ]
    if unscored:
        lines.append(f"{unscored} trials have a part that could not be scored: pass^k is the most that it can be.")
    ended = Counter(trial.ended for trial in trials)
    effects, beyond = sum(trial.effects for trial in trials), sum(len(trial.unauthorised) for trial in trials)
    if trials:
        lines.append(f"Conversations: {', '.join(f'{count} × {ENDED[why]}' for why, count in ended.items())}.")
        lines.append(f"Effects of the agent: {effects}, of which {beyond} are not among the gold actions.")
    lines += [f"{count} trials tell nothing: {why}" for why, count in Counter(evaluation.failed).items()]
    return Group(table, Text("\n".join(lines)))
