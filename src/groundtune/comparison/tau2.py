"""`groundtune agents evaluate --tasks tau2:…`: a chat model as the agent of the public tau2 tasks.

The customer is played by a model, too. Each trial is kept in the records once it is made, under all that can change it,
so that an evaluation goes on where it was interrupted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import get_args

from pydantic import TypeAdapter

from groundtune.acting import SelectingModel
from groundtune.agents.tasks.conversing import AGENT, CUSTOMER, ConversingLimits, Speaker, converse
from groundtune.agents.tasks.environment import finish, replay
from groundtune.agents.tasks.grading import count_effects, grade
from groundtune.agents.tasks.task import AgentTask, RewardPart
from groundtune.agents.tasks.tau2.reading import Tau2Domain, Tau2Name, read_tau2
from groundtune.assembly.assembly import Assembly
from groundtune.comparison.agent_results import Tried, pass_hats
from groundtune.errors import InputError, ModelFailed
from groundtune.files import within
from groundtune.http.outages import one_command
from groundtune.models.selecting import selecting
from groundtune.records import KeptKind
from groundtune.statistics.comparing import estimate
from groundtune.statistics.sample import Method
from groundtune.values import Estimate, digest

PREFIX = "tau2:"
ENDED = {"customer": "the customer ended it", "steps": "too many steps", "faults": "too many faults"}


@dataclass(frozen=True, slots=True)
class Tau2Trial:
    """How a trial of a task ended. `parts` are the values of what is rewarded, None where one could not be scored.

    `effects` are how many the agent had, `unauthorised` those beyond the gold actions. Where `failed` says that a model
    did not answer, the trial tells nothing.
    """

    parts: Mapping[RewardPart, float | None] = field(default_factory=dict)
    ended: str = ""
    steps: int = 0
    effects: int = 0
    unauthorised: tuple[str, ...] = ()
    failed: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the customer ended it, and every part that was scored is met."""
        scored = [value for value in self.parts.values() if value is not None]
        return self.ended == "customer" and bool(scored) and min(scored) == 1.0

    @property
    def unscored(self) -> bool:
        """Whether a part could not be scored, so that success is the most that can be said."""
        return None in self.parts.values()


@dataclass(frozen=True, slots=True)
class Tau2Tried(Tried[Tau2Trial]):
    """A task with its trials. `floor` tells whether doing nothing would have succeeded."""

    id: str
    trials: tuple[Tau2Trial, ...]
    floor: bool


@dataclass(frozen=True, slots=True)
class Tau2Evaluation:
    """What came of all tasks that were tried, of the `tasks` that the split has."""

    domain: Tau2Name
    split: str
    fingerprint: str
    tasks: int
    agent: str
    customer: str
    limits: ConversingLimits
    tried: tuple[Tau2Tried, ...]

    @property
    def trials(self) -> list[Tau2Trial]:
        """All trials that tell something."""
        return [trial for each in self.tried for trial in each.graded]

    @property
    def failed(self) -> list[str]:
        """Why other trials tell nothing."""
        return [trial.failed for each in self.tried for trial in each.trials if trial.failed]

    @property
    def success(self) -> Estimate:
        """The share of trials that succeeded, over tasks."""
        scores, ids = [each.score for each in self.tried], [each.id for each in self.tried]
        return estimate(scores, ids, method=Method(scale=(0.0, 1.0)))

    @property
    def floor(self) -> float:
        """The share of these tasks in which doing nothing succeeds."""
        return sum(each.floor for each in self.tried) / len(self.tried)

    @property
    def pass_hat(self) -> dict[int, float]:
        """pass^k over the tasks with a trial that tells something, for each k that all of them have trials for."""
        return pass_hats(self.tried)

    def parts(self) -> dict[RewardPart, tuple[int, int, int]]:
        """Return for each part of the reward how many trials met it, did not, and could not be scored."""
        by_part: dict[RewardPart, list[float | None]] = {}
        for trial in self.trials:
            for part, value in trial.parts.items():
                by_part.setdefault(part, []).append(value)
        return {part: (values.count(1.0), values.count(0.0), values.count(None)) for part, values in by_part.items()}

    def as_json(self) -> dict[str, object]:
        """Return it as `groundtune agents evaluate --json` prints it."""
        return {
            "tasks": f"{PREFIX}{self.domain}",
            "split": self.split,
            "fingerprint": self.fingerprint,
            "agent": self.agent,
            "customer": self.customer,
            "limits": asdict(self.limits),
            "success": asdict(self.success),
            "pass_hat": {str(k): value for k, value in self.pass_hat.items()},
            "floor": self.floor,
            "unscored": sum(trial.unscored for trial in self.trials),
            "failed": len(self.failed),
            "effects": sum(trial.effects for trial in self.trials),
            "unauthorised": sum(len(trial.unauthorised) for trial in self.trials),
            "ended": dict(Counter(trial.ended for trial in self.trials)),
            "tried": [{**asdict(each), "successes": each.successes} for each in self.tried],
        }


