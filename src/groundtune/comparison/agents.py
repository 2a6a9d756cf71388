"""`groundtune agents evaluate`: the agent of a project on its own tasks, with a scripted customer.

Success is an end state; pass^k is how likely a task succeeds k times in a row; and unauthorised effects are counted,
wherever a task ends.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from groundtune.agents.actions.opening import token_of
from groundtune.agents.tasks.files import ScriptedTask, load_tasks
from groundtune.agents.tasks.grading import pass_hat_k
from groundtune.agents.tasks.scripted import ScriptedCustomer, ScriptedRun
from groundtune.assembly.acting import Acting, budget_of, open_acting
from groundtune.assembly.assembly import Assembly
from groundtune.errors import InputError, SettingsError
from groundtune.files import within
from groundtune.http.backend import BackendClient, NoReply, NotSent
from groundtune.http.guarded import FetchLimits
from groundtune.statistics.comparing import estimate
from groundtune.statistics.sample import Method
from groundtune.values import Actor, Estimate, Score, Split


@dataclass(frozen=True, slots=True)
class TriedTask:
    """A task and how each trial of it ended."""

    task: ScriptedTask
    runs: tuple[ScriptedRun, ...]

    @property
    def successes(self) -> int:
        """How many trials succeeded."""
        return sum(run.succeeded for run in self.runs)


@dataclass(frozen=True, slots=True)
class AgentEvaluation:
    """What came of all tasks. `success` is the mean share of trials that succeeded, over groups of tasks."""

    model: str
    fingerprint: str
    trials: int
    tried: tuple[TriedTask, ...]
    success: Estimate | None

    def pass_hat(self, k: int) -> float:
        """Return pass^k, the mean over all tasks."""
        return sum(pass_hat_k(each.successes, self.trials, k) for each in self.tried) / len(self.tried)

    @property
    def unauthorised(self) -> int:
        """Effects that the customer did not want, in all trials."""
        return sum(len(run.unauthorised) for each in self.tried for run in each.runs)

    def by_kind(self) -> dict[str, tuple[int, int, int]]:
        """Return, for each kind of task, trials that succeeded, trials, and unauthorised effects."""
        succeeded, trials, effects = Counter[str](), Counter[str](), Counter[str]()
        for each in self.tried:
            for run in each.runs:
                trials[each.task.kind] += 1
                succeeded[each.task.kind] += run.succeeded
                effects[each.task.kind] += len(run.unauthorised)
        return {kind: (succeeded[kind], trials[kind], effects[kind]) for kind in trials}

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune agents evaluate --json` prints it."""
        return {
            "model": self.model,
            "fingerprint": self.fingerprint,
            "trials": self.trials,
            "success": None if self.success is None else asdict(self.success),
            "pass_hat": {str(k): self.pass_hat(k) for k in range(1, self.trials + 1)},
            "unauthorised": self.unauthorised,
            "kinds": {
                kind: {"succeeded": succeeded, "trials": trials, "unauthorised": effects}
                for kind, (succeeded, trials, effects) in self.by_kind().items()
            },
            "tasks": [
                {
                    "id": each.task.id,
                    "kind": each.task.kind,
                    "succeeded": [run.succeeded for run in each.runs],
                    "unauthorised": [call.text for run in each.runs for call in run.unauthorised],
                    "refused": [reason for run in each.runs for reason in run.refused],
                    "handed_over": sum(run.handed_over for run in each.runs),
                }
                for each in self.tried
            ],
        }


def evaluate_agents(
    assembly: Assembly, trials: int = 1, split: Split | None = None, limit: int | None = None
) -> AgentEvaluation:
    """Try the project's agent on its tasks, `trials` times each; the tasks of one `split`, at most `limit` of them.

    Raises `SettingsError` if `[actions]` names no back-end, rule or simulation, and `InputError` for tasks that cannot
    be read or a simulation that cannot be asked.
    """
    settings = assembly.settings
    tasks = load_tasks(within(assembly.folder, settings.actions.tasks), settings.benchmark.development_share)
    chosen = [task for task in tasks.tasks if split is None or task.split == split][:limit]
    if not chosen:
        raise InputError("there is no such task.", place=settings.actions.tasks, remedy="Choose another split.")
    world = SimulatedWorld(settings.actions.simulation, settings.actions.simulation_token_variable)
    people: dict[str, Actor] = {}
    runs: defaultdict[str, list[ScriptedRun]] = defaultdict(list)
    with open_acting(assembly, people.get) as acting:
        if acting is None:
            raise SettingsError("`[actions]` has no back-end or no rule.", remedy="See docs/agents.md.")
        for trial in range(trials):
            for done, task in enumerate(chosen):
                assembly.progress("try tasks", trial * len(chosen) + done, trials * len(chosen))
                people[task.customer.id] = task.customer
                runs[task.id].append(_run(task, acting, world, assembly))
        assembly.progress("try tasks", trials * len(chosen), trials * len(chosen))
    tried = tuple(TriedTask(task, tuple(runs[task.id])) for task in chosen)
    return AgentEvaluation(assembly.chat_model().name, tasks.fingerprint, trials, tried, _success(tried))


def _run(task: ScriptedTask, acting: Acting, world: SimulatedWorld, assembly: Assembly) -> ScriptedRun:
    budget = budget_of(assembly.settings.actions)
    conversation = assembly.records.conversations().begin(task.customer.id, f"task {task.id}")
    return ScriptedCustomer(task, acting.agent, acting.tools.approvals, budget).run(world, conversation)


def _success(tried: Sequence[TriedTask]) -> Estimate | None:
    groups = [each.task.group for each in tried]
    if len(set(groups)) < 2:
        return None
    scores = [Score(each.successes / len(each.runs)) for each in tried]
    return estimate(scores, groups, method=Method(scale=(0.0, 1.0)))


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
