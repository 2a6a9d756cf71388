"""Where a run that is interrupted goes on: its folder of checkpoints, and what else it has to remember.

Checkpoints of one job stand in `NAME.checkpoints/KEY`, beside the adapter's folder; those of another job under the same
name are removed.

The trainer keeps weights in safetensors, and the state of optimizer, schedule and random numbers in PyTorch's format,
which is a pickle. It is read with `weights_only=True`, as the trainer does: numbers only, no code. What is cut short
gives way to the checkpoint before it. What holds code, or weights in a pickle, is refused. Knows no technique.
"""

from __future__ import annotations

import json
import logging
import pickle
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from groundtune.errors import InputError
from groundtune.files import read_text, write_text
from groundtune.tuning.adapters import CHECKPOINTS, PICKLES, check_safetensors

STATES = ("optimizer.pt", "scheduler.pt")
STATE = "trainer_state.json"
_ADAPTER, _MODEL, _INDEX = "adapter_model.safetensors", "model.safetensors", "model.safetensors.index.json"
# pickles that the trainer writes: the states are read, the arguments are not
_KNOWN_PICKLES = ("optimizer.pt", "scheduler.pt", "scaler.pt", "training_args.bin")
_ARCHIVE = b"PK\x03\x04"  # the first bytes of a ZIP file
_ELAPSED = "elapsed.json"
_log = logging.getLogger(__name__)


def work_folder(folder: Path, key: str) -> Path:
    """Return the folder of the checkpoints of the job `key`, whose adapter will be in `folder`."""
    parent = folder.with_name(f"{folder.name}.{CHECKPOINTS}")
    work = parent / key
    for other in parent.glob("*"):
        if other != work:
            shutil.rmtree(other)
    work.mkdir(parents=True, exist_ok=True)
    return work


def last_checkpoint(work: Path, others: Collection[str] = ()) -> str | None:
    """Return the newest complete checkpoint in `work`, None if there is none; those that were cut short are removed.

    `others` are files that a technique keeps besides in each. Raises `InputError` for one that holds code or pickled
    weights: it is neither read nor removed.
    """
    numbered = {path: path.name.rpartition("-")[2] for path in work.glob("checkpoint-*") if path.is_dir()}
    checkpoints = sorted(
        (path for path, number in numbered.items() if number.isdigit()), key=lambda path: int(numbered[path])
    )
    while checkpoints:
        reason = cut_short(checkpoints[-1], others)
        if not reason:
            return str(checkpoints[-1])
        _log.warning("The checkpoint %s is left out: %s.", checkpoints[-1], reason)
        shutil.rmtree(checkpoints.pop())
    return None


def cut_short(checkpoint: Path, others: Collection[str] = ()) -> str:
    """Say what is missing or broken in a checkpoint, "" if nothing is. Raises `InputError` for what is refused."""
    _refuse_pickled_weights(checkpoint)
    lacking = [name for name in (*STATES, STATE, *others) if not (checkpoint / name).is_file()]
    if lacking:
        return f"it has no {' and no '.join(lacking)}"
    try:
        weights = _weights(checkpoint)
        for path in weights:
            check_safetensors(path)
    except InputError as error:
        return f"{Path(error.place or '').name} {error.message.rstrip('.')}"
    if not weights:
        return f"it has neither {_ADAPTER} nor {_MODEL}"
    try:
        json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except ValueError:
        return f"{STATE} is cut short or damaged"
    broken = [path.name for path in _states(checkpoint) if not _is_whole(path)]
    return f"{' and '.join(broken)} cannot be read to the end" if broken else ""


def _weights(checkpoint: Path) -> list[Path]:
    """Return the files of weights; raises `InputError` where a part of a large model is missing."""
    index = checkpoint / _INDEX
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError):
            raise InputError("is cut short or damaged.", place=index) from None
        return [checkpoint / Path(name).name for name in names]
    return [checkpoint / name for name in (_ADAPTER, _MODEL) if (checkpoint / name).is_file()]


def _refuse_pickled_weights(checkpoint: Path) -> None:
    for path in sorted(checkpoint.rglob("*")):
        known = path.name in _KNOWN_PICKLES or (path.name.startswith("rng_state") and path.suffix == ".pth")
        if path.suffix.lower() in PICKLES and not known:
            raise InputError(
                f"`{path.name}` may be a pickle, which can hold code, and training did not write it. It was not read.",
                place=path,
                remedy=f"Delete it, or the whole checkpoint {checkpoint}, and run the command again.",
            )


def _states(checkpoint: Path) -> list[Path]:
    states = [checkpoint / name for name in (*STATES, "scaler.pt")]
    return [path for path in (*states, *sorted(checkpoint.glob("rng_state*.pth"))) if path.is_file()]


def _is_whole(path: Path) -> bool:
    """Tell whether a state is read to its end, as numbers only. Raises `InputError` for one that holds more."""
    import torch
    from transformers.trainer_pt_utils import safe_globals

    with path.open("rb") as file:
        head = file.read(len(_ARCHIVE))
    if not head.strip(b"\0"):
        return False  # what a machine that lost power leaves
    if head != _ARCHIVE[: len(head)]:
        raise _refused(path)  # a bare pickle: PyTorch puts its own into an archive
    try:
        with safe_globals():  # NumPy's arrays, as the trainer allows: its random numbers are in them
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError:
        raise _refused(path) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError):
        return False
    return True


def _refused(path: Path) -> InputError:
    return InputError(
        "holds more than numbers. It was not read, because it may run code.",
        place=path,
        remedy=f"Delete the checkpoint {path.parent}, unless you know who made it, and run the command again.",
    )


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


def evaluating(work: Path, every: int, metric: str, *, greater_is_better: bool) -> dict[str, object]:
    """Return a trainer's arguments to evaluate and save after `every` steps, and to load the best step in the end."""
    return {
        "eval_strategy": "steps",
        "eval_steps": every,
        # after a resume, early stopping must count as if there had been no interruption
        "eval_on_start": last_checkpoint(work) is None,
        "restore_callback_states_from_checkpoint": True,
        "save_strategy": "steps",
        "save_steps": every,
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": metric,
        "greater_is_better": greater_is_better,
    }
