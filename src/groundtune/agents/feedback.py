"""The agent that listens: it asks for satisfaction when a matter has ended, and keeps what users say of answers.

It only adds to the records: it changes no answer, no document and nothing in a back-end. When to ask is decided by
`moment`, a function of values; what is asked and shown is up to the chat or the page.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from groundtune.agents.complaints import Classified, ClassifyComplaint, unclassified
from groundtune.errors import GroundtuneError, InputError
from groundtune.records import Records
from groundtune.records.conversations import TalkRecord, Turn
from groundtune.records.feedback import FeedbackRecord, Opinion, RatedTurn
from groundtune.reply import asks_back
from groundtune.values import Actor

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedbackRules:
    """How often users are asked. `again` is how long after a user was last asked, or said something by themselves;
    `after_silence` the same if they declined or ignored it. `quiet` is how long nothing is said before a matter counts
    as ended. `experts` are the principals whose corrections count.
    """

    again: timedelta = timedelta(days=30)
    after_silence: timedelta = timedelta(days=90)
    quiet: timedelta = timedelta(minutes=3)
    experts: tuple[str, ...] = ("staff",)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a conversation is like now. `pending` is whether an approval or the outcome of a call is waited for,
    `acted_at` when something was last done for the user in a back-end."""

    turns: Sequence[Turn]
    ended: bool = False
    handed_over: bool = False
    pending: bool = False
    acted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AskingMoment:
    """The number of the turn to ask about; None where nothing is asked now, and why."""

    turn: int | None
    why: str


@dataclass(frozen=True, slots=True)
class FeedbackGiven:
    """What was kept. `replaced` is what the same user said of the same answer before; `said` tells it in words.

    `classified` is what the complaint is about, None where nothing is complained of.
    """

    turn: int
    opinion: Opinion
    replaced: Opinion | None
    classified: Classified | None

    @property
    def said(self) -> str:
        """What to tell the user."""
        return "Thank you. This replaces what you said of this answer before." if self.replaced else "Thank you."


def moment(
    situation: Situation, history: Sequence[FeedbackRecord], conversation: str, now: datetime, rules: FeedbackRules
) -> AskingMoment:
    """Return whether to ask for feedback now, and about which turn. `history` is the user's own feedback so far."""
    if situation.handed_over or any(turn.person for turn in situation.turns):
        return AskingMoment(None, "a person takes over")
    if situation.pending:
        return AskingMoment(None, "an approval or a call is open")
    if why := _too_often(history, conversation, now, rules):
        return AskingMoment(None, why)
    turns = list(situation.turns)
    said = "the conversation has ended" if situation.ended else ""
    if (closing := _closing_at(turns)) is not None:
        said, turns = "the user closed the matter", turns[:closing]
    elif turns and turns[-1].message.role == "assistant" and now - turns[-1].said_at >= rules.quiet:
        said = said or "nothing was said for a while"
    if not said:
        return AskingMoment(None, "the matter goes on")
    if not turns or turns[-1].message.role != "assistant":
        return AskingMoment(None, "there is no answer to rate")
    why = _not_helped(turns, situation.acted_at)
    return AskingMoment(None if why else turns[-1].number, why or said)


def _not_helped(turns: Sequence[Turn], acted_at: datetime | None) -> str:
    """Return why the last turn, which is the assistant's, ended nothing; empty if it may have."""
    last = turns[-1]
    if asks_back(last.message.content):
        return "the assistant asked something back"
    asked_at = max((turn.said_at for turn in turns if turn.message.role == "user"), default=last.said_at)
    if last.answer is not None and last.answer.abstained and (acted_at is None or acted_at < asked_at):
        return "the last answer was that it is not known"
    return ""


def _too_often(history: Sequence[FeedbackRecord], conversation: str, now: datetime, rules: FeedbackRules) -> str:
    answered = {record.rated.conversation for record in history if record.given_at is not None}
    for record in history:
        if record.rated.conversation == conversation:
            return "the user was asked, or said something, in this conversation before"
        silent = record.rated.conversation not in answered
        for time in (record.asked_at, record.given_at):
            if time is not None and now - time < (rules.after_silence if silent else rules.again):
                said = "was asked and did not answer" if silent else "was asked, or said something,"
                return f"the user {said} on {time:%Y-%m-%d}"
    return ""


# --- the end of a matter --------------------------------------------------------------------------

