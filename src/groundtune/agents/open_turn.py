"""A turn of a user that an agent acts for: what it does at once, and how it goes on once a call was approved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from groundtune.agents.action_agent import ActionAgent
from groundtune.agents.approvals import Approvals, Occasion
from groundtune.agents.budget import Budget
from groundtune.values import ActionEvent, Actor, ApprovalNeeded, Conversation, EffectMade


@dataclass
class OpenTurn:
    """One turn; `conversation` ends with what the user said in it. `made` is what was done for it so far."""

    agent: ActionAgent
    approvals: Approvals
    budget: Budget
    conversation: Conversation
    user: str
    occasion: Occasion
    made: list[EffectMade] = field(default_factory=list)

    def act(self) -> Iterator[ActionEvent]:
        """Yield what is proposed and done, until nothing more is selected or a call has to be approved."""
        before = tuple(self.made)
        yield from self._noted(self.agent.act(self.conversation, self.user, self.occasion, self.budget, before))

    def decide(self, needed: ApprovalNeeded, by: Actor, *, granted: bool) -> Iterator[ActionEvent]:
        """Grant or deny what waits for an approval; yield what came of it, and what else is done for the turn.

        Raises `ApprovalRefused` where `by` may not decide.
        """
        shown = needed.call.digest
        if not granted:
            self.approvals.decide(needed.token, by, shown, granted=False)
            return
        effect = self.agent.approved(needed.token, by, shown, self.occasion, self.budget)
        yield from self._noted([effect])
        if effect.result.outcome == "done":
            yield from self.act()

    def _noted(self, events: Iterable[ActionEvent]) -> Iterator[ActionEvent]:
        for event in events:
            if isinstance(event, EffectMade):
                self.made.append(event)
            yield event
