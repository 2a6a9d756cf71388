"""A conversation of a user with the assistant and the agents beside it, kept in the records turn by turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from groundtune.agents.approvals import Occasion
from groundtune.agents.team import AgentWork, Team, TeamEvent
from groundtune.assembly.acting import Acting
from groundtune.protocols import Answerer
from groundtune.records.conversations import KeptConversations
from groundtune.values import Actor, Answered, ApprovalNeeded, EffectMade, Message, Question


@dataclass
class Talk:
    """A conversation that is going on. `acting` is what acts, None where nothing can be done."""

    answerer: Answerer
    candidate: str
    user: Actor
    kept: KeptConversations
    acting: Acting | None = None
    consent: bool = False
    id: str = field(init=False)
    _messages: list[Message] = field(init=False, default_factory=list)
    _occasions: dict[str, Occasion] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.id = self.kept.begin(self.user.id, self.candidate, consent=self.consent)
        self._team = Team(self.answerer)

    def say(self, text: str) -> Iterator[TeamEvent]:
        """Yield the events of the reply to a turn of the user's. An answer that was cut off is not kept."""
        number = self.kept.add(self.id, self.user.id, "user", text)
        question = Question(text, tuple(self._messages), self.user.principals)
        self._messages.append(Message("user", text))
        occasion = Occasion(self.id, f"turn {number}")
        for event in self._team.respond(question, self._agents(occasion)):
            if isinstance(event, Answered):
                self.kept.add(self.id, self.user.id, "assistant", event.answer.text, event.answer)
                self._messages.append(Message("assistant", event.answer.text))
            elif isinstance(event, ApprovalNeeded):
                self._occasions[event.token] = occasion
            yield event

    def decide(self, needed: ApprovalNeeded, by: Actor, *, granted: bool) -> EffectMade | None:
        """Grant or deny what waits for an approval; return what came of it, None if it was denied.

        Raises `ApprovalRefused` where `by` may not decide.
        """
        if self.acting is None:
            return None
        if not granted:
            self.acting.tools.approvals.decide(needed.token, by, needed.call.digest, granted=False)
            return None
        occasion = self._occasions[needed.token]
        return self.acting.agent.approved(needed.token, by, needed.call.digest, occasion, self.acting.budget)

    def end(self) -> None:
        """End the conversation."""
        self.kept.end(self.id, self.user.id)

    def _agents(self, occasion: Occasion) -> dict[str, AgentWork]:
        acting, said = self.acting, tuple(self._messages)
        if acting is None:
            return {}
        return {"action": lambda: acting.agent.act(said, self.user.id, occasion, acting.budget)}
