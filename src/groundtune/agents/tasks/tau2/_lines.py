"""The form of a tau2 task file, for pydantic to check. What is no part of it is refused."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from groundtune.agents.tasks.task import AgentTask, CustomerGoal, GoldAction, RewardPart, Side, SideCall, StateCheck
from groundtune.values import ActionCall

_SIDES: dict[str, Side] = {"assistant": "agent", "user": "customer"}
_PARTS: dict[str, RewardPart] = {
    "DB": "database",
    "ENV_ASSERTION": "checks",
    "ACTION": "actions",
    "COMMUNICATE": "told",
    "NL_ASSERTION": "statements",
}


class _Tau2Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InstructionsLine(_Tau2Line):
    """What the customer wants and knows."""

    domain: str
    reason_for_call: str
    known_info: str | None = None
    unknown_info: str | None = None
    task_instructions: str


class ScenarioLine(_Tau2Line):
    """The customer."""

    persona: str | None = None
    instructions: InstructionsLine


class FunctionLine(_Tau2Line):
    """A step of the start."""

    env_type: Literal["assistant", "user"]
    func_name: str
    arguments: dict[str, object]


class AssertionLine(FunctionLine):
    """A check of the final state."""

    assert_value: bool = True
    message: str | None = None


class StartLine(_Tau2Line):
    """How a task begins. None of the tasks of these two domains begins with data or with a talk."""

    initialization_data: None = None
    initialization_actions: tuple[FunctionLine, ...] | None = None
    message_history: None = None


class GoldLine(_Tau2Line):
    """A gold action."""

    action_id: str
    requestor: Literal["assistant", "user"] = "assistant"
    name: str
    arguments: dict[str, object]
    info: str | None = None
    compare_args: tuple[str, ...] | None = None


class CriteriaLine(_Tau2Line):
    """What is rewarded."""

    actions: tuple[GoldLine, ...] | None = None
    env_assertions: tuple[AssertionLine, ...] | None = None
    communicate_info: tuple[str, ...] | None = None
    nl_assertions: tuple[str, ...] | None = None
    reward_basis: tuple[Literal["DB", "ENV_ASSERTION", "ACTION", "COMMUNICATE", "NL_ASSERTION"], ...]


class AgentTaskLine(_Tau2Line):
    """A task. What people noted of it, and the ticket, which is for agents without a customer, are not used."""

    id: str
    description: object = None
    user_scenario: ScenarioLine
    ticket: str | None = None
    issues: object = None
    initial_state: StartLine | None = None
    evaluation_criteria: CriteriaLine

    def task(self) -> AgentTask:
        """Return it as a value."""
        told, criteria, start = self.user_scenario.instructions, self.evaluation_criteria, self.initial_state
        return AgentTask(
            id=self.id,
            domain=told.domain,
            goal=CustomerGoal(
                reason=told.reason_for_call,
                known=told.known_info or "",
                unknown=told.unknown_info or "",
                instructions=told.task_instructions,
                persona=self.user_scenario.persona or "",
            ),
            start=tuple(
                SideCall(_SIDES[step.env_type], ActionCall(step.func_name, step.arguments))
                for step in (start and start.initialization_actions) or ()
            ),
            gold=tuple(
                GoldAction(_SIDES[gold.requestor], ActionCall(gold.name, gold.arguments), gold.compare_args)
                for gold in criteria.actions or ()
            ),
            checks=tuple(
                StateCheck(_SIDES[check.env_type], check.func_name, check.arguments, check.assert_value)
                for check in criteria.env_assertions or ()
            ),
            told=criteria.communicate_info or (),
            statements=criteria.nl_assertions or (),
            rewarded=tuple(_PARTS[part] for part in criteria.reward_basis),
        )
