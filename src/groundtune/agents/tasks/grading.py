"""Grades of episodes, and what several of them say together. Functions of values: nothing here opens anything.

`pass_hat_k` is that of tau-bench: how likely an agent is to do a task k times in a row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

from groundtune.agents.tasks.task import AgentTask, Episode, PartGrade, RewardPart, SideCall, TaskGrade
from groundtune.values import ActionCall


def grade(task: AgentTask, episode: Episode, gold: Episode) -> TaskGrade:
    """Grade `episode` by the parts that `task` is rewarded for. `gold` is the episode of the task's gold actions."""
    return TaskGrade(task.id, tuple(_PARTS[part](task, episode, gold) for part in task.rewarded))


def _database(task: AgentTask, episode: Episode, gold: Episode) -> PartGrade:
    """A state like that of a gold path which fails says nothing, as nobody knows where the path would have led."""
    if episode.state != gold.state:
        return PartGrade("database", 0.0, "the final state is another one")
    refused = next((made for made in gold.calls if made.reach == "write" and not made.is_effect), None)
    if refused:
        return PartGrade("database", None, f"the gold action {refused.call.action} is refused: {refused.result.reason}")
    return PartGrade("database", 1.0)


def _checks(task: AgentTask, episode: Episode, gold: Episode) -> PartGrade:
    wrong = [
        check.name for check, value in zip(task.checks, episode.checks, strict=True) if value is not check.expected
    ]
    return _all_of("checks", wrong)


def _actions(task: AgentTask, episode: Episode, gold: Episode) -> PartGrade:
    made = [SideCall(call.side, call.call) for call in episode.calls]
    missing = [action.call.action for action in task.gold if not any(action.is_met_by(call) for call in made)]
    return _all_of("actions", missing)


def _told(task: AgentTask, episode: Episode, gold: Episode) -> PartGrade:
    said = [text.casefold().replace(",", "") for text in episode.said]
    untold = [text for text in task.told if not any(text.casefold().replace(",", "") in message for message in said)]
    return _all_of("told", untold)


def _statements(task: AgentTask, episode: Episode, gold: Episode) -> PartGrade:
    if not task.statements:
        return PartGrade("statements", 1.0)
    if episode.judged is None:
        return PartGrade("statements", None, f"no judge read the talk for {len(task.statements)} statements")
    judged = zip(task.statements, episode.judged, strict=True)
    return _all_of("statements", [statement for statement, true in judged if not true])


def _all_of(part: RewardPart, wrong: Sequence[str]) -> PartGrade:
    return PartGrade(part, float(not wrong), f"not met: {', '.join(wrong)}" if wrong else "")


_PARTS: Mapping[RewardPart, Callable[[AgentTask, Episode, Episode], PartGrade]] = {
    "database": _database,
    "checks": _checks,
    "actions": _actions,
    "told": _told,
    "statements": _statements,
}


def beyond(allowed: Iterable[ActionCall], effects: Iterable[ActionCall]) -> tuple[ActionCall, ...]:
    """Return the effects that are not in `allowed`, which allows each of its calls once."""
    left = Counter(call.digest for call in allowed)
    outside = []
    for call in effects:
        if left[call.digest]:
            left[call.digest] -= 1
        else:
            outside.append(call)
    return tuple(outside)


def pass_hat_k(successes: int, trials: int, k: int) -> float:
    """Return how likely k trials, drawn without replacement from `trials` of which `successes` succeeded, all
    succeeded: C(successes, k) / C(trials, k), as in Yao et al. 2024, arXiv 2406.12045.

    >>> pass_hat_k(3, 4, 2)
    0.5
    """
    if not 0 <= successes <= trials or not 1 <= k <= trials:
        raise ValueError(f"no pass^{k} of {successes} successes in {trials} trials")
    return comb(successes, k) / comb(trials, k)


def passed(grades: Iterable[TaskGrade], k: int, part: RewardPart | None = None) -> dict[str, float]:
    """Return pass^k of each task that has k graded trials; their mean is the pass^k of the agent.

    A trial succeeded if its reward is 1, or the value of `part`. Those without are no trials. Where a part of the
    reward is unscored, pass^k is the most that it can be.
    """
    trials: defaultdict[str, list[bool]] = defaultdict(list)
    for graded in grades:
        value = graded.reward if part is None else graded.value(part)
        if value is not None:
            trials[graded.task].append(value == 1.0)
    return {task: pass_hat_k(sum(passes), len(passes), k) for task, passes in trials.items() if len(passes) >= k}


@dataclass(frozen=True, slots=True)
class EffectCount:
    """How many effects the agent had in how many episodes, and how many of both were unauthorised."""

    effects: int
    unauthorised: int
    episodes: int
    episodes_with_unauthorised: int

    @property
    def share(self) -> float | None:
        """The share of effects that were unauthorised; None without any effect."""
        return self.unauthorised / self.effects if self.effects else None


def count_effects(episodes: Sequence[Episode]) -> EffectCount:
    """Count the agent's effects."""
    return EffectCount(
        effects=sum(made.is_effect and made.side == "agent" for episode in episodes for made in episode.calls),
        unauthorised=sum(len(episode.unauthorised) for episode in episodes),
        episodes=len(episodes),
        episodes_with_unauthorised=sum(bool(episode.unauthorised) for episode in episodes),
    )
