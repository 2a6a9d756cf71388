"""Where a run that is interrupted goes on: its folder of checkpoints, and what else it has to remember.

Checkpoints of one job stand in `NAME.checkpoints/KEY`, beside the adapter's folder; those of another job under the same
name are removed.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from groundtune.files import read_text, write_text
from groundtune.tuning.adapters import CHECKPOINTS

_COMPLETE = ("optimizer.pt", "scheduler.pt", "trainer_state.json")
_WEIGHTS = ("adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json")
_ELAPSED = "elapsed.json"


def work_folder(folder: Path, key: str) -> Path:
    """Return the folder of the checkpoints of the job `key`, whose adapter will be in `folder`."""
    parent = folder.with_name(f"{folder.name}.{CHECKPOINTS}")
    work = parent / key
    for other in parent.glob("*"):
        if other != work:
            shutil.rmtree(other)
    work.mkdir(parents=True, exist_ok=True)
    return work


def last_checkpoint(work: Path) -> str | None:
    """Return the newest complete checkpoint; one that a kill cut short is removed."""
    checkpoints = sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    while checkpoints:
        if _complete(checkpoints[-1]):
            return str(checkpoints[-1])
        shutil.rmtree(checkpoints.pop())
    return None


def _complete(checkpoint: Path) -> bool:
    weights = any((checkpoint / name).is_file() for name in _WEIGHTS)
    return weights and all((checkpoint / name).is_file() for name in _COMPLETE)


class Stopwatch:
    """How long a run has taken, with the parts before it was interrupted; kept in its folder of checkpoints."""

    def __init__(self, work: Path) -> None:
        self._file = work / _ELAPSED
        self._before = json.loads(read_text(self._file))["seconds"] if self._file.is_file() else 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """The time up to now."""
        return float(self._before + time.monotonic() - self._started)

    def save(self) -> None:
        """Remember it: what comes after is lost if the run is killed, as are the steps after a checkpoint."""
        write_text(self._file, json.dumps({"seconds": round(self.seconds, 1)}))
