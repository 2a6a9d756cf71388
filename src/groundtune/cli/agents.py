"""`groundtune agents`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.console import Group
from rich.text import Text

from groundtune.cli._offers import actions, approve
from groundtune.cli._shared import HERE, AsJson, Overrides, ProjectFolder, emit, opened, several
from groundtune.values import Split

if TYPE_CHECKING:
    from groundtune.agents.work import WorkedOn
    from groundtune.comparison.agent_results import AgentEvaluation
    from groundtune.project import Project
    from groundtune.records.jobs import JobRecord
    from groundtune.statistics import Method

SPLITS: tuple[Split, ...] = get_args(Split)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="What agents can do, how well they do it, and what they did.", no_args_is_help=True)
    commands.command()(evaluate)
    commands.command()(audit)
    commands.command()(forget)
    commands.command()(actions)
    commands.command()(approve)
    commands.command()(work)
    commands.command()(jobs)
    app.add_typer(commands, name="agents")


def evaluate(  # noqa: PLR0913 -- each is an option of the command
    candidates: Annotated[
        list[str] | None,
        typer.Argument(
            help="Candidates whose models act: base, tuned, raft, … Default: base, which is rag, too. A tuned one must "
            "have been tuned."
        ),
    ] = None,
    tasks: Annotated[
        str, typer.Option(help="Public tasks instead of the project's own: tau2:DOMAIN@FOLDER; see tau2.md.")
    ] = "",
    trials: Annotated[int, typer.Option(min=1, help="How often each task is tried.")] = 1,
    split: Annotated[
        str | None,
        typer.Option(help="Tasks of one side only: development or test; of tau2 a split, base if none is named."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Try only the first so many tasks.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Try again what was tried before.")] = False,
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

    What came of it is kept in the records: rerun to resume, and `groundtune compare` shows it beside the answers. It
    counts as long as groundtune, model, actions, rules and tasks are the same. Candidates with the same model, as base
    and rag, are tried once.

    With `--tasks tau2:…`, the project's model is tried on public tau2 tasks, and a model plays the customer.

    Examples:

        groundtune agents evaluate
        groundtune agents evaluate base tuned --trials 4 --json
        groundtune agents evaluate --set model.name=openai:MODEL@http://localhost:8000/v1
        groundtune agents evaluate --tasks tau2:telecom@tau2/domains --split test --trials 4

    """
    if tasks and (candidates or again):
        raise typer.BadParameter("tau2 tasks are tried by the project's model, once: `--set model.name=…`.")
    with opened(project, overrides) as opened_project:
        if tasks:
            from groundtune.cli._tau2 import evaluated, shown

            tried = evaluated(opened_project, tasks, split or "base", customer, trials, limit, steps)
            emit(as_json, tried.as_json(), shown(tried))
        else:
            document, table = _on_own_tasks(opened_project, candidates or [], trials, split, limit, again=again)
            emit(as_json, document, table)


def _on_own_tasks(
    project: Project, candidates: Sequence[str], trials: int, split: str | None, limit: int | None, *, again: bool
) -> tuple[dict[str, object], Group]:
    from groundtune.comparison.agent_evidence import method_of
    from groundtune.comparison.agent_results import evaluation_json
    from groundtune.comparison.agents import evaluate_agents

    side = next((each for each in SPLITS if each == split), None)
    if split and side is None:
        raise typer.BadParameter(f"{split} is none of {', '.join(SPLITS)}.", param_hint="--split")
    evaluations = evaluate_agents(project.assembly, candidates, trials, side, limit, again=again)
    method = method_of(project.settings.comparison)
    return {"evaluations": [evaluation_json(each, method) for each in evaluations]}, _shown(evaluations, method)


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


def work(
    again: Annotated[bool, typer.Option("--again", help="Try the jobs that failed once more, too.")] = False,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """Do what agents have left for later, until nothing is due: look up calls of which nobody knows what came, classify
    complaints, and look through conversations that ended. Exit code 1 if a job failed for good.

    Let a timer run it every few minutes. Several may run at once; what one is killed at, another does.

    Examples:

        groundtune agents work
        groundtune agents work --again --json

    """
    from groundtune.assembly.background import open_worker

    with opened(project, overrides) as opened_project:
        assembly = opened_project.assembly
        kept = assembly.records.jobs()
        if again:
            kept.reopen()
        due = sum(job.state == "open" and job.due_at <= kept.clock() for job in kept.jobs())
        worked: list[WorkedOn] = []
        with open_worker(assembly) as worker:
            for each in worker.work():
                worked.append(each)
                assembly.progress("work on jobs", len(worked), max(len(worked), due))
        left = kept.jobs()
    ended = Counter(each.job.kind for each in worked if each.outcome == "done")
    failed = [each for each in worked if each.outcome == "failed"]
    tried = [each for each in worked if each.outcome == "again"]
    done = ", ".join(f"{count} to {kind}" for kind, count in ended.items()) or "none"
    lines = [f"Jobs done: {done}. Left: {several(len(left), 'job')}."]
    lines += [f"To be tried again: {each.job.kind} {each.job.subject}: {each.why}" for each in tried]
    lines += [f"Failed: {each.job.kind} {each.job.subject}: {each.why}" for each in failed]
    document = {"done": dict(ended), "again": len(tried), "failed": len(failed), "left": list(map(_job_json, left))}
    emit(as_json, document, Text("\n".join(lines)))
    if failed:
        raise typer.Exit(1)


def jobs(
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
    overrides: Overrides = [],  # noqa: B006 -- typer reads the default, nobody changes it
) -> None:
    """List what agents have left for later, and what failed so often that a person has to look.

    Example:

        groundtune agents jobs

    """
    with opened(project, overrides) as opened_project:
        left = opened_project.assembly.records.jobs().jobs()
    lines = [
        f"{job.kind} {job.subject}: {job.state}, tried {several(job.attempts, 'time')}"
        + (f", due {job.due_at:%Y-%m-%d %H:%M:%S} UTC" if job.state == "open" else "")
        + (f": {job.why}" if job.why else "")
        for job in left
    ]
    emit(as_json, {"jobs": list(map(_job_json, left))}, Text("\n".join([*lines, several(len(left), "job")])))


def _job_json(job: JobRecord) -> dict[str, object]:
    return {**asdict(job), "due_at": job.due_at.isoformat(), "asked_at": job.asked_at.isoformat()}


def _shown(evaluations: Sequence[AgentEvaluation], method: Method) -> Group:
    from groundtune.comparison.agent_results import AgentSection, result_of
    from groundtune.comparison.report.agents import render_agents

    results = [result_of(evaluation, evaluation.candidates[0], method) for evaluation in evaluations]
    section = AgentSection(evaluations[0].fingerprint, evaluations[0].tasks, tuple(results))
    lines = [Text(f"Interval of tasks done: {method.confidence:.0%}.", style="dim italic")]
    for result in results:
        lines += [Text(f"{result.name}, not wanted: {call}", style="yellow") for call in result.examples]
    failures = [
        (evaluation.candidates[0], trial.failed)
        for evaluation in evaluations
        for task in evaluation.tried
        for trial in task.trials
        if trial.failed
    ]
    lines += [Text(f"{name}: {count} trials tell nothing: {why}") for (name, why), count in Counter(failures).items()]
    return Group(render_agents(section), *lines)