_ENDS = (
    r"(?:no )?(?:many )?(?:thanks|thank you|thx|ty|cheers|much appreciated)",
    r"(?:good ?)?bye(?: bye)?|see you|take care|good night|farewell",
    r"(?:that is|that's|that was|that will be|that'll be) (?:all|it|everything)",
    r"(?:that|this|it) (?:really )?(?:helps|helped|answers (?:it|my question)|solved (?:it|my problem))",
    r"(?:that is|that's|this is) (?:just |exactly )?what i (?:needed|wanted)(?: to know)?",
    r"problem solved|all (?:good|clear|set|done)",
    r"(?:have|wish you) a (?:nice|good|great|lovely) (?:day|one|evening|weekend|week|time)",
)
_FILLERS = (
    r"ok(?:ay)?|alright|great|perfect|lovely|super|excellent|wonderful|awesome|nice|good|fine|wow|very|so|much|a lot|"
    r"again|for (?:your|the|all your|all the) (?:quick |fast |great )?(?:help|answer|reply|info|information|time)|"
    r"for (?:now|today|helping(?: me)?|clearing that up)|indeed|yes|no|yep|nope|all|then|now|and|you(?: too)?|got it|"
    r"i see|understood|i am|i'm|is|to know|me|just|exactly|really|from me|everyone|everybody|guys"
)
_MOST_WORDS = 20  # more than thanks take; the patterns need long for many
_END = re.compile(rf"\b(?:{'|'.join(_ENDS)})(?!\w)")
_WHOLE = re.compile(rf"(?:(?:{'|'.join(_ENDS)}|{_FILLERS})(?!\w)\s*)+")


def closes(text: str) -> bool:
    """Tell whether somebody thanks or takes leave and says nothing else.

    >>> closes("Great, thanks a lot!"), closes("Thanks for nothing."), closes("Thanks, and what does L cost?")
    (True, False, False)
    """
    words = re.sub(r"[^\w'?]+", " ", text.replace("’", "'").casefold()).split()
    said = " ".join(words)
    return len(words) <= _MOST_WORDS and _END.search(said) is not None and _WHOLE.fullmatch(said) is not None


def _closing_at(turns: Sequence[Turn]) -> int | None:
    """Return the place of the user's last turn, if it closes the matter: what was said after it is courtesy."""
    last = max((place for place, turn in enumerate(turns) if turn.message.role == "user"), default=None)
    return last if last is not None and closes(turns[last].message.content) else None


_THUMBS = {"up": True, "+": True, "👍": True, "down": False, "-": False, "👎": False}


def opinion_of(text: str) -> Opinion:
    """Return what somebody says in a line: a thumb or stars first, if any, then free text. Raises `InputError`.

    >>> opinion_of("down too slow")
    Opinion(thumb=False, stars=None, text='too slow', correction='')
    """
    first, _, rest = text.strip().partition(" ")
    word = first.casefold().rstrip(",:;.!").removesuffix("/5")
    if word in _THUMBS:
        return Opinion(thumb=_THUMBS[word], text=rest.strip())
    return Opinion(stars=int(word), text=rest.strip()) if word.isdecimal() else Opinion(text=text.strip())


# --- the agent ------------------------------------------------------------------------------------


