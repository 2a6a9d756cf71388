"""What is still to be done in the background: jobs, each of a kind and for a subject.

Whatever causes a job writes it down in its own transaction (`enqueue`), and whatever gives its result takes it away in
that of the result (`over`): a job is there exactly as long as its result is not. Whoever works takes a job for a while;
if they are killed or hang, it is taken again after that. Knows nothing of how a job is done: `groundtune.agents.work`
does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, delete, select, update

from groundtune.records.blanking import sound
from groundtune.records.connection import inserting
from groundtune.records.locking import RecordsLock
from groundtune.records.part import RecordsPart
from groundtune.records.tables import jobs
from groundtune.secrets import masked

JobKind = Literal["settle", "classify", "propose"]
"""Find out what came of an effect (its key), what a complaint is about (`complaint_key`), or what a conversation gives
(its id)."""
JobState = Literal["open", "failed"]
"""Failed: tried so often that a person has to look."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """Something to be done, not before `due_at`; while `owner` works on it, that is the end of their time.

    `attempts` counts how often it was taken, and `why` tells why the last attempt did not end it.
    """

    kind: JobKind
    subject: str
    state: JobState
    attempts: int
    due_at: datetime
    owner: str
    why: str
    asked_at: datetime


def enqueue(connection: Connection, kind: JobKind, subject: str, now: datetime, wait: float = 0.0) -> None:
    """Write a job down, due in `wait` seconds. One that is there stays as it is; one that failed begins anew."""
    time = now.isoformat()
    fresh = {"state": "open", "attempts": 0, "due_at": (now + timedelta(seconds=wait)).isoformat(), "owner": ""}
    row = inserting(connection, jobs).values(kind=kind, subject=subject, why="", asked_at=time, **fresh)
    again = row.on_conflict_do_update(index_elements=("kind", "subject"), set_=fresh, where=jobs.c.state == "failed")
    connection.execute(again)


def over(connection: Connection, kind: JobKind, subject: str | Select[Any]) -> None:
    """Take a job away, or all of a SELECT, whoever works on it: its result is there, or can be had no more."""
    which = jobs.c.subject == subject if isinstance(subject, str) else jobs.c.subject.in_(subject)
    connection.execute(delete(jobs).where(jobs.c.kind == kind, which))


class KeptJobs(RecordsPart):
    """The jobs in the records."""

    lock = RecordsLock.JOBS

    def take(self, kinds: Collection[JobKind], owner: str, seconds: float) -> JobRecord | None:
        """Take the job of these kinds that has been due for longest, for so many seconds; None if none is due.

        A job is taken by one owner at a time, and is due again when their time is over.
        """
        while (due := self._due(kinds)) is not None:
            ends = (self.clock() + timedelta(seconds=seconds)).isoformat()
            new = {"owner": owner, "attempts": due.attempts + 1, "due_at": ends}
            with self._writing() as connection:
                row = connection.execute(update(jobs).where(_as_it_was(due)).values(new).returning(jobs)).first()
            if row is not None:
                return _job(row)
        return None

    def _due(self, kinds: Collection[JobKind]) -> JobRecord | None:
        wanted = select(jobs).where(jobs.c.state == "open", jobs.c.kind.in_(kinds), jobs.c.due_at <= self._time())
        with self._reading() as connection:
            row = connection.execute(wanted.order_by(jobs.c.due_at, jobs.c.kind, jobs.c.subject).limit(1)).first()
        return None if row is None else _job(row)

    def put_back(self, job: JobRecord, why: str, wait: float, *, failed: bool = False) -> bool:
        """Give back a job that was taken, to be taken again in `wait` seconds, or never if it `failed`.

        False if it is over, or was taken by somebody else since.
        """
        due = (self.clock() + timedelta(seconds=wait)).isoformat()
        new = {"owner": "", "due_at": due, "why": sound(masked(why)), "state": "failed" if failed else "open"}
        with self._writing() as connection:
            return connection.execute(update(jobs).where(_as_it_was(job)).values(new)).rowcount == 1

    def end(self, job: JobRecord) -> bool:
        """Take away a job that was taken, and needs no result; False if it is over, or somebody else's since."""
        with self._writing() as connection:
            return connection.execute(delete(jobs).where(_as_it_was(job))).rowcount == 1

    def reopen(self) -> int:
        """Let the jobs that failed begin anew; return how many there are."""
        new = {"state": "open", "attempts": 0, "due_at": self._time()}
        with self._writing() as connection:
            return connection.execute(update(jobs).where(jobs.c.state == "failed").values(new)).rowcount

    def jobs(self) -> list[JobRecord]:
        """Return all jobs, those first that are due first."""
        with self._reading() as connection:
            return [_job(row) for row in connection.execute(select(jobs).order_by(jobs.c.due_at, jobs.c.subject))]


def _as_it_was(job: JobRecord) -> Any:  # noqa: ANN401 -- a condition
    """Hold for a job that nobody has taken, given back or begun anew since."""
    same = (jobs.c.kind == job.kind) & (jobs.c.subject == job.subject) & (jobs.c.state == job.state)
    return same & (jobs.c.owner == job.owner) & (jobs.c.attempts == job.attempts)


def _job(row: Row[Any]) -> JobRecord:
    due, asked = datetime.fromisoformat(row.due_at), datetime.fromisoformat(row.asked_at)
    return JobRecord(row.kind, row.subject, row.state, row.attempts, due, row.owner, row.why, asked)
