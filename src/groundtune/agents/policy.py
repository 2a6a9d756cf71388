"""The policy: what an agent may do, for whom, and with which arguments. It is code and settings, outside the model.

What no rule allows is refused. A rule holds for some users and for some values. What it lets through is done at once,
or after somebody approved exactly this call. Whatever a rule says:

- in a call that changes something, and in any call to a back-end that is not the company's own, no value that was only
  seen in text of strangers passes, and none that the model made up. Excepted are arguments that the rule calls `free`
  (the words of a ticket), and choices among a few values that the schema names, if somebody approves the call;
- once the model has read text of strangers, no call that changes something is done without an approval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

from groundtune.acting import Action
from groundtune.agents.approvals import ASKER
from groundtune.agents.provenance import CENTS, decimal_of, leaves
from groundtune.values import ActionCall, Actor, Permission, Provenance

_TRUSTED: tuple[Provenance, ...] = ("user", "record")
_WHY = {
    "text": "comes out of text that anybody may have written",
    "nowhere": "was said by nobody: the model made it up",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Which values an argument may have. `own` names a value of the user's own (`Actor.own`) that it must equal."""

    at_most: Decimal | None = None
    at_least: Decimal | None = None
    one_of: tuple[str, ...] = ()
    own: str = ""

    def broken_by(self, value: object, actor: Actor) -> str:
        """Return why a value is not allowed; empty if it is. What cannot be compared is not."""
        if self.own and str(value) != actor.own.get(self.own):
            return f"is not the user's own {self.own}"
        if self.one_of and str(value) not in self.one_of:
            return f"is none of {', '.join(self.one_of)}"
        if self.at_most is None and self.at_least is None:
            return ""
        number = decimal_of(value)
        if number is None:
            return "is no number"
        if self.at_most is not None and number > self.at_most:
            return f"is above {self.at_most}"
        return f"is below {self.at_least}" if self.at_least is not None and number < self.at_least else ""


@dataclass(frozen=True, slots=True)
class ActionRule:
    """What users with one of the principals `who` may do: actions whose name is like `action` (`*` stands for any
    letters), with arguments within `limits`. An argument that a limit names must be there.

    `approver` is who approves: the asker, or a principal that somebody else has. `money` names the argument that says
    what the call costs, in cents if its name ends so.
    """

    action: str
    who: tuple[str, ...]
    then: Literal["allow", "approve"] = "approve"
    limits: Mapping[str, Limit] = field(default_factory=dict)
    free: tuple[str, ...] = ()
    approver: str = ASKER
    money: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says of a call, and why. `approver` is who has to approve it, if somebody has to; `money` is what
    it costs."""

    permission: Permission
    reason: str = ""
    approver: str = ASKER
    money: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ActionPolicy:
    """Rules, of which the first that fits decides."""

    rules: Sequence[ActionRule] = ()

    def ruling(
        self, action: Action, call: ActionCall, actor: Actor, sources: Mapping[str, Provenance], *, tainted: bool
    ) -> Ruling:
        """Return what to do with a call for `actor` whose arguments, by dotted path, are from `sources`.

        `tainted` tells whether the model that selected it has read text of strangers.
        """
        reasons = []
        for rule in self.rules:
            if not fnmatchcase(call.action, rule.action) or not set(rule.who) & set(actor.principals):
                continue
            why = _beyond(rule, call, actor)
            if not why:
                ruling = _permitted(rule, action, sources, tainted=tainted)
                return replace(ruling, money=_cost(rule, call))
            reasons.append(why)
        return Ruling("refused", "; ".join(reasons) or f"no rule lets this user do {call.action}")

    def still(self, action: Action, call: ActionCall, actor: Actor) -> Ruling:
        """Return what to do with a call whose sources were looked at before it was approved: rules and users may have
        changed since.
        """
        return self.ruling(action, call, actor, {}, tainted=False)

    def about(self, action: str) -> list[ActionRule]:
        """Return the rules that name an action, whomever they are for."""
        return [rule for rule in self.rules if fnmatchcase(action, rule.action)]

    def offered(self, actions: Sequence[Action], actor: Actor) -> list[Action]:
        """Return the actions that some rule lets a user do: a model need not hear of others."""
        mine = [rule for rule in self.rules if set(rule.who) & set(actor.principals)]
        return [action for action in actions if any(fnmatchcase(action.schema.name, rule.action) for rule in mine)]


def _beyond(rule: ActionRule, call: ActionCall, actor: Actor) -> str:
    """Return why the arguments are not within the limits of a rule; empty if they are."""
    values = dict(leaves(call.arguments))
    for path, limit in rule.limits.items():
        if path not in values:
            return f"{path} is missing"
        why = limit.broken_by(values[path], actor)
        if why:
            return f"{path} {why}"
    return ""


def _cost(rule: ActionRule, call: ActionCall) -> Decimal:
    number = decimal_of(dict(leaves(call.arguments)).get(rule.money)) or Decimal(0)
    return number / 100 if rule.money.endswith(CENTS) else number


def _permitted(rule: ActionRule, action: Action, sources: Mapping[str, Provenance], *, tainted: bool) -> Ruling:
    consequential = action.reach == "write" or not action.trusted
    approved = rule.then == "approve" or (tainted and action.reach == "write")
    if consequential:
        chosen = _choices(action) if approved else set()
        for path, source in sources.items():
            if source not in _TRUSTED and path not in rule.free and path not in chosen:
                return Ruling("refused", f"{path} {_WHY[source]}")
    if not approved:
        return Ruling("allowed")
    return Ruling("needs approval", "the conversation holds text of strangers" if tainted else "", rule.approver)


def _choices(action: Action) -> set[str]:
    """Return the arguments that are one of a few values which the schema names."""
    properties = action.schema.parameters.get("properties")
    if not isinstance(properties, Mapping):
        return set()
    return {
        name
        for name, schema in properties.items()
        if isinstance(schema, Mapping) and ("enum" in schema or "const" in schema or schema.get("type") == "boolean")
    }
