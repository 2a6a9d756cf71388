"""A conversation between an agent and a customer, both played by models, in the world of a task.

Each side hears the other's words, and sees its own calls only. At each step, a side calls one of its tools or says
something. The customer ends the conversation; one that ends otherwise is cut off. As in tau2-bench (Barres et al. 2025,
arXiv 2506.07982, section 3). Knows no domain, and opens nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from groundtune.acting import SelectingModel
from groundtune.agents.actions.functions import FunctionAction, FunctionHelpers
from groundtune.agents.tasks.environment import TaskEnvironment, finish
from groundtune.agents.tasks.task import AgentTask, CustomerGoal, Episode, Side
from groundtune.values import ActionCall, ActionResult, ActionSchema, Message, ToolCall

STOP, TRANSFER, OUT_OF_SCOPE = "###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###"
GREETING = "Hi! How can I help you today?"
SILENCE = "(says nothing)"
AGENT = """You are an agent of a company's customer service. You have already said: "{greeting}"
At each step you either call one of your tools or say something to the customer, never both. Keep to the policy.

<policy>
{policy}
</policy>"""
CUSTOMER = """You play a customer who talks to an agent of a company's customer service. Stay in that part.

- Say one thing at a time, in your own words, as a customer would. Do not tell everything at once: wait to be asked.
- You know what the scenario says and what your tools have told you. Whatever else you are asked, you do not know it. \
Make nothing up.
- If you have tools, use one only where the agent asks you to do or to look up something. Do one thing at a time. What \
a tool tells you is what you saw: the agent does not see it unless you say it.
- When what you want is done, say {stop} and nothing else. When the agent has said that it transfers you to somebody \
else, say {transfer}. When the scenario does not tell you enough to go on, say {out_of_scope}.

<scenario>
{scenario}
</scenario>"""
ConversationEnd = Literal["customer", "steps", "faults"]
"""Whether the customer ended it, or it was cut off: after so many steps, or after so many calls that were none or were
refused."""


@dataclass(frozen=True, slots=True)
class ConversingLimits:
    """How many steps a conversation may have (a call or a turn of words is one), and how many faults: calls that are
    none or are refused, and turns without a word. The defaults are those of tau2-bench."""

    steps: int = 200
    faults: int = 10


@dataclass(frozen=True, slots=True)
class HeldConversation:
    """How a conversation went. `said` are all words, with who said them."""

    episode: Episode
    ended: ConversationEnd
    steps: int
    said: tuple[tuple[Side, str], ...]


class Speaker:
    """A side of a conversation, played by a model: `told` is what it knows at the start."""

    def __init__(self, side: Side, model: SelectingModel, told: str, tools: Sequence[ActionSchema]) -> None:
        self.side: Side = side
        self._model, self._tools = model, tools
        self._messages = [Message("system", told)]

    @classmethod
    def agent(cls, model: SelectingModel, policy: str, world: TaskEnvironment) -> Speaker:
        """Return the agent of a world, who keeps to `policy`."""
        return cls("agent", model, AGENT.format(greeting=GREETING, policy=policy), schemas_of(world, "agent"))

    @classmethod
    def customer(cls, model: SelectingModel, goal: CustomerGoal, world: TaskEnvironment) -> Speaker:
        """Return a customer of a world, who wants `goal` and has been greeted."""
        told = CUSTOMER.format(stop=STOP, transfer=TRANSFER, out_of_scope=OUT_OF_SCOPE, scenario=_scenario(goal))
        made = cls("customer", model, told, schemas_of(world, "customer"))
        made.hear(GREETING)
        return made

    def hear(self, words: str) -> None:
        """Take in what the other side says."""
        self._messages.append(Message("user", words))

    def step(self) -> tuple[ActionCall | str, bool]:
        """Return the next call or words, and whether the model tried a call that is none. Raises `ModelFailed`."""
        conversation = tuple(self._messages)
        (selection,) = self._model.select([conversation], self._tools)
        if selection.call is not None:
            return selection.call, False
        words = "" if selection.fault else selection.reply.strip()
        if not words:
            (completion,) = self._model.complete([conversation])
            words = completion.text.strip()
        self._messages.append(Message("assistant", words or SILENCE))
        return words, bool(selection.fault)

    def see(self, call: ActionCall, result: ActionResult) -> None:
        """Take in what came of a call of this side."""
        id = f"call-{len(self._messages)}"
        told = result.value if result.outcome == "done" else f"Error: {result.reason}"
        asked = ToolCall(call.action, json.dumps(dict(call.arguments)), id)
        self._messages.append(Message("assistant", "", (asked,)))
        shown = told if isinstance(told, str) else json.dumps(told)
        self._messages.append(Message("tool", shown, name=call.action, call=id))


def converse(
    task: AgentTask, world: TaskEnvironment, agent: Speaker, customer: Speaker, limits: ConversingLimits
) -> HeldConversation:
    """Let both talk until the customer ends it or a limit does, in a world in which `task` has begun.

    Raises `ModelFailed` where a model does not answer: such a conversation tells nothing.
    """
    speaking, listening = customer, agent
    said: list[tuple[Side, str]] = []
    steps = faults = 0
    ended: ConversationEnd = "steps"
    while steps < limits.steps and ended == "steps":
        steps += 1
        step, fault = speaking.step()
        if isinstance(step, ActionCall):
            result = world.call(speaking.side, step)
            speaking.see(step, result)
            fault = result.outcome == "refused"
        else:
            fault = fault or not step
            said.append((speaking.side, step))
            if speaking is customer and any(token in step for token in (STOP, TRANSFER, OUT_OF_SCOPE)):
                ended = "customer"
            listening.hear(step or SILENCE)
            speaking, listening = listening, speaking
        faults += fault
        if faults >= limits.faults and ended == "steps":
            ended = "faults"
    words = [text for side, text in said if side == "agent"]
    return HeldConversation(finish(world, task, words), ended, steps, tuple(said))


def schemas_of(world: TaskEnvironment, side: Side) -> list[ActionSchema]:
    """Return the tools of a side as a model is told of them."""
    tools = world.tools(side).values()
    none = FunctionHelpers()
    return [FunctionAction.of(tool.function, tool.reach, trusted=True, helpers=none).schema for tool in tools]


def _scenario(goal: CustomerGoal) -> str:
    parts = {
        "Why you get in touch": goal.reason,
        "What you know": goal.known,
        "What you do not know": goal.unknown,
        "What to do": goal.instructions,
        "Who you are": goal.persona,
    }
    return "\n\n".join(f"{name}:\n{text}" for name, text in parts.items() if text)
