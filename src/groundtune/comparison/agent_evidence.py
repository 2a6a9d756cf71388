"""What was tried of agents, kept in the records, and whether it still tells anything of the project as it is now.

A trial is kept under all that can change how it ends: groundtune, the model with its adapters, the actions as models
are told of them, the rules, and the task. So an evaluation goes on where it was interrupted, candidates with the same
model share their trials, and what has changed is tried again. Runs nothing: `agents` does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from pydantic import TypeAdapter

from groundtune import __version__
from groundtune.agents.action_agent import INSTRUCTIONS
from groundtune.agents.actions.opening import open_actions
from groundtune.agents.tasks.files import ScriptedTask, ScriptedTasks, load_tasks
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.candidates import Candidate
from groundtune.comparison.agent_results import (
    AgentEvaluation,
    AgentResult,
    AgentSection,
    TaskTrial,
    TriedTask,
    differences,
    result_of,
)
from groundtune.files import within
from groundtune.records import KeptKind, Records
from groundtune.settings import ComparisonSettings
from groundtune.settings.actions import ActionsSettings, BackendSettings
from groundtune.statistics import Method
from groundtune.values import ActionSchema, digest


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """What an agent was tried with: the version of groundtune, hashes of the rest, and when it was last."""

    groundtune: str
    model: str
    actions: str
    rules: str
    tasks: str
    tried_at: datetime

    def changed(self, now: AgentSetup) -> tuple[str, ...]:
        """Return what is no longer as it was."""
        names = ("groundtune", "model", "actions", "rules", "tasks")
        return tuple(_the(name) for name in names if getattr(self, name) != getattr(now, name))


def _the(name: str) -> str:
    return name if name == "groundtune" else f"the {name}"


@dataclass(frozen=True, slots=True)
class KeptTask:
    """The trials of a task that are kept, and when the last one was made."""

    trials: tuple[TaskTrial, ...]
    tried_at: datetime


TASK_TRIALS = KeptKind("agent trials", TypeAdapter(KeptTask))
SETUP = KeptKind("agent setup", TypeAdapter(AgentSetup))  # by candidate: tells out of date from never tried


class KeptTrials:
    """The trials that the records hold of one setup, by task."""

    def __init__(self, records: Records, setup: AgentSetup) -> None:
        self._records, self.setup = records, setup

    def of(self, tasks: Sequence[ScriptedTask]) -> dict[str, KeptTask]:
        """Return what is kept of these tasks, by id; tasks without a trial are left out."""
        keys = {self._key(task): task.id for task in tasks}
        return {keys[key]: kept for key, kept in self._records.kept_many(TASK_TRIALS, list(keys)).items()}

    def keep(self, task: ScriptedTask, trials: Sequence[TaskTrial]) -> None:
        """Keep the trials of a task, in the place of those that were kept of it."""
        self._records.keep(TASK_TRIALS, self._key(task), KeptTask(tuple(trials), self.setup.tried_at))

    def _key(self, task: ScriptedTask) -> str:
        content = repr(replace(task, tags=(), split="test"))  # neither changes what happens
        return digest(self.setup.groundtune, self.setup.model, self.setup.actions, self.setup.rules, content)


def setups_of(
    assembly: Assembly, candidates: Sequence[Candidate], tasks: ScriptedTasks, now: datetime
) -> list[AgentSetup]:
    """Return what each candidate would be tried with as the project is now.

    Raises `SettingsError` and `InputError` where actions cannot be read, or its model cannot be opened.
    """
    settings = assembly.settings.actions
    rules = digest(INSTRUCTIONS, settings.model_dump_json(include={"rules", "calls", "tokens", "money", "seconds"}))
    told = _told_of_actions(settings, assembly)
    models = [digest(assembly.model_of(candidate).signature) for candidate in candidates]
    return [AgentSetup(__version__, model, told, rules, tasks.fingerprint, now) for model in models]


def sharing_models(assembly: Assembly, candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Put candidates with the same model together, as base and rag."""
    by_model: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_model.setdefault(assembly.model_of(candidate).signature, []).append(candidate)
    return list(by_model.values())


