"""What users think of answers: that they were asked, what they said, and what their complaint is about.

A rating stays when its conversation is erased, so that trends go on; forgetting a user erases both. Knows nothing of
when to ask, and of what a complaint is: `groundtune.agents.feedback` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, cast, delete, insert, or_, select, update

from groundtune.errors import InputError
from groundtune.records.blanking import sound
from groundtune.records.jobs import enqueue, over
from groundtune.records.locking import RecordsLock
from groundtune.records.part import RecordsPart
from groundtune.records.tables import feedback

STARS = (1, 5)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody says of an answer: a thumb (True is up), stars from 1 to 5, free text, or several of them.

    `correction` is the answer as it should have been; only those of experts count. Raises `InputError` for nothing at
    all, and for other stars.
    """

    thumb: bool | None = None
    stars: int | None = None
    text: str = ""
    correction: str = ""

    def __post_init__(self) -> None:
        if self.stars is not None and not STARS[0] <= self.stars <= STARS[1]:
            raise InputError(f"{self.stars} stars are none of 1 to 5.", remedy="Give 1, 2, 3, 4 or 5.")
        if self.thumb is None and self.stars is None and not self.text.strip() and not self.correction.strip():
            raise InputError("the feedback is empty.", remedy="Give a thumb, 1 to 5 stars, or a text.")
        for name in ("text", "correction"):
            object.__setattr__(self, name, sound(getattr(self, name)))

    @property
    def satisfied(self) -> bool | None:
        """Whether they are satisfied: 4 or 5 stars, else the thumb; None where they gave neither."""
        return self.thumb if self.stars is None else self.stars > 3

    @property
    def bad(self) -> bool:
        """Whether they found it bad: 1 or 2 stars, else a thumb down. 3 stars are neither good nor bad."""
        return self.thumb is False if self.stars is None else self.stars < 3

    @property
    def complains(self) -> bool:
        """Whether they say anything, and are not satisfied."""
        return bool(self.text.strip()) and not self.satisfied


@dataclass(frozen=True, slots=True)
class RatedTurn:
    """An answer that somebody rates: the number of its turn in a conversation of `actor` with `candidate`."""

    conversation: str
    turn: int
    actor: str
    candidate: str


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """What `rater` said of an answer, None if nothing so far, and when they were asked for it, None if they were not.

    `complaint` is the class of what they complain of, empty without a complaint; `classified_by` is who says so, empty
    until somebody does.
    """

    rated: RatedTurn
    rater: str
    opinion: Opinion | None
    complaint: str = ""
    classified_by: str = ""
    asked_at: datetime | None = None
    declined_at: datetime | None = None
    given_at: datetime | None = None

    @property
    def by_expert(self) -> bool:
        """Whether it is of somebody else than the user."""
        return self.rater != self.rated.actor


