"""A team: the assistant answers, and agents work beside it, each within a boundary of its own.

The answer's events are given on at once, and no agent begins before its first words are there: whatever an agent does,
the first token is not later for it. An agent that raises is logged; one that is slow is left behind after a time, and
what it does is in the records. Agents that hang are counted, and beyond a few no more are begun. What is worked on in
the background begins with them, and is waited for by nobody.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from groundtune.protocols import Answerer
from groundtune.values import ActionEvent, Event, HandedOver, Question, TextPiece

_log = logging.getLogger(__name__)
TeamEvent = Event | ActionEvent
AgentWork = Callable[[], Iterator[ActionEvent]]


@dataclass(frozen=True, slots=True)
class TeamLimits:
    """For how many seconds agents may work on after the answer has ended, and how many may hang at once."""

    seconds: float = 60.0
    hanging: int = 16


class Team:
    """Answers questions with `answerer`, with agents beside it. Safe to use from several threads."""

    def __init__(
        self, answerer: Answerer, limits: TeamLimits | None = None, background: Callable[[], object] | None = None
    ) -> None:
        """`background` is called once a turn, beside the answer, unless an earlier call has not ended."""
        self._answerer, self._limits = answerer, limits or TeamLimits()
        self._free = threading.BoundedSemaphore(self._limits.hanging)
        self._background = _Background(background)

    def respond(self, question: Question, agents: Mapping[str, AgentWork]) -> Iterator[TeamEvent]:
        """Yield the events of the answer as they come, and those of the agents, by name, as soon as they are there.

        Raises what the answerer raises, after the agents' events; what an agent raises is no error of the answer.
        Where a caller stops listening, no agent begins any more, and those at work end theirs.
        """
        beside = _Beside(agents, self._free, self._background)
        try:
            for event in self._answerer.stream(question):
                yield event
                if isinstance(event, TextPiece):
                    beside.begin()
                yield from beside.ready()
        except Exception:  # what agents do is told all the same, and before it
            beside.begin()
            yield from beside.rest(self._limits.seconds)
            raise
        beside.begin()
        yield from beside.rest(self._limits.seconds)

    def close(self, seconds: float = 5.0) -> None:
        """Give what is worked on in the background so many seconds to end; later it is left to itself."""
        self._background.join(seconds)


class _Beside:
    """The agents of one turn."""

    def __init__(
        self, agents: Mapping[str, AgentWork], free: threading.BoundedSemaphore, background: _Background
    ) -> None:
        self._waiting, self._free = dict(agents), free
        self._background: _Background | None = background
        self._events: queue.SimpleQueue[ActionEvent | None] = queue.SimpleQueue()  # None where an agent has ended
        self._working = 0

    def begin(self) -> None:
        """Let the agents begin that have not yet."""
        for name in list(self._waiting):
            work = self._waiting.pop(name)
            if not self._free.acquire(blocking=False):
                _log.error("The agent %s was not begun: too many hang.", name)
                self._events.put(HandedOver("too many agents hang.", f"The agent {name} was not begun."))
                continue
            self._working += 1
            threading.Thread(target=self._work, args=(name, work), name=f"agent {name}", daemon=True).start()
        if self._background is not None:
            self._background.begin()
            self._background = None

    def _work(self, name: str, work: AgentWork) -> None:
        try:
            for event in work():
                self._events.put(event)
        except Exception as error:
            _log.exception("The agent %s broke.", name)
            self._events.put(HandedOver(f"the agent {name} broke ({type(error).__name__}).", "See the log."))
        finally:
            self._free.release()
            self._events.put(None)

    def ready(self) -> Iterator[ActionEvent]:
        """Yield what is there already."""
        while not self._events.empty():
            yield from self._taken(0)

    def rest(self, seconds: float) -> Iterator[ActionEvent]:
        """Yield what is still to come, for so many seconds."""
        ends = time.monotonic() + seconds
        while self._working or not self._events.empty():
            try:
                yield from self._taken(max(0.0, ends - time.monotonic()))
            except queue.Empty:
                _log.warning("%d agents have not ended after %g seconds.", self._working, seconds)
                return

    def _taken(self, seconds: float) -> Iterator[ActionEvent]:
        event = self._events.get(timeout=seconds)
        if event is None:
            self._working -= 1
        else:
            yield event


class _Background:
    """What is worked on in the background: one call at a time, in a thread that nobody waits for."""

    def __init__(self, work: Callable[[], object] | None) -> None:
        self._work, self._thread = work, threading.Thread()

    def begin(self) -> None:
        """Let it begin, unless it is still at work."""
        if self._work is not None and not self._thread.is_alive():
            thread = threading.Thread(target=self._run, args=(self._work,), name="background", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # there are no threads left; the answer goes on
                _log.error("Nothing is worked on in the background: %s.", error)
            else:
                self._thread = thread

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            _log.exception("What is worked on in the background broke.")

    def join(self, seconds: float) -> None:
        """Wait until it has ended, for so many seconds."""
        if self._thread.is_alive():
            self._thread.join(seconds)
