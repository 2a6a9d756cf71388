"""A conversation of a user with the assistant and the agents beside it, kept in the records turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from groundtune.agents.approvals import Occasion
from groundtune.agents.feedback import FeedbackAgent, opinion_of
from groundtune.agents.team import AgentWork, Team, TeamEvent
from groundtune.assembly.acting import Acting
from groundtune.protocols import Answerer
from groundtune.records.conversations import KeptConversations
from groundtune.values import ActionEvent, Actor, Answered, ApprovalNeeded, EffectMade, HandedOver, Message, Question


@dataclass
class Talk:
    """A conversation that is going on. `acting` is what acts, None where nothing can be done; `background` does a job
    that is left from earlier, once a turn.
    """

    answerer: Answerer
    candidate: str
    user: Actor
    kept: KeptConversations
    feedback: FeedbackAgent
    acting: Acting | None = None
    consent: bool = False
    background: Callable[[], object] | None = None
    id: str = field(init=False)
    _handed_over: bool = field(init=False, default=False)
    _messages: list[Message] = field(init=False, default_factory=list)
    _occasions: dict[str, Occasion] = field(init=False, default_factory=dict)
    _made: dict[Occasion, list[EffectMade]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        asker = self.user.principals
        self.id = self.kept.begin(self.user.id, self.candidate, consent=self.consent, asker=asker)
        self._team = Team(self.answerer, background=self.background)

    def say(self, text: str) -> Iterator[TeamEvent]:
        """Yield the events of the reply to a turn of the user's. An answer that was cut off is not kept."""
        number = self.kept.add(self.id, self.user.id, "user", text)
        question = Question(text, tuple(self._messages), self.user.principals)
        self._messages.append(Message("user", text))
        occasion = Occasion(self.id, f"turn {number}")
        for event in self._team.respond(question, self._agents(occasion)):
            self._take(event, occasion)
            if isinstance(event, Answered):
                self.kept.add(self.id, self.user.id, "assistant", event.answer.text, event.answer)
                self._messages.append(Message("assistant", event.answer.text))
            yield event

    def _take(self, event: TeamEvent, occasion: Occasion) -> None:
        if isinstance(event, ApprovalNeeded):
            self._occasions[event.token] = occasion
        elif isinstance(event, HandedOver):
            self._handed_over = True
        elif isinstance(event, EffectMade):
            self._made.setdefault(occasion, []).append(event)

    def decide(self, needed: ApprovalNeeded, by: Actor, *, granted: bool) -> Iterator[ActionEvent]:
        """Grant or deny what waits for an approval; yield what came of it, and what else is done for the same turn.

        Raises `ApprovalRefused` where `by` may not decide.
        """
        acting = self.acting
        if acting is None:
            return
        if not granted:
            acting.tools.approvals.decide(needed.token, by, needed.call.digest, granted=False)
            return
        occasion = self._occasions[needed.token]
        made = acting.agent.approved(needed.token, by, needed.call.digest, occasion, acting.budget)
        self._take(made, occasion)
        yield made
        if made.result.outcome != "done":
            return
        before = tuple(self._made[occasion])
        for event in acting.agent.act(tuple(self._messages), self.user.id, occasion, acting.budget, before):
            self._take(event, occasion)
            yield event

    def rate(self, line: str) -> str:
        """Keep what the user says of the last answer ("4 quick", "down too slow"); return what to tell them.

        Raises `InputError` where there is no answer, or the line is no opinion.
        """
        return self.feedback.give(self.id, self.user.id, opinion_of(line)).said

    def asks_for_feedback(self, *, ended: bool = False) -> bool:
        """Tell whether this is the moment to ask the user how satisfied they are: once a conversation, and seldom."""
        handed = self._handed_over
        return self.feedback.ask(self.id, self.user.id, handed_over=handed, ended=ended).turn is not None

    def end(self) -> None:
        """End the conversation."""
        self.kept.end(self.id, self.user.id)
        self._team.close()

    def _agents(self, occasion: Occasion) -> dict[str, AgentWork]:
        acting, said = self.acting, tuple(self._messages)
        if acting is None:
            return {}
        return {"action": lambda: acting.agent.act(said, self.user.id, occasion, acting.budget)}
