"""Conversations of users with an assistant, turn by turn, so that they can go on, and agents can learn from them.

A conversation belongs to its user: it is only ever read with their id, but for those who learn from the ones that ended
and whose users consented.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from groundtune.errors import InputError
from groundtune.records.blanking import sound
from groundtune.records.jobs import enqueue, over
from groundtune.records.locking import RecordsLock
from groundtune.records.part import RecordsPart
from groundtune.records.tables import conversations, turns
from groundtune.values import Answer, Conversation, Message, Role


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said, as the `number`-th of a conversation, from 1. Replies of an assistant have their `answer`; what a
    `person` said in its place, after a hand-over, has their name.
    """

    number: int
    message: Message
    said_at: datetime
    answer: Answer | None = None
    person: str = ""


@dataclass(frozen=True, slots=True)
class TalkRecord:
    """A conversation of a user with a candidate. `consent` is theirs to agents that learn from it; `asker` are the
    principals with which documents were read for it, none if that is not known.
    """

    id: str
    user: str
    candidate: str
    consent: bool
    begun_at: datetime
    ended_at: datetime | None
    turns: tuple[Turn, ...]
    asker: tuple[str, ...] = ()

    @property
    def messages(self) -> Conversation:
        """All that was said."""
        return tuple(turn.message for turn in self.turns)


class KeptConversations(RecordsPart):
    """The conversations in the records."""

    lock = RecordsLock.CONVERSATIONS

    def begin(self, user: str, candidate: str, *, consent: bool = False, asker: Sequence[str] = ()) -> str:
        """Begin a conversation of a user who reads documents as `asker`, and return its id."""
        key = secrets.token_hex(16)
        row = {"id": key, "actor": user, "candidate": candidate, "consent": consent, "begun_at": self._time()}
        row["asker"] = json.dumps(list(asker))
        with self._writing() as connection:
            connection.execute(insert(conversations).values(row))
        return key

    def add(self, key: str, user: str, role: Role, content: str, answer: Answer | None = None, person: str = "") -> int:
        """Add a turn to a conversation of a user, and return its number. `person` said it in the assistant's place.

        Raises `InputError` if the conversation is not theirs or has ended.
        """
        with self._writing() as connection:
            row = connection.execute(_own(key, user)).first()
            if row is None or row.ended_at is not None:
                raise InputError("there is no such conversation, or it has ended.", remedy="Begin another one.")
            last = connection.execute(select(func.max(turns.c.number)).where(turns.c.conversation == key)).scalar() or 0
            text = None if answer is None else _json().dump_json(answer).decode()
            said = {"role": role, "content": sound(content), "answer": text, "person": person or None}
            said["said_at"] = self._time()
            connection.execute(insert(turns).values({"conversation": key, "number": last + 1, **said}))
        return int(last) + 1

    def end(self, key: str, user: str) -> None:
        """End a conversation of a user: if they consented, it is a job for the agents to learn from it."""
        mine = (conversations.c.id == key) & (conversations.c.actor == user) & conversations.c.ended_at.is_(None)
        with self._writing() as connection:
            ended = update(conversations).where(mine).values(ended_at=self._time())
            if connection.execute(ended.returning(conversations.c.consent)).scalar():
                enqueue(connection, "propose", key, self.clock())

    def conversation(self, key: str, user: str) -> TalkRecord | None:
        """Return a conversation of a user; None if there is none with this id that is theirs."""
        with self._reading() as connection:
            row = connection.execute(_own(key, user)).first()
            return None if row is None else _talk(row, connection)

    def ended(self, since: datetime, key: str | None = None) -> list[TalkRecord]:
        """Return the conversations, or the one with this id, that ended `since` then, and whose users consented, in
        order of their end.
        """
        wanted = select(conversations).where(conversations.c.consent, conversations.c.ended_at >= since.isoformat())
        if key is not None:
            wanted = wanted.where(conversations.c.id == key)
        with self._reading() as connection:
            rows = connection.execute(wanted.order_by(conversations.c.ended_at, conversations.c.id)).all()
            return [_talk(row, connection) for row in rows]

    def forget(self, user: str) -> int:
        """Erase the conversations of a user; return how many there were."""
        return self._erase(conversations.c.actor == user)

    def purge(self, before: datetime) -> int:
        """Erase the conversations that began before then; return how many there were."""
        return self._erase(conversations.c.begun_at < before.isoformat())

    def _erase(self, which: Any) -> int:  # noqa: ANN401 -- a condition
        with self._writing() as connection:
            keys = select(conversations.c.id).where(which)
            connection.execute(delete(turns).where(turns.c.conversation.in_(keys)))
            over(connection, "propose", keys)
            return connection.execute(delete(conversations).where(which)).rowcount


@cache
def _json() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)


def _own(key: str, user: str) -> Any:  # noqa: ANN401 -- a SELECT
    return select(conversations).where(conversations.c.id == key, conversations.c.actor == user)


def _talk(row: Row[Any], connection: Connection) -> TalkRecord:
    said = connection.execute(select(turns).where(turns.c.conversation == row.id).order_by(turns.c.number))
    ended = None if row.ended_at is None else datetime.fromisoformat(row.ended_at)
    begun = datetime.fromisoformat(row.begun_at)
    asker = tuple(json.loads(row.asker or "[]"))
    return TalkRecord(row.id, row.actor, row.candidate, row.consent, begun, ended, tuple(map(_turn, said)), asker)


def _turn(row: Row[Any]) -> Turn:
    answer = None if row.answer is None else _json().validate_json(row.answer)
    said_at = datetime.fromisoformat(row.said_at)
    return Turn(row.number, Message(row.role, row.content), said_at, answer, row.person or "")