TAU2_TRIAL = KeptKind("tau2 trial", TypeAdapter(Tau2Trial))


@one_command()
def evaluate_tau2(
    assembly: Assembly,
    named: str,
    split: str = "base",
    *,
    customer: str | None = None,
    trials: int = 1,
    limit: int | None = None,
    limits: ConversingLimits | None = None,
) -> Tau2Evaluation:
    """Try the model of `[model]` as the agent of tau2 tasks: `named` is `tau2:DOMAIN@FOLDER`, as in tau2.md.

    `customer` names the model that plays the customer, that of `[model]` if None. At most `limit` tasks of the split
    are tried, `trials` times each. Raises `InputError` for tasks that cannot be read.
    """
    domain = _opened(named, assembly.folder)
    tasks = domain.split(split)
    agent, other = selecting(assembly.chat_model()), selecting(assembly.chat_model(customer))
    trier = _Trier(assembly, domain, agent, other, limits or ConversingLimits())
    chosen = tasks[:limit]
    made: dict[str, list[Tau2Trial]] = {task.id: [] for task in chosen}
    for done, (trial, task) in enumerate(product(range(trials), chosen)):
        assembly.progress("try tasks", done, trials * len(chosen))
        made[task.id].append(trier.trial(task, trial))
    assembly.progress("try tasks", trials * len(chosen), trials * len(chosen))
    tried = tuple(Tau2Tried(task.id, tuple(made[task.id]), trier.floor(task)) for task in chosen)
    names, fingerprint = (agent.name, other.name), domain.fingerprint
    return Tau2Evaluation(domain.name, split, fingerprint, len(tasks), *names, trier.limits, tried)


def _opened(named: str, folder: Path) -> Tau2Domain:
    name, at, place = named.removeprefix(PREFIX).partition("@")
    names: Sequence[Tau2Name] = get_args(Tau2Name)
    for each in names:
        if each == name and at and named.startswith(PREFIX):
            return read_tau2(within(folder, place), each)
    raise InputError(
        f"`{named}` names no tasks.", remedy=f"Write {PREFIX}DOMAIN@FOLDER; there are {' and '.join(names)}."
    )


@dataclass(frozen=True, slots=True)
class _Trier:
    """Makes trials that are not kept, and keeps them."""

    assembly: Assembly
    domain: Tau2Domain
    agent: SelectingModel
    customer: SelectingModel
    limits: ConversingLimits

    def trial(self, task: AgentTask, number: int) -> Tau2Trial:
        """Return a trial of a task; one in which a model failed is not kept, and made again the next time."""
        key = digest(
            *(self.agent.signature, self.customer.signature, self.domain.fingerprint, AGENT, CUSTOMER),
            *(repr(self.limits), task.id, str(number)),
        )
        kept = self.assembly.records.kept(TAU2_TRIAL, key)
        if kept is not None:
            return kept
        try:
            made = self._made(task)
        except ModelFailed as error:
            return Tau2Trial(failed=error.message)
        self.assembly.records.keep(TAU2_TRIAL, key, made)
        return made

    def floor(self, task: AgentTask) -> bool:
        """Tell whether doing nothing succeeds."""
        graded = grade(task, finish(self.domain.begin(task), task), replay(self.domain.fresh(), task))
        return graded.reward == 1.0

    def _made(self, task: AgentTask) -> Tau2Trial:
        world = self.domain.begin(task)
        agent = Speaker.agent(self.agent, self.domain.policy, world)
        held = converse(task, world, agent, Speaker.customer(self.customer, task.goal, world), self.limits)
        graded = grade(task, held.episode, replay(self.domain.fresh(), task))
        parts = {part.part: part.value for part in graded.parts}
        unauthorised = tuple(call.text for call in held.episode.unauthorised)
        effects = count_effects([held.episode]).effects
        return Tau2Trial(parts, held.ended, held.steps, effects, unauthorised)
