"""`groundtune agents`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened
from groundtune.values import Split

if TYPE_CHECKING:
    from groundtune.comparison.agents import AgentEvaluation
    from groundtune.comparison.tau2 import Tau2Evaluation
    from groundtune.project import Project

SPLITS: tuple[Split, ...] = get_args(Split)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Measure the agent that acts, and check what it did.", no_args_is_help=True)
    commands.command()(evaluate)
    commands.command()(audit)
    commands.command()(forget)
    app.add_typer(commands, name="agents")


def evaluate(  # noqa: PLR0913 -- each is an option
    tasks: Annotated[
        str, typer.Option(help="Public tasks instead of the project's own: tau2:DOMAIN@FOLDER; see tau2.md.")
    ] = "",
    trials: Annotated[int, typer.Option(min=1, help="How often each task is tried.")] = 1,
    split: Annotated[
        str | None,
        typer.Option(help="Tasks of one side only: development or test; of tau2 a split, base if none is named."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Try only the first so many tasks.")] = None,
    customer: Annotated[
        str | None, typer.Option(help="Of tau2: the model that plays the customer. Default: the project's model.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of tau2: the most steps of a conversation.")] = 200,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Try the agent on the tasks of `[actions] tasks`, with a scripted customer and a back-end that begins anew.

    A task succeeds if the back-end then differs from its start in exactly what the task expects. pass^k is how likely
    a task succeeds k times in a row. Unauthorised effects are changes that the customer did not want.

    With `--tasks tau2:…`, the model is the agent of public tau2 tasks instead, and a model plays the customer. What was
    tried is kept in the records: rerun to resume.

    Examples:

        groundtune agents evaluate
        groundtune agents evaluate --trials 4 --split test --json
        groundtune agents evaluate --set model.name=openai:MODEL@http://localhost:8000/v1
        groundtune agents evaluate --tasks tau2:telecom@tau2/domains --split test --trials 4

    """
    with opened(project, overrides) as opened_project:
        if tasks:
            tried = _tau2(opened_project, tasks, split or "base", customer, trials, limit, steps)
            emit(as_json, tried.as_json(), _tau2_shown(tried))
            return
        from groundtune.comparison.agents import evaluate_agents

        side = next((each for each in SPLITS if each == split), None)
        if split and side is None:
            raise typer.BadParameter(f"{split} is none of {', '.join(SPLITS)}.", param_hint="--split")
        evaluation = evaluate_agents(opened_project.assembly, trials, side, limit)
    emit(as_json, evaluation.as_json(), _shown(evaluation))


def audit(
    head: Annotated[
        str | None, typer.Option(help="Hash that was printed before: tells whether the log was cut off since.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Check the audit log: whether every entry follows from the one before it. Exit code 1 if one does not.

    Keep the last hash elsewhere, and give it as `--head` the next time.

    Examples:

        groundtune agents audit
        groundtune agents audit --head 3f5c…

    """
    with opened(project, overrides) as opened_project:
        kept = opened_project.assembly.records.effects()
        broken, entries, last = kept.broken_at(head), kept.entries(), kept.head()
        unknown = [effect.key for effect in kept.effects(states=("unknown", "intended"))]
    holds = "The chain holds." if broken is None else f"Entry {broken} is not what was written, or is missing."
    told = f"{entries} entries. {holds}\nLast hash: {last}\nCalls of which nobody knows what came: {len(unknown)}"
    document = {"entries": entries, "broken_at": broken, "head": last, "unknown": unknown}
    emit(as_json, document, Text(told))
    if broken is not None:
        raise typer.Exit(1)


def forget(
    user: Annotated[str, typer.Argument(help="Whose traces are erased, as the records name them.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Erase what is kept of a user: conversations, feedback, what was proposed and learned from them, and the arguments
    of actions.

    That something was done, and when, stays in the records and in the audit log, whose chain stays valid; what was
    personal there can be read no more. Approved cases, reports and trained adapters are not reached, nor are backups.

    Examples:

        groundtune agents forget ana
        groundtune agents forget ana --json

    """
    with opened(project, overrides) as opened_project:
        records = opened_project.assembly.records
        counts = {"proposals": opened_project.learning.forget(user)}
        counts["conversations"] = records.conversations().forget(user)
        counts["feedback"] = records.feedback().forget(user)
        records.effects().forget(user)
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    emit(as_json, {"user": user, **counts}, Text(f"Erased of {user}: {told}, and the arguments of actions."))


def _shown(evaluation: AgentEvaluation) -> Group:
    table = Table("tasks", "succeeded", "trials", "unauthorised effects", box=None)
    for kind, (succeeded, trials, effects) in evaluation.by_kind().items():
        table.add_row(kind, str(succeeded), str(trials), str(effects))
    success = evaluation.success
    interval = "" if success is None else f" (95 % interval {success.low:.2f} to {success.high:.2f})"
    passes = ", ".join(f"pass^{k} {evaluation.pass_hat(k):.2f}" for k in range(1, evaluation.trials + 1))
    said = f"{evaluation.model}: {passes}{interval}; {evaluation.unauthorised} unauthorised effects."
    return Group(table, Text(said))


def _tau2(
    project: Project, tasks: str, split: str, customer: str | None, trials: int, limit: int | None, steps: int
) -> Tau2Evaluation:
    from groundtune.agents.tasks.conversing import ConversingLimits
    from groundtune.comparison.tau2 import evaluate_tau2

    limits = ConversingLimits(steps=steps)
    return evaluate_tau2(project.assembly, tasks, split, customer=customer, trials=trials, limit=limit, limits=limits)


def _tau2_shown(evaluation: Tau2Evaluation) -> Group:
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
    lines.append("Conversations: " + ", ".join(f"{count} × {ENDED[why]}" for why, count in ended.items()) + ".")
    effects, beyond = sum(trial.effects for trial in trials), sum(len(trial.unauthorised) for trial in trials)
    lines.append(f"Effects of the agent: {effects}, of which {beyond} are not among the gold actions.")
    lines += [f"{count} trials tell nothing: {why}" for why, count in Counter(evaluation.failed).items()]
    return Group(table, Text("\n".join(lines)))
