"""How much memory work takes at its peak, and how much there is. Knows nothing of models.

On a processor memory is what this process holds in RAM (resident set size, files mapped into memory included); on a
CUDA device it is what PyTorch allocated there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from groundtune import extras

T = TypeVar("T")

CGROUPS = Path("/sys/fs/cgroup")
INTERVAL = 0.01  # seconds between two looks at the memory, where the kernel keeps no peak
_SELF = Path("/proc/self")
_windows: list[list[int]] = []  # of each window that is open: the highest peak before a later window reset the kernel's
_lock = threading.Lock()


def peak_of(function: Callable[[], T], device: str = "cpu") -> tuple[T, int]:
    """Return what `function` returns, and the most bytes that this process held while it ran, all else included.

    Windows may lie within each other. Raises what `function` raises and, where the kernel keeps no peak, `NotInstalled`
    without psutil.
    """
    if device.startswith("cuda"):
        return _peak_on_cuda(function, device)
    if _reset_peak():
        return _peak_of_kernel(function)
    return _peak_of_samples(function)


def available(device: str = "cpu") -> int:
    """Return how many bytes this process may still take before the machine swaps or its limits stop it.

    Limits are those of control groups (containers) and of the address space (`ulimit -v`). Raises `NotInstalled`
    without psutil.
    """
    if device.startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        reserved = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + reserved)  # what PyTorch keeps for its next tensors is free to us
    psutil = _psutil()
    left = [int(psutil.virtual_memory().available)]
    text = _SELF / "cgroup"
    if text.is_file():
        left += _left_in_groups(text.read_text(encoding="utf-8"), CGROUPS)
    if hasattr(psutil, "RLIMIT_AS"):  # Linux only
        process = psutil.Process()
        limit = process.rlimit(psutil.RLIMIT_AS)[0]
        left += [] if limit == psutil.RLIM_INFINITY else [limit - process.memory_info().vms]
    return max(0, min(left))


def _peak_on_cuda(function: Callable[[], T], device: str) -> tuple[T, int]:
    import torch

    torch.cuda.reset_peak_memory_stats(device)
    result = function()
    return result, int(torch.cuda.max_memory_allocated(device))


def _reset_peak() -> bool:
    """Have the kernel begin to look for the peak anew; tell whether it can (Linux, proc_pid_clear_refs(5): 5)."""
    with _lock:
        try:
            before = _kernel_peak()
            (_SELF / "clear_refs").write_text("5", encoding="ascii")
        except OSError:  # another system, or a sandbox without it
            return False
        for window in _windows:
            window[0] = max(window[0], before)
        return True


def _kernel_peak() -> int:
    """Return the kernel's `VmHWM` in bytes. Raises `OSError` where it keeps none."""
    for line in (_SELF / "status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024  # in kibibytes, whatever it calls them
    raise OSError("the kernel keeps no VmHWM")


def _peak_of_kernel(function: Callable[[], T]) -> tuple[T, int]:
    window = [0]
    with _lock:
        _windows.append(window)
    try:
        result = function()
        with _lock:
            return result, max(window[0], _kernel_peak())
    finally:
        with _lock:
            _windows[:] = [other for other in _windows if other is not window]


def _peak_of_samples(function: Callable[[], T]) -> tuple[T, int]:
    """Look every `INTERVAL`: a peak that is shorter may be missed."""
    process, done = _psutil().Process(), threading.Event()
    peak = [process.memory_info().rss]

    def look() -> None:
        while not done.wait(INTERVAL):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        result = function()
    finally:
        done.set()
        watcher.join()
    return result, max(peak[0], process.memory_info().rss)


def _left_in_groups(membership: str, root: Path) -> list[int]:
    """Return the bytes left in each control group with a limit that this process is in, and in the groups above it.

    `membership` is `/proc/self/cgroup` (cgroups(7)): a line is `number:controllers:path`, without controllers in
    version 2. In a container `root` often shows the group itself and not the path to it, so that `root` counts too.
    """
    left = []
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        places = [root / "memory"] if controllers else [root, root / "unified"]
        for place in places:
            group = place / path.lstrip("/")
            for folder in [group, *group.parents]:
                if folder.is_relative_to(place):
                    left += _left_in(folder)
    return left


def _left_in(folder: Path) -> list[int]:
    """Return what the limit of one control group leaves, or nothing without a limit. Cached files give way."""
    for limit, used, cached in (
        ("memory.max", "memory.current", "inactive_file"),  # version 2
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),  # version 1
    ):
        try:
            most = (folder / limit).read_text(encoding="ascii").strip()
            if most == "max":
                return []
            statistics = dict(
                line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines()
            )
            taken = int((folder / used).read_text(encoding="ascii"))
            return [int(most) - taken + int(statistics.get(cached, 0))]
        except OSError:
            continue
    return []


def _psutil() -> Any:  # noqa: ANN401 -- psutil is untyped here
    try:
        import psutil
    except ImportError as error:
        raise extras.not_installed("local", "measuring memory", error) from None
    return psutil
