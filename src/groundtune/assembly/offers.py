"""What the back-ends of a project offer, who may have it done, and which tools wait for somebody to approve them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from groundtune.agents.actions.mcp import McpAction
from groundtune.agents.actions.offers import NotOffered, OfferedTool
from groundtune.agents.actions.opening import Openable, open_actions
from groundtune.agents.policy import ActionRule
from groundtune.assembly.acting import policy_of
from groundtune.errors import InputError
from groundtune.settings import write_approved
from groundtune.settings.actions import ActionsSettings
from groundtune.values import Reach


@dataclass(frozen=True, slots=True)
class OfferedAction:
    """An action of a project. `ways` are what its back-end can do with a call besides: "look up", "give up", "undo".
    `rules` say which users may have it done, and how; without one, nobody may."""

    name: str
    backend: str
    reach: Reach
    trusted: bool
    ways: tuple[str, ...]
    rules: tuple[str, ...]
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ActionOffers:
    """The actions of a project, and what of its back-ends is none."""

    actions: tuple[OfferedAction, ...]
    refused: tuple[NotOffered, ...]

    def as_json(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return asdict(self)


def action_offers(settings: ActionsSettings, folder: Path) -> ActionOffers:
    """Open the back-ends of a project and return what they offer. Raises as `open_actions` does."""
    policy = policy_of(settings)
    with open_actions(settings, folder) as opened:
        actions = [
            OfferedAction(
                name=each.schema.name,
                backend=opened.backends[each.schema.name],
                reach=each.reach,
                trusted=each.trusted,
                ways=_ways(each),
                rules=tuple(map(_said, policy.about(each.schema.name))),
                description=each.schema.description,
                parameters=each.schema.parameters,
            )
            for each in opened.actions
        ]
        return ActionOffers(tuple(actions), opened.refused)


def approve_tool(settings: ActionsSettings, folder: Path, backend: str, tool: str, shown: str) -> None:
    """Write into `groundtune.toml` that a tool of an MCP server is approved as it was `shown`: under this digest.

    Raises `InputError` where there is no such tool that waits for an approval, or it is another one by now.
    """
    named = [each for each in settings.backends if each.name == backend and each.mcp is not None]
    if not named:
        raise InputError(f"there is no MCP back-end `{backend}`.", remedy="`groundtune agents actions` names them.")
    with open_actions(settings.model_copy(update={"backends": named}), folder) as opened:
        waiting = {each.tool.name: each.tool for each in opened.refused if each.tool is not None}
        others = [f"{each.name}: {each.reason}" for each in opened.refused if each.tool is None and each.missed]
    if tool not in waiting:
        why = "; ".join(others) or f"`{backend}` has no tool `{tool}` that waits for an approval"
        raise InputError(f"{why}.", remedy="`groundtune agents actions` shows what is there.")
    if waiting[tool].digest != shown:
        raise InputError(
            f"the tool `{tool}` is not the one that was shown: its digest is {waiting[tool].digest}.",
            remedy="Look at it again with `groundtune agents actions`.",
        )
    write_approved(folder, backend, tool, shown)


def approved_line(tool: OfferedTool) -> str:
    """Return the line of `groundtune.toml`, below `approved` of its back-end, by which a tool is approved."""
    return f"{json.dumps(tool.name, ensure_ascii=False)} = {json.dumps(tool.digest)}"


def _ways(action: Openable) -> tuple[str, ...]:
    if isinstance(action, McpAction):
        return ()
    helpers = {"look up": action.helpers.finder, "give up": action.helpers.stopper, "undo": action.helpers.undoer}
    return tuple(way for way, helper in helpers.items() if helper is not None)


def _said(rule: ActionRule) -> str:
    how = "at once" if rule.then == "allow" else f"approved by the {rule.approver}"
    limits = f", with limits of {', '.join(rule.limits)}" if rule.limits else ""
    return f"{', '.join(rule.who)}: {how}{limits}"