class FeedbackAgent:
    """Asks and listens, in any number of conversations. Holds no state of its own.

    Complaints are classified by `classify`, see `complaints`. Every method raises `StoreError` if the database
    refuses, and `InputError` where a conversation is not the user's.
    """

    def __init__(
        self, records: Records, classify: ClassifyComplaint = unclassified, rules: FeedbackRules | None = None
    ) -> None:
        self._records, self._kept, self._classify = records, records.feedback(), classify
        self._rules = rules or FeedbackRules()

    def should_ask(
        self, conversation: str, user: str, *, handed_over: bool = False, ended: bool = False
    ) -> AskingMoment:
        """Return whether this is the moment to ask, and about which turn. Writes nothing."""
        talk = self._talk(conversation, user)
        now = self._kept.clock()
        ended = ended or talk.ended_at is not None
        pending, acted_at = self._doings(conversation, now)
        situation = Situation(talk.turns, ended, handed_over, pending, acted_at)
        return moment(situation, self._kept.of_user(user), conversation, now, self._rules)

    def ask(self, conversation: str, user: str, *, handed_over: bool = False, ended: bool = False) -> AskingMoment:
        """Return the same, and write down that the user is asked: whoever gets a turn shows the question, once."""
        now = self.should_ask(conversation, user, handed_over=handed_over, ended=ended)
        if now.turn is None or self._kept.ask(_rated(self._talk(conversation, user), now.turn)):
            return now
        return AskingMoment(None, "the user was asked, or said something, in this conversation before")

    def decline(self, conversation: str, user: str) -> bool:
        """Write down that the user would rather not say; False if they were not asked."""
        return self._kept.decline(conversation, user)

    def give(self, conversation: str, user: str, opinion: Opinion, turn: int | None = None) -> FeedbackGiven:
        """Keep what the user says of their own conversation's answer in `turn`; if None, of the last one that is not
        the reply to thanks or a goodbye.

        It is kept before anything is asked what the complaint is about. Where that fails, it is a job for later, see
        `classify`. Raises `InputError` for a turn that is no answer.
        """
        talk = self._talk(conversation, user)
        rated = _rated(talk, _last_answer(talk.turns) if turn is None else turn)
        replaced = self._kept.give(rated, user, opinion)
        classified = None
        if opinion.complains:
            try:
                classified, _ = self._classified(rated, opinion)
            except GroundtuneError as error:
                _log.debug("A complaint is not classified yet: %s", error.message)
                classified = Classified("unclassified", "", error.message)
        return FeedbackGiven(rated.turn, opinion, replaced, classified)

    def classify(self, key: str) -> str | None:
        """Classify a complaint that was given before, by its `complaint_key`, unless that was done.

        Return why it has to be done again, if it has. Raises what the classifier raises.
        """
        record = self._kept.complaint(key)
        if record is None or record.opinion is None:
            return None
        kept = self._classified(record.rated, record.opinion)[1]
        return None if kept else "the complaint was replaced meanwhile."

    def correct(self, conversation: str, user: str, turn: int, expert: Actor, correction: str) -> None:
        """Keep how an expert would have answered. Raises `InputError` for somebody who is none, or who corrects what
        was said to themselves.
        """
        if not set(expert.principals) & set(self._rules.experts) or expert.id == user:
            raise InputError(
                f"{expert.id} may not correct this answer.",
                remedy=f"Ask somebody else who is one of: {', '.join(self._rules.experts)}.",
            )
        self._kept.give(_rated(self._talk(conversation, user), turn), expert.id, Opinion(correction=correction))

    def _classified(self, rated: RatedTurn, opinion: Opinion) -> tuple[Classified, bool]:
        """Return the class of a complaint, and whether it could be kept."""
        classified = self._classify(opinion.text)
        if classified.why:
            _log.debug("A complaint is unclassified: %s.", classified.why.rstrip("."))
        return classified, self._kept.classify(rated, rated.actor, opinion, classified.complaint, classified.by)

    def _talk(self, conversation: str, user: str) -> TalkRecord:
        talk = self._records.conversations().conversation(conversation, user)
        if talk is None:
            raise InputError("there is no such conversation.", remedy="Give feedback in a conversation of your own.")
        return talk

    def _doings(self, conversation: str, now: datetime) -> tuple[bool, datetime | None]:
        """Return whether an approval or a call is open, and when something was last done."""
        kept = self._records.effects()
        waiting = (each for each in kept.approvals(conversation) if each.state in ("asked", "granted"))
        effects = kept.effects(conversation)
        pending = any(each.expires_at > now for each in waiting)
        pending |= any(each.state in ("intended", "unknown") for each in effects)
        done = (each.settled_at for each in effects if each.state == "done" and each.settled_at is not None)
        return pending, max(done, default=None)


def _by_assistant(turn: Turn) -> bool:
    """Tell whether the assistant said it, and no person in its place."""
    return turn.message.role == "assistant" and not turn.person


def _rated(talk: TalkRecord, turn: int) -> RatedTurn:
    if not any(each.number == turn and _by_assistant(each) for each in talk.turns):
        raise InputError(f"turn {turn} of the conversation is no answer.", remedy="Name the turn of an answer.")
    return RatedTurn(talk.id, turn, talk.user, talk.candidate)


def _last_answer(turns: Sequence[Turn]) -> int:
    """Return the number of the last turn that is an answer, or that the assistant said at all; 0 if it said nothing."""
    closing = _closing_at(turns)
    said = [turn for turn in turns[:closing] if _by_assistant(turn)]
    return max(said, key=lambda turn: (turn.answer is not None, turn.number)).number if said else 0
