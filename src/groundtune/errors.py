"""Every error that groundtune raises on purpose.

    GroundtuneError                 exit code 2: wrong use or wrong input, with place and remedy
    ├── SettingsError               groundtune.toml or an option is wrong
    ├── InputError                  a file that people write is missing, broken or contradicts itself
    │   └── UnreadableDocument      one document cannot be read; ingestion continues with the others
    ├── NotInstalled                an optional package or a packaged model is missing
    ├── StoreError                  a knowledge store or the records cannot be used
    │   └── OtherFilling            the store holds vectors of another embedder
    ├── FetchFailed                 what a source has could not be fetched
    │   ├── AddressRefused          its address must not be asked: private, of another kind, or spelt oddly
    │   └── NotReached              who has it does not answer, or is too busy
    ├── ModelFailed                 a chat model or an endpoint gave no usable reply
    ├── TuningError                 training data or training itself is unsound
    ├── ApprovalRefused             an approval is not there, not theirs to decide, expired, or decided already
    ├── GateFailed                  exit code 1: training data or an adapter did not pass a gate
    └── NotComparable               runs of different benchmarks, scorers or settings

A message says what happened with the offending value, where, and why; `remedy` says what to do next. Passwords are
blanked in all three, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from groundtune.secrets import masked

_REASON = 300  # characters of what a library says


class GroundtuneError(Exception):
    """Base of all. `place` is a file, with a line where there is one; `remedy` is the next step."""

    def __init__(
        self, message: str, *, place: str | Path | None = None, line: int | None = None, remedy: str = ""
    ) -> None:
        self.message = masked(message)
        self.place = None if place is None else masked(f"{place}:{line}" if line else str(place))
        self.remedy = masked(remedy)
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        advice = f" {self.remedy}" if self.remedy else ""
        return f"{where}{self.message}{advice}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.place, self.remedy))


def _rebuild(kind: type[GroundtuneError], message: str, place: str | None, remedy: str) -> GroundtuneError:
    return kind(message, place=place, remedy=remedy)


def _rebuild_gate(message: str, gates: tuple[str, ...], place: str | None, remedy: str) -> GateFailed:
    return GateFailed(message, gates, place=place, remedy=remedy)


class SettingsError(GroundtuneError):
    """A setting is unknown or has a value it cannot have."""


class InputError(GroundtuneError):
    """A file that people write is missing, broken or contradicts itself."""


class UnreadableDocument(InputError):
    """One document cannot be read."""

    @property
    def reason(self) -> str:
        """What happened and what to do next, for a list that names the document itself."""
        return f"{self.message} {self.remedy}".strip()


class NotInstalled(GroundtuneError):
    """An optional package or a packaged model is missing."""


class StoreError(GroundtuneError):
    """A knowledge store or the records cannot be used."""


class OtherFilling(StoreError):
    """A knowledge store holds vectors of another embedder: `held` tells its "embedder" and its "dimension"."""

    def __init__(
        self,
        message: str,
        *,
        held: Mapping[str, str] = MappingProxyType({}),
        place: str | Path | None = None,
        line: int | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message, place=place, line=line, remedy=remedy)
        self.held = held


class FetchFailed(GroundtuneError):
    """What a source has could not be fetched."""


class AddressRefused(FetchFailed):
    """An address that must not be asked."""


class NotReached(FetchFailed):
    """Who has it does not answer, or is too busy: others of its documents will not come either."""


class ModelFailed(GroundtuneError):
    """A chat model gave no usable reply."""


class TuningError(GroundtuneError):
    """Training data or training itself is unsound."""


class ApprovalRefused(GroundtuneError):
    """Somebody decided on an approval that is not theirs to decide, not there, expired, or decided already."""


class GateFailed(GroundtuneError):
    """Training data or an adapter did not pass the gates in `gates`; `--accept GATE` goes on all the same."""

    def __init__(
        self,
        message: str,
        gates: tuple[str, ...] = (),
        *,
        place: str | Path | None = None,
        line: int | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message, place=place, line=line, remedy=remedy)
        self.gates = gates

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_gate, (self.message, self.gates, self.place, self.remedy))


class NotComparable(GroundtuneError):
    """Runs that must not be put side by side."""


@contextmanager
def damaged(what: str, *, place: str | Path, remedy: str, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn whatever a library raises over the files at `place` into `SettingsError`; ours, and `passing`, go through.

    `what` says what could not be done. Readers of weights raise errors of their own, and bare ones.
    """
    ours: tuple[type[Exception], ...] = (GroundtuneError, *passing)
    try:
        yield
    except ours:
        raise
    except Exception as error:
        reason = " ".join((str(error) or type(error).__name__).split())
        raise SettingsError(f"{what}: {reason[:_REASON]}.", place=place, remedy=remedy) from None
