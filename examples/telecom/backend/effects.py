"""Each call with an idempotency key takes effect once, in the manner of Stripe: its status and body are stored with it.

A call with the same key and the same content gets the stored answer; with other content, an error. What is stored and
what the call changed are one transaction of the database. Two calls with one key wait for one another. See
https://docs.stripe.com/api/idempotent_requests and draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend.database import reading, writing
from backend.rules import Refused
from backend.tables import Effect, Moment

VOID = 410  # the status of a key that must not take effect any more
_TAKE = text(
    "INSERT INTO effects (key, customer, call, at, status, body) VALUES (:key, :customer, :call, :at, 0, '') "
    "ON CONFLICT (key) DO NOTHING"
)


Work = Callable[[Session], dict[str, object]]


@dataclass(frozen=True, slots=True)
class Known:
    """What a key was answered with. `again` says whether that was before."""

    status: int
    body: dict[str, object]
    again: bool = False


class OtherCall(Exception):
    """The key was used for another call, or for another customer."""


def digest(*parts: object) -> str:
    """Return a hash of a call's content."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def once(
    engine: Engine,
    key: str,
    customer: str,
    call: str,
    do: Callable[[Session], dict[str, object]],
    now: datetime.datetime,
) -> Known:
    """Run `do` unless the key was answered before, and return its answer with status 200.

    What it refuses leaves nothing behind but the refusal, which is the answer from then on. Raises `OtherCall`.
    """
    with writing(engine) as session:
        if not _taken(session, key, customer, call, now):
            return _stored(session, key, customer, call)
        try:
            with session.begin_nested():
                answer = Known(200, do(session))
        except Refused as refusal:
            answer = Known(refusal.status, refusal.problem)
        _store(session, key, answer)
    return answer


def look_up(engine: Engine, key: str, customer: str) -> Known | None:
    """Return what the key was answered with, or None if no call with it came. Raises `OtherCall`."""
    with reading(engine) as session:
        effect = session.get(Effect, key)
        return None if effect is None else _stored(session, key, customer)


def void(engine: Engine, key: str, customer: str, now: datetime.datetime) -> Known:
    """See to it that no call with this key takes effect any more, and return what it was answered with, if it was.

    For a call that may still be on its way. Raises `OtherCall`.
    """
    with writing(engine) as session:
        if not _taken(session, key, customer, "", now):
            return _stored(session, key, customer)
        refusal = Refused("The key is void: no call with it takes effect.", status=VOID)
        answer = Known(refusal.status, {**refusal.problem, "state": "void"})
        _store(session, key, answer)
    return answer


def _taken(session: Session, key: str, customer: str, call: str, now: datetime.datetime) -> bool:
    """Take the key; False if it was taken. Waits for whoever is about to take it."""
    row = {"key": key, "customer": customer, "call": call, "at": Moment().process_bind_param(now, session.bind.dialect)}
    return bool(session.execute(_TAKE, row).rowcount)


def _store(session: Session, key: str, answer: Known) -> None:
    effect = session.get_one(Effect, key)
    effect.status, effect.body = answer.status, json.dumps(answer.body)


def _stored(session: Session, key: str, customer: str, call: str | None = None) -> Known:
    effect = session.get_one(Effect, key)
    other = call is not None and effect.status != VOID and effect.call != call
    if other or effect.customer != customer:
        raise OtherCall
    return Known(effect.status, json.loads(effect.body), again=True)