def tasks_of(assembly: Assembly) -> ScriptedTasks:
    """Return the project's tasks. Raises `InputError` for what is wrong with them."""
    settings = assembly.settings
    return load_tasks(within(assembly.folder, settings.actions.tasks), settings.benchmark.development_share)


def acts(assembly: Assembly) -> bool:
    """Tell whether agents act in the project: whether it names back-ends and rules."""
    return bool(assembly.settings.actions.backends and assembly.settings.actions.rules)


def method_of(settings: ComparisonSettings) -> Method:
    """Return how shares of tasks are estimated and compared."""
    return Method(settings.confidence, settings.resamples, settings.margin, scale=(0.0, 1.0))


def agent_section(assembly: Assembly, candidates: Sequence[Candidate], now: datetime) -> AgentSection | None:
    """Return what the records hold of these candidates as agents, None where no agents act; nothing is tried.

    Raises `InputError` and `SettingsError` for tasks and actions that cannot be read.
    """
    if not acts(assembly):
        return None
    tasks, method = tasks_of(assembly), method_of(assembly.settings.comparison)
    before = assembly.records.kept_many(SETUP, [candidate.name for candidate in candidates])
    evaluations: list[AgentEvaluation] = []
    results: dict[str, AgentResult] = {}
    together = sharing_models(assembly, candidates)
    setups = setups_of(assembly, [sharing[0] for sharing in together], tasks, now)
    for sharing, setup in zip(together, setups, strict=True):
        names = tuple(each.name for each in sharing)
        rows = KeptTrials(assembly.records, setup).of(tasks.tasks)
        if not rows:
            results |= {name: _without(name, before.get(name), setup) for name in names}
            continue
        model, last = assembly.model_of(sharing[0]).name, max(row.tried_at for row in rows.values())
        tried = tuple(
            TriedTask(task.id, task.kind, task.group, rows[task.id].trials) for task in tasks.tasks if task.id in rows
        )
        evaluations.append(AgentEvaluation(names, model, tasks.fingerprint, len(tasks.tasks), tried, last))
        results |= {name: result_of(evaluations[-1], name, method) for name in names}
    rng = np.random.default_rng(assembly.settings.comparison.seed)
    ordered = tuple(results[candidate.name] for candidate in candidates)
    return AgentSection(tasks.fingerprint, len(tasks.tasks), ordered, differences(evaluations, method, rng))


def _without(name: str, before: AgentSetup | None, now: AgentSetup) -> AgentResult:
    if before is None:
        return AgentResult(name, "not tried")
    return AgentResult(name, "out of date", changed=before.changed(now), tried_at=before.tried_at)


def _told_of_actions(settings: ActionsSettings, assembly: Assembly) -> str:
    """Return a hash of what a model is told of the actions, and of what the policy knows of them, wherever they are:
    addresses and tokens do not count. Tools of MCP servers are as pinned as settings pin them; no server is asked."""
    here = [_without_token(each) for each in settings.backends if each.mcp is None]
    with open_actions(settings.model_copy(update={"backends": here}), assembly.folder) as opened:
        told = [_told(each.schema, each.reach, str(each.trusted)) for each in opened.actions]
    pinned = [each.model_dump_json(include={"name", "only", "actions"}) for each in settings.backends if each.mcp]
    approved = [json.dumps(each.mcp.approved, sort_keys=True) for each in settings.backends if each.mcp]
    return digest(*sorted(told), *pinned, *approved)


def _told(schema: ActionSchema, *known: str) -> str:
    return digest(schema.name, schema.description, json.dumps(schema.parameters, sort_keys=True), *known)


def _without_token(backend: BackendSettings) -> BackendSettings:
    """Return a back-end that is only looked at: without the token, which need not be there."""
    if backend.openapi is None:
        return backend
    return backend.model_copy(update={"openapi": backend.openapi.model_copy(update={"token_variable": ""})})