class KeptFeedback(RecordsPart):
    """The feedback in the records."""

    lock = RecordsLock.FEEDBACK

    def ask(self, rated: RatedTurn) -> bool:
        """Write down that the user is asked about an answer; False if they were asked in this conversation before, or
        said something by themselves, and must not be asked.
        """
        with self._writing() as connection:
            mine = (feedback.c.conversation == rated.conversation) & (feedback.c.rater == rated.actor)
            if connection.execute(select(feedback.c.turn).where(mine)).first() is not None:
                return False
            connection.execute(insert(feedback).values({**_row(rated, rated.actor), "asked_at": self._time()}))
        return True

    def decline(self, conversation: str, user: str) -> bool:
        """Write down that a user would rather not say; False if they were not asked in this conversation."""
        mine = (feedback.c.conversation == conversation) & (feedback.c.rater == user)
        mine &= feedback.c.asked_at.is_not(None) & feedback.c.declined_at.is_(None)
        with self._writing() as connection:
            return connection.execute(update(feedback).where(mine).values(declined_at=self._time())).rowcount > 0

    def give(self, rated: RatedTurn, rater: str, opinion: Opinion) -> Opinion | None:
        """Keep what somebody says of an answer; return what they said of it before, which it replaces.

        Where the user complains, it is a job to classify that.
        """
        said = {"thumb": opinion.thumb, "stars": opinion.stars, "given_at": self._time()}
        said |= {"text": opinion.text, "correction": opinion.correction}
        complains = opinion.complains and rater == rated.actor
        said |= {"complaint": "unclassified" if complains else "", "classified_by": ""}
        with self._writing() as connection:
            if complains:
                enqueue(connection, "classify", complaint_key(rated), self.clock())
            elif rater == rated.actor:
                over(connection, "classify", complaint_key(rated))
            which = _key(rated.conversation, rated.turn, rater)
            known = connection.execute(select(feedback).where(which)).first()
            if known is None:
                connection.execute(insert(feedback).values({**_row(rated, rater), **said}))
                return None
            connection.execute(update(feedback).where(which).values(said))
        return _record(known).opinion

    def classify(self, rated: RatedTurn, rater: str, opinion: Opinion, complaint: str, by: str) -> bool:
        """Keep what a complaint is about, so that the job is over; False if it was classified, replaced or erased
        meanwhile.
        """
        which = _key(rated.conversation, rated.turn, rater) & (feedback.c.classified_by == "")
        which &= (feedback.c.text == opinion.text) & feedback.c.given_at.is_not(None)
        with self._writing() as connection:
            said = {"complaint": complaint, "classified_by": by}
            if connection.execute(update(feedback).where(which).values(said)).rowcount != 1:
                return False
            over(connection, "classify", complaint_key(rated))
        return True

    def complaint(self, key: str) -> FeedbackRecord | None:
        """Return the feedback of a user by its `complaint_key`, if they complain and nobody has classified it."""
        conversation, _, turn = key.rpartition("/")
        which = (feedback.c.conversation == conversation) & (feedback.c.turn == int(turn))
        which &= (feedback.c.rater == feedback.c.actor) & (feedback.c.classified_by == "")
        record = next(iter(self._select(which)), None)
        return record if record is not None and record.opinion is not None and record.opinion.complains else None

    def of_user(self, user: str) -> list[FeedbackRecord]:
        """Return what there is of a user's own feedback, in order of conversation and turn."""
        return self._select((feedback.c.actor == user) & (feedback.c.rater == user))

    def all(self, since: datetime | None = None) -> list[FeedbackRecord]:
        """Return all feedback, or what was asked for or given `since` then, in order of conversation and turn."""
        if since is None:
            return self._select(None)
        return self._select(or_(feedback.c.asked_at >= since.isoformat(), feedback.c.given_at >= since.isoformat()))

    def forget(self, user: str) -> int:
        """Erase the feedback of a user, and what experts said of answers to them; return how many rows there were."""
        return self._erase((feedback.c.actor == user) | (feedback.c.rater == user))

    def purge(self, before: datetime) -> int:
        """Erase what was last asked for or given before then; return how many rows there were."""
        old, then = (feedback.c.given_at, feedback.c.asked_at), before.isoformat()
        return self._erase((old[0] < then) | (old[0].is_(None) & (old[1] < then)))

    def _select(self, which: Any) -> list[FeedbackRecord]:  # noqa: ANN401 -- a condition
        wanted = select(feedback).order_by(feedback.c.conversation, feedback.c.turn, feedback.c.rater)
        with self._reading() as connection:
            return [_record(row) for row in connection.execute(wanted if which is None else wanted.where(which))]

    def _erase(self, which: Any) -> int:  # noqa: ANN401 -- a condition
        keys = feedback.c.conversation.concat("/").concat(cast(feedback.c.turn, Text))  # see `complaint_key`
        with self._writing() as connection:
            over(connection, "classify", select(keys).where(which, feedback.c.rater == feedback.c.actor))
            return connection.execute(delete(feedback).where(which)).rowcount


def complaint_key(rated: RatedTurn) -> str:
    """Return what stands for what a user says of an answer, as the subject of a job."""
    return f"{rated.conversation}/{rated.turn}"


def _key(conversation: str, turn: int, rater: str) -> Any:  # noqa: ANN401 -- a condition
    return (feedback.c.conversation == conversation) & (feedback.c.turn == turn) & (feedback.c.rater == rater)


def _row(rated: RatedTurn, rater: str) -> dict[str, object]:
    return {
        "conversation": rated.conversation,
        "turn": rated.turn,
        "rater": rater,
        "actor": rated.actor,
        "candidate": rated.candidate,
        **dict.fromkeys(("text", "correction", "complaint", "classified_by"), ""),
    }


def _record(row: Row[Any]) -> FeedbackRecord:
    asked, declined, given = (
        None if time is None else datetime.fromisoformat(time) for time in (row.asked_at, row.declined_at, row.given_at)
    )
    opinion = None if given is None else Opinion(row.thumb, row.stars, row.text, row.correction)
    rated = RatedTurn(row.conversation, row.turn, row.actor, row.candidate)
    return FeedbackRecord(rated, row.rater, opinion, row.complaint, row.classified_by, asked, declined, given)
