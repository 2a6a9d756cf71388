"""What works on the jobs that the records hold, one after another, each attempt in a thread and for a time of its own.

A job is over when its result is there: whoever writes that takes the job away in the same transaction. Here is decided
what becomes of the others: what failed, hung or is not to be known yet is tried again, after longer and longer waits,
and after so many attempts it has failed, which is logged and kept. How a job is done is told by handlers, by kind.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from groundtune.errors import GroundtuneError
from groundtune.records.jobs import JobKind, JobRecord, KeptJobs

_log = logging.getLogger(__name__)
_GRACE = 30.0  # seconds that a job is held for longer than an attempt may take, to write down what came of it
JobHandler = Callable[[str], str | None]
"""Does what the job with this subject asks for, once, whoever else does; returns why it has to be looked at again."""


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """An attempt may take so many `seconds`. A job is tried `attempts` times: again after `wait` seconds, then after
    twice as many each time, at most `longest`. At most so many attempts may be `hanging`.
    """

    seconds: float = 300.0
    attempts: int = 10
    wait: float = 60.0
    longest: float = 3600.0
    hanging: int = 3


@dataclass(frozen=True, slots=True)
class WorkedOn:
    """What became of a job: it is done, to be tried again, or failed for good, and why."""

    job: JobRecord
    outcome: Literal["done", "again", "failed"]
    why: str = ""


class Worker:
    """Works on the jobs of those kinds for which there is a handler. Safe to use from several threads and processes."""

    def __init__(
        self, kept: KeptJobs, handlers: Mapping[JobKind, JobHandler], limits: WorkLimits | None = None
    ) -> None:
        self._kept, self._handlers, self._limits = kept, dict(handlers), limits or WorkLimits()
        self._free = threading.BoundedSemaphore(self._limits.hanging)
        self._name = secrets.token_hex(8)  # tells this worker from others

    def work(self) -> Iterator[WorkedOn]:
        """Work on what is due, until nothing is; yield what became of each job."""
        while (worked := self.work_once()) is not None:
            yield worked

    def work_once(self) -> WorkedOn | None:
        """Work on the job that has been due for longest; None if none is due, or too many attempts hang.

        Where it is interrupted, the job is given back at once.
        """
        if not self._free.acquire(blocking=False):
            _log.error("No job is begun: %d attempts hang.", self._limits.hanging)
            return None
        attempt: _Attempt | None = None
        try:
            job = self._kept.take(list(self._handlers), self._name, self._limits.seconds + _GRACE)
            if job is None:
                return None
            if job.attempts > self._limits.attempts:  # whoever took it last never came back
                return self._not_done(job, job.why or "whoever worked on it was killed, or hung.")
            attempt = _Attempt(self._handlers[job.kind], job.subject, self._free.release)
            try:
                why = attempt.outcome(self._limits.seconds)
            except BaseException:
                self._kept.put_back(job, "it was interrupted.", 0)
                raise
        finally:
            if attempt is None:
                self._free.release()
        if why:
            return self._not_done(job, why)
        self._kept.end(job)
        return WorkedOn(job, "done")

    def _not_done(self, job: JobRecord, why: str) -> WorkedOn:
        failed = job.attempts >= self._limits.attempts
        wait = min(self._limits.wait * 2.0 ** (job.attempts - 1), self._limits.longest)
        if not self._kept.put_back(job, why, wait, failed=failed):
            return WorkedOn(job, "done")  # its result came after all, by whoever
        if failed:
            _log.error("The job to %s %s failed, after %d attempts: %s", job.kind, job.subject, job.attempts, why)
        return WorkedOn(job, "failed" if failed else "again", why)


class _Attempt:
    """A call of a handler, in a thread of its own, which calls `ended` when it has ended, however late."""

    def __init__(self, handler: JobHandler, subject: str, ended: Callable[[], None]) -> None:
        self._handler, self._subject, self._ended = handler, subject, ended
        self._result: queue.SimpleQueue[str | BaseException | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=f"job {subject}", daemon=True).start()

    def _run(self) -> None:
        try:
            self._result.put(self._handler(self._subject))
        except BaseException as error:
            self._result.put(error)
        finally:
            self._ended()

    def outcome(self, seconds: float) -> str | None:
        """Return why the job is not done, None if it is; raises only what is no `Exception`."""
        try:
            result = self._result.get(timeout=seconds)
        except queue.Empty:
            return f"it had not ended after {seconds:g} seconds."
        if isinstance(result, GroundtuneError):
            return str(result)
        if isinstance(result, Exception):
            _log.error("A job broke.", exc_info=result)
            return f"it broke ({type(result).__name__})."
        if isinstance(result, BaseException):
            raise result
        return result
