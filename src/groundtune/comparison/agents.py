"""`groundtune agents evaluate`: candidates as agents on a project's own tasks, with a scripted customer.

`agent_evidence` keeps what comes of it, `agent_results` says what it amounts to.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

from groundtune.agents.action_agent import MODEL_FAILED
from groundtune.agents.actions.opening import token_of
from groundtune.agents.tasks.files import ScriptedTask, ScriptedTasks
from groundtune.agents.tasks.scripted import ScriptedCustomer, ScriptedRun
from groundtune.assembly.acting import Acting, budget_of, open_acting
from groundtune.assembly.assembly import Assembly
from groundtune.assembly.candidates import Candidate
from groundtune.comparison.agent_evidence import (
    SETUP,
    AgentSetup,
    KeptTrials,
    acts,
    setups_of,
    sharing_models,
    tasks_of,
)
from groundtune.comparison.agent_results import AgentEvaluation, TaskTrial, TriedTask
from groundtune.errors import InputError, SettingsError
from groundtune.http.backend import BackendClient, NoReply, NotSent
from groundtune.http.guarded import FetchLimits
from groundtune.http.outages import one_command
from groundtune.values import Actor, HandedOver, Split


@one_command()
def evaluate_agents(
    assembly: Assembly,
    names: Sequence[str] = (),
    trials: int = 1,
    split: Split | None = None,
    limit: int | None = None,
    *,
    again: bool = False,
) -> tuple[AgentEvaluation, ...]:
    """Try the candidates called `names` (base if there are none) as agents on the project's tasks, `trials` times each;
    on the tasks of one `split`, at most `limit` of them. Candidates with the same model are tried once.

    Each trial is kept in the records when it is made, and not made again: rerun to go on, or with `again` to begin
    anew. Raises `SettingsError` if `[actions]` names no back-end, rule or simulation, and `InputError` for tasks that
    cannot be read, a simulation that cannot be asked, and a candidate that was not tuned yet.
    """
    settings = assembly.settings
    if not acts(assembly):
        raise SettingsError("`[actions]` has no back-end or no rule.", remedy="See docs/agents.md.")
    world = SimulatedWorld(settings.actions.simulation, settings.actions.simulation_token_variable)
    tasks = tasks_of(assembly)
    chosen = [task for task in tasks.tasks if split is None or task.split == split][:limit]
    if not chosen:
        raise InputError("there is no such task.", place=settings.actions.tasks, remedy="Choose another split.")
    candidates = [assembly.candidate(name) for name in dict.fromkeys(names or ["base"])]
    for candidate in candidates:
        for adapter in candidate.adapters:
            assembly.adapters.check(candidate.name, adapter)
    together = sharing_models(assembly, candidates)
    setups = setups_of(assembly, [sharing[0] for sharing in together], tasks, datetime.now(UTC))
    return tuple(
        _Trials(assembly, sharing, tasks, setup).make(chosen, world, trials, again=again)
        for sharing, setup in zip(together, setups, strict=True)
    )


class _Trials:
    """The trials of one model, which `candidates` share, on `tasks`."""

    def __init__(
        self, assembly: Assembly, candidates: Sequence[Candidate], tasks: ScriptedTasks, setup: AgentSetup
    ) -> None:
        self._assembly, self._tasks = assembly, tasks
        self._names = tuple(candidate.name for candidate in candidates)
        self._model = assembly.model_of(candidates[0])
        self._kept = KeptTrials(assembly.records, setup)
        self._people: dict[str, Actor] = {}

    def make(
        self, chosen: Sequence[ScriptedTask], world: SimulatedWorld, trials: int, *, again: bool
    ) -> AgentEvaluation:
        """Make the trials that are not kept yet, the first of each task before the second of any."""
        setup = self._kept.setup
        done = {} if again else {id: list(row.trials) for id, row in self._kept.of(chosen).items()}
        failed: defaultdict[str, list[TaskTrial]] = defaultdict(list)
        with open_acting(self._assembly, self._people.get, model=self._model) as acting:
            assert acting is not None  # `acts` has said so
            for name in self._names:
                self._assembly.records.keep(SETUP, name, setup)
            for number, (trial, task) in enumerate(product(range(trials), chosen)):
                self._assembly.progress(f"{' = '.join(self._names)}: trying tasks", number + 1, trials * len(chosen))
                own = done.setdefault(task.id, [])
                if len(own) + len(failed[task.id]) > trial:
                    continue
                made = as_trial(self._run(task, acting, world))
                (failed[task.id] if made.failed else own).append(made)
                if not made.failed:
                    self._kept.keep(task, own)
        ends = {task.id: (*done[task.id], *failed[task.id])[:trials] for task in chosen}
        tried = tuple(TriedTask(task.id, task.kind, task.group, ends[task.id]) for task in chosen)
        every, model = self._tasks, self._model.name
        return AgentEvaluation(self._names, model, every.fingerprint, len(every.tasks), tried, setup.tried_at)

    def _run(self, task: ScriptedTask, acting: Acting, world: SimulatedWorld) -> ScriptedRun:
        self._people[task.customer.id] = task.customer
        conversation = self._assembly.records.conversations().begin(task.customer.id, f"task {task.id}")
        budget = budget_of(self._assembly.settings.actions)
        return ScriptedCustomer(task, acting.agent, acting.tools.approvals, budget).run(world, conversation)


def as_trial(run: ScriptedRun) -> TaskTrial:
    """Return what is kept of a run. Where the model failed and did no harm before, the trial tells nothing."""
    ends = [event.reason for event in run.events if isinstance(event, HandedOver)]
    failed = next((reason for reason in ends if reason.startswith(MODEL_FAILED)), "")
    unauthorised = tuple(call.text for call in run.unauthorised)
    return TaskTrial(run.succeeded, unauthorised, run.refused, run.handed_over, "" if unauthorised else failed)


class SimulatedWorld:
    """The simulation of a back-end: `PUT state` begins anew, `GET changes` tells what differs."""

    def __init__(self, url: str, token_variable: str) -> None:
        if not url:
            raise SettingsError(
                "`[actions] simulation` is not set: tasks need a back-end that can begin anew.",
                remedy="Set it to the address of one; see docs/agents.md. Never name one that is in use.",
            )
        self._client = BackendClient(url, FetchLimits(megabytes=5, seconds=60))
        token = token_of(token_variable)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def begin(self, rows: Any) -> None:  # noqa: ANN401 -- JSON
        """Begin anew, with `rows` put upon the start."""
        self._asked("PUT", "/state", json.dumps(rows).encode())

    def changes(self) -> Mapping[str, Any]:
        """Return what differs from the beginning."""
        changes: dict[str, Any] = json.loads(self._asked("GET", "/changes"))
        return changes

    def _asked(self, method: str, target: str, body: bytes | None = None) -> bytes:
        headers = {**self._headers, "On-Behalf-Of": "-", "Content-Type": "application/json"}
        try:
            reply = self._client.ask(method, target, headers, body)
        except (NotSent, NoReply) as error:
            raise InputError(f"{error}.", place=self._client.base_url, remedy="Start the back-end.") from None
        if reply.status >= 300:
            raise InputError(f"{method} {target} is answered {reply.status}.", place=self._client.base_url)
        return reply.body
