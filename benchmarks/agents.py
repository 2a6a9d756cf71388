"""Many conversations at once with the agent that acts: is an effect lost or doubled, and what does a turn cost?

    python benchmarks/agents.py [--conversations 1000] [--at-once 100 300 1000] [--records URL]

A scripted model selects a payment in every second turn, and the policy allows it; the back-end notes every call that it
gets. The ledger stands in the records, SQLite in a new folder unless --records names others. Prints Markdown: the load,
effects that were lost or doubled, the 50th and 95th percentile of the time of a turn, the processor time of the agent's
own thread for a turn, and how much memory the process took more at the end than at the beginning.
"""

from __future__ import annotations

import argparse
import resource
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from groundtune.agents.action_agent import ActionAgent, ActionTools
from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.budget import Budget, BudgetLimits
from groundtune.agents.effects import EffectLedger
from groundtune.agents.policy import ActionPolicy, ActionRule, Limit
from groundtune.records import open_records
from groundtune.testing.fakes import FunctionSelector
from groundtune.values import ActionCall, ActionResult, ActionSchema, Actor, Conversation, EffectMade, Message

TURNS = 4
PROPERTIES = {"bill": {"type": "string"}, "amount": {"type": "number"}}


@dataclass
class Payments:
    """A back-end that takes every call that it gets, and counts them by key."""

    keys: Counter[str] = field(default_factory=Counter)
    reach, trusted, signature = "write", True, "pay"
    schema = ActionSchema("pay", "Pay a bill.", {"type": "object", "properties": PROPERTIES})
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def perform(self, arguments: object, actor: Actor, key: str) -> ActionResult:
        """Take it."""
        with self._lock:
            self.keys[key] += 1
        return ActionResult("done", "paid", reference=key)


@dataclass
class TurnCost:
    """Seconds by the clock and of the thread's processor time, and whether there was an effect."""

    wall: float
    processor: float
    effect: bool


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--at-once", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--records", default="sqlite:///records.db")
    options = parser.parse_args()
    columns = ["at once", "turns", "effects", "lost", "doubled", "p50 ms", "p95 ms", "own ms", "with effect", "MB more"]
    print("| " + " | ".join(columns) + " |\n|" + "---:|" * len(columns))
    for at_once in options.at_once:
        print(row(at_once, options.conversations, options.records), flush=True)


def row(at_once: int, conversations: int, url: str) -> str:
    """Return the line of one load."""
    back_end = Payments()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_records(url, Path(mkdtemp())) as records:
        kept = records.effects()
        approvals = Approvals(kept)
        rules = (ActionRule("pay", ("customer",), "allow", {"amount": Limit(at_most=Decimal(100))}),)
        who = {f"C-{number}": Actor(f"C-{number}", ("customer",)) for number in range(conversations)}
        tools = ActionTools([back_end], ActionPolicy(rules), EffectLedger(kept, approvals), approvals, kept, who.get)
        agent = ActionAgent(FunctionSelector(selects), tools)
        with ThreadPoolExecutor(at_once) as pool:
            talks = pool.map(lambda number: talk(agent, f"{at_once}-{number}", f"C-{number}"), range(conversations))
            costs = [cost for costs in talks for cost in costs]
        done = [effect for effect in kept.effects(states=("done",)) if effect.conversation.startswith(f"{at_once}-")]
        assert kept.broken_at() is None
    acknowledged = sum(cost.effect for cost in costs)
    lost = acknowledged - sum(effect.key in back_end.keys for effect in done)
    doubled = sum(count > 1 for count in back_end.keys.values())
    wall = 1000 * np.percentile([cost.wall for cost in costs], [50, 95])
    own = [1000 * np.median([cost.processor for cost in costs if cost.effect is effect]) for effect in (False, True)]
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    times = [f"{each:.1f}" for each in wall] + [f"{each:.2f}" for each in own]
    cells = [at_once, len(costs), acknowledged, lost, doubled, *times, f"{more:.0f}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def selects(conversation: Conversation, actions: object) -> ActionCall | str:
    """Pay what the last turn asks for, once."""
    said = conversation[-1]
    if said.role != "user" or "pay" not in said.content:
        return "nothing to do"
    return ActionCall("pay", {"bill": said.content.split()[2], "amount": 31.5})


def talk(agent: ActionAgent, conversation: str, user: str) -> list[TurnCost]:
    """Have one conversation, and return what each turn cost."""
    said: list[Message] = []
    costs, budget = [], Budget(BudgetLimits())
    for turn in range(TURNS):
        text = f"Please pay B-{turn} with 31.50 euros." if turn % 2 else f"What does plan {turn} cost?"
        said.append(Message("user", text))
        began, used = time.perf_counter(), time.thread_time()
        events = list(agent.act(tuple(said), user, Occasion(conversation, f"turn {turn}"), budget))
        wall, processor = time.perf_counter() - began, time.thread_time() - used
        made = [event for event in events if isinstance(event, EffectMade)]
        costs.append(TurnCost(wall, processor, any(event.result.outcome == "done" for event in made)))
    return costs


if __name__ == "__main__":
    main()
