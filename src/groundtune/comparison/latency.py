"""Measured times, kept with the machine that they were measured on: on another one they say nothing.

Knows the records and this machine; how times are measured is the caller's.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pydantic import TypeAdapter

from groundtune.records import KeptKind, Records

UNKNOWN = "unknown"


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


@cache
def this_machine() -> str:
    """Return what answers depend on here, as in "AMD EPYC 9554, 16 cores, NVIDIA H100": the same at each call."""
    cores = os.cpu_count() or 1
    parts = [_processor(), f"{cores} core{'s' if cores > 1 else ''}", _accelerator()]
    return ", ".join(" ".join(part.split()) for part in parts if part)


def _processor() -> str:
    """Return the processor's name: what Python says of it is "x86_64", or nothing, on most systems."""
    try:
        if platform.system() == "Linux":
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
            names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
            return names[0].strip() if names else platform.machine()
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor() or platform.machine() or UNKNOWN


def _accelerator() -> str:
    """Return the name of the accelerator that models on this machine run on, or "" if they run on the processor."""
    if find_spec("torch") is None:
        return ""
    import torch

    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else ""
