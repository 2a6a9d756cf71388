"""A conversation of a user with the assistant and the agents beside it, kept in the records turn by turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from groundtune.agents.approvals import Occasion
from groundtune.agents.feedback import FeedbackAgent, opinion_of
from groundtune.agents.open_turn import OpenTurn
from groundtune.agents.team import AgentWork, Team, TeamEvent
from groundtune.assembly.acting import Acting
from groundtune.protocols import Answerer
from groundtune.records.conversations import KeptConversations
from groundtune.values import ActionEvent, Actor, Answered, ApprovalNeeded, EffectMade, HandedOver, Message, Question

_SHOWN = 500  # characters of arguments, and of what came back, that the answers are told


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
    _done: list[str] = field(init=False, default_factory=list)
    _turns: dict[str, OpenTurn] = field(init=False, default_factory=dict)  # by the token that a call waits with

    def __post_init__(self) -> None:
        asker = self.user.principals
        self.id = self.kept.begin(self.user.id, self.candidate, consent=self.consent, asker=asker)
        self._team = Team(self.answerer, background=self.background)

    def say(self, text: str) -> Iterator[TeamEvent]:
        """Yield the events of the reply to a turn of the user's. An answer that was cut off is not kept."""
        number = self.kept.add(self.id, self.user.id, "user", text)
        question = Question(text, tuple(self._messages), self.user.principals, done=tuple(self._done))
        self._messages.append(Message("user", text))
        turn = self._turn(Occasion(self.id, f"turn {number}"))
        agents: dict[str, AgentWork] = {} if turn is None else {"action": turn.act}
        for event in self._team.respond(question, agents):
            self._take(event, turn)
            if isinstance(event, Answered):
                self.kept.add(self.id, self.user.id, "assistant", event.answer.text, event.answer)
                self._messages.append(Message("assistant", event.answer.text))
            yield event

    def _turn(self, occasion: Occasion) -> OpenTurn | None:
        if self.acting is None:
            return None
        agent, approvals, budget = self.acting.agent, self.acting.tools.approvals, self.acting.budget
        return OpenTurn(agent, approvals, budget, tuple(self._messages), self.user.id, occasion)

    def _take(self, event: TeamEvent, turn: OpenTurn | None) -> None:
        if isinstance(event, ApprovalNeeded) and turn is not None:
            self._turns[event.token] = turn
        elif isinstance(event, HandedOver):
            self._handed_over = True
        elif isinstance(event, EffectMade):
            self._done.append(_told(event))

    def decide(self, needed: ApprovalNeeded, by: Actor, *, granted: bool) -> Iterator[ActionEvent]:
        """Grant or deny what waits for an approval; yield what came of it, and what else is done for the same turn.

        Raises `ApprovalRefused` where `by` may not decide.
        """
        turn = self._turns[needed.token]
        for event in turn.decide(needed, by, granted=granted):
            self._take(event, turn)
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


def _told(event: EffectMade) -> str:
    """Return what was done as the answers that follow are told of it."""
    result = event.result
    value = "" if result.value is None else json.dumps(result.value, ensure_ascii=False, default=str)[:_SHOWN]
    arguments = json.dumps(dict(event.call.arguments), ensure_ascii=False, default=str)[:_SHOWN]
    return " ".join(f"{event.call.action} {arguments}: {result.outcome}. {value} {result.reason}".split())
