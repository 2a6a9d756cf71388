"""What work on this machine depends on: processor, cores and accelerator, in words. Knows nothing of the work."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

UNKNOWN = "unknown"


@cache
def this_machine() -> str:
    """Return what answers depend on here, as in "AMD EPYC 9554, 16 cores, NVIDIA H100": the same at each call."""
    cores = os.cpu_count() or 1
    facts = hardware() | {"cores": f"{cores} core{'s' if cores > 1 else ''}"}
    return ", ".join(facts.values())


@cache
def hardware() -> dict[str, str]:
    """Return the processor, the number of cores, and the accelerator where models on this machine run on one."""
    facts = {"processor": _processor(), "cores": str(os.cpu_count() or 1), "accelerator": _accelerator()}
    return {name: " ".join(fact.split()) for name, fact in facts.items() if fact}


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
