"""What acts in a project: the actions and rules of `[actions]`, the chat model that selects, and the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.actions.opening import OpenActions, open_actions
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
    """The agent that acts in a project, and what it acts with. Close it to end the servers that it started."""

    agent: ActionAgent
    tools: ActionTools
    budget: Budget
    opened: OpenActions

    def close(self) -> None:
        """End what was started."""
        self.opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_acting(assembly: Assembly, who: Callable[[str], Actor | None], *, rehearse: bool = False) -> Acting | None:
    """Return what acts in a project, None if `[actions]` names no back-end or no rule.

    `who` tells who a user is at this moment. Calls that were cut off by a crash are looked up first. Raises
    `SettingsError`, `InputError`, `NotInstalled` and `StoreError`.
    """
    settings = assembly.settings.actions
    if not settings.backends or not settings.rules:
        return None
    kept = assembly.records.effects()
    approvals = Approvals(kept)
    ledger = EffectLedger(kept, approvals)
    opened = open_actions(settings, assembly.folder)
    try:
        tools = ActionTools(opened.actions, policy_of(settings), ledger, approvals, kept, who, rehearse)
        known = {action.schema.name: action for action in opened.actions}
        ledger.reconcile(known, lambda user: who(user) or Actor(user))
        agent = ActionAgent(selecting(assembly.chat_model()), tools)
    except BaseException:
        opened.close()
        raise
    limits = BudgetLimits(settings.calls, settings.tokens, settings.money, settings.seconds)
    return Acting(agent, tools, Budget(limits), opened)


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
