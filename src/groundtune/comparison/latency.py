"""Measured times, kept with the machine that they were measured on: on another one they say nothing.

Knows the records and this machine; how times are measured is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from groundtune.machine import UNKNOWN, this_machine
from groundtune.records import KeptKind, Records


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds until the first token and until the whole answer, a question each; `machine` as `this_machine` says."""

    first_token: tuple[float, ...] = ()
    total: tuple[float, ...] = ()
    machine: str = ""


LATENCY = KeptKind("latency", TypeAdapter(Seconds))


def measured(records: Records, key: str, measure: Callable[[], Seconds]) -> Seconds:
    """Return the times that were measured under `key` on this machine; measure and keep them if there are none.

    Several machines may share the records: each has its own times. Times of before groundtune noted the machine
    ("unknown") count as measured here: nearly always they were, and a report that is made again stays the same.
    """
    here = this_machine()
    known = records.kept_many(LATENCY, [f"{key}@{machine}" for machine in (here, UNKNOWN)])
    for machine in (here, UNKNOWN):
        if f"{key}@{machine}" in known:
            return known[f"{key}@{machine}"]
    seconds = replace(measure(), machine=here)
    records.keep(LATENCY, f"{key}@{here}", seconds)
    return seconds
