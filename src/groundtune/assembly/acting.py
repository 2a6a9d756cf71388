"""What acts in a project: the actions and rules of `[actions]`, the chat model that selects, and the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.actions.opening import open_actions
from groundtune.agents.approvals import Approvals
from groundtune.agents.budget import Budget, BudgetLimits
from groundtune.agents.effects import EffectLedger
from groundtune.agents.policy import ActionPolicy, ActionRule, Limit
from groundtune.assembly.assembly import Assembly
from groundtune.models.selecting import selecting
from groundtune.settings.actions import ActionsSettings
from groundtune.values import Actor


@dataclass(frozen=True, slots=True)
class Acting:
    """The agent that acts in a project, what it acts with, and the budget of a conversation."""

    agent: ActionAgent
    tools: ActionTools
    budget: Budget


@contextmanager
def open_acting(
    assembly: Assembly, who: Callable[[str], Actor | None], *, rehearse: bool = False
) -> Iterator[Acting | None]:
    """Give what acts in a project, None if `[actions]` names no back-end or no rule; servers that it started end with
    the block.

    `who` tells who a user is at this moment. Calls that were cut off by a crash are jobs: `assembly.background` has
    them looked up. Raises `SettingsError`, `InputError`, `NotInstalled` and `StoreError`.
    """
    settings = assembly.settings.actions
    if not settings.backends or not settings.rules:
        yield None
        return
    kept = assembly.records.effects()
    approvals = Approvals(kept)
    ledger = EffectLedger(kept, approvals)
    with open_actions(settings, assembly.folder) as opened:
        tools = ActionTools(opened.actions, policy_of(settings), ledger, approvals, kept, who, rehearse)
        yield Acting(ActionAgent(selecting(assembly.chat_model()), tools), tools, budget_of(settings))


def budget_of(settings: ActionsSettings) -> Budget:
    """Return what a conversation may take, of which nothing is taken yet."""
    return Budget(BudgetLimits(settings.calls, settings.tokens, settings.money, settings.seconds))


def policy_of(settings: ActionsSettings) -> ActionPolicy:
    """Return the rules of `[actions]`."""
    rules = []
    for rule in settings.rules:
        limits = {
            path: Limit(limit.at_most, limit.at_least, tuple(limit.one_of), limit.own)
            for path, limit in rule.limits.items()
        }
        who, free = tuple(rule.who), tuple(rule.free)
        rules.append(ActionRule(rule.action, who, rule.then, limits, free, rule.approver, rule.money))
    return ActionPolicy(tuple(rules))
