"""What a run will take, known before it starts: tokens are counted, time and memory are measured in a few steps.

The steps are real ones, of the trainer that will train, on the longest batch first, which needs the most memory. What
the backward pass has to keep is counted beforehand on a short row, so that the first step does not run out of memory:
from it follow how many rows go through the model at once, and whether activations are kept or computed again
(Chen et al. 2016, arXiv 1604.06174).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundtune.errors import TuningError
from groundtune.files import read_text, write_text
from groundtune.settings import TuningSettings
from groundtune.tuning._memory import available, peak_of
from groundtune.tuning.objective import Rows
from groundtune.tuning.order import microbatch

PROBE_STEPS = 3  # the longest batch, which also warms up, and two that are timed
SHORT_ROW = 64  # tokens on which the memory of the backward pass is counted
SPARE = 0.9  # share of the available memory that a run may take
_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run takes: `tokens` that are trained on, `seconds`, and the most `memory_bytes` of the process."""

    tokens: int
    seconds: float
    memory_bytes: int

    def __add__(self, other: RunEstimate) -> RunEstimate:
        """Return the estimate of both runs, one after the other."""
        return RunEstimate(
            self.tokens + other.tokens, self.seconds + other.seconds, max(self.memory_bytes, other.memory_bytes)
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run uses memory: rows at once, and whether activations are computed again in the backward pass."""

    rows: int
    recompute: bool
    estimate: RunEstimate


def saved_plan(work: Path) -> Plan | None:
    """Return the plan of a run that was interrupted, None where there is none."""
    if not (work / _FILE).is_file():
        return None
    content = json.loads(read_text(work / _FILE))
    return Plan(content["rows"], content["recompute"], RunEstimate(**content["estimate"]))


def save_plan(work: Path, plan: Plan) -> None:
    """Keep the plan for the case that the run is interrupted."""
    write_text(work / _FILE, json.dumps(asdict(plan)))


def rows_at_once(
    lengths: Sequence[int], per_token: float, settings: TuningSettings, device: str = "cpu"
) -> tuple[int, bool]:
    """Return how many rows go through the model at once, and whether activations are computed again.

    `per_token` is what the backward pass keeps for a token, in bytes. As many rows as `microbatch_tokens` allows and
    fit; activations are computed again where not even the longest row fits.
    """
    longest, room = max(lengths), SPARE * available(device)
    most = settings.microbatch_tokens // longest
    fitting = int(room // (per_token * longest)) if per_token else most
    return microbatch(settings.batch_size, min(most, fitting)), fitting < 1


def bytes_per_token(model: Any, row: Sequence[int]) -> float:  # noqa: ANN401
    """Return what the backward pass has to keep for one token of a row, in bytes; parameters are not counted.

    `model` is ready to be trained.
    """
    import torch

    ids = torch.tensor([list(row[:SHORT_ROW])], device=model.device)
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Any) -> Any:  # noqa: ANN401
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()  # an output that is kept with its graph would never be freed

    was_training = model.training
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(input_ids=ids, use_cache=False)  # alive until the storages are counted
    total = sum(kept.values())
    del output
    model.train(was_training)
    return total / ids.shape[1]


def probe(
    trainer_of: Callable[[Sequence[int], int], Any],
    rows: Rows,
    order: Sequence[int],
    read: Callable[[Sequence[int]], int],
    settings: TuningSettings,
) -> RunEstimate:
    """Take a few steps and return what the whole run takes.

    `trainer_of(order, steps)` makes a trainer that takes `steps` steps on rows in that order and neither evaluates nor
    saves. `read(lengths)` is how many tokens the model reads of a batch with rows of these lengths. Raises
    `TuningError` where there is not enough memory.
    """
    size = settings.batch_size
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    widths = [read([rows.lengths[index] for index in batch]) for batch in batches]
    chosen = _probed(widths)
    clock = _Clock()
    trainer = trainer_of([index for place in chosen for index in batches[place]], len(chosen))
    trainer.add_callback(clock.callback())
    try:
        (_, evaluation), peak = peak_of(
            lambda: (trainer.train(), _timed_evaluation(trainer, rows)), str(trainer.model.device)
        )
    except (RuntimeError, MemoryError) as error:
        raise _too_little(error) from None
    timed = [(clock.seconds[step], widths[place]) for step, place in enumerate(chosen)][1:] or [
        (clock.seconds[0], widths[chosen[0]])
    ]
    rate = sum(seconds for seconds, _ in timed) / sum(width for _, width in timed)
    evaluations = 1 + settings.steps // min(settings.evaluate_every, settings.steps)
    return RunEstimate(
        tokens=sum(rows.lengths[index] for index in order),
        seconds=round(rate * sum(widths) + evaluations * evaluation, 1),
        memory_bytes=peak,
    )


def _probed(widths: Sequence[int]) -> list[int]:
    """Return the places of the batches to probe: the longest, then those in the middle."""
    by_width = sorted(range(len(widths)), key=widths.__getitem__)
    middle = len(by_width) // 2
    around = by_width[max(0, middle - 1) : middle + 1]
    return [by_width[-1], *around][: min(PROBE_STEPS, len(widths))]


def _timed_evaluation(trainer: Any, rows: Rows) -> float:  # noqa: ANN401
    """Return how long one evaluation on all held-out rows takes, in seconds, from a part of them."""
    part = max(1, min(len(rows.held_out), trainer.args.per_device_eval_batch_size))
    if trainer.model.device.type != "cpu":  # the first time, a GPU loads what it computes with
        trainer.evaluate(trainer.eval_dataset.select(range(part)))
    started = time.perf_counter()
    trainer.evaluate(trainer.eval_dataset.select(range(part)))
    return float((time.perf_counter() - started) * len(rows.held_out) / part)


def _too_little(error: Exception) -> TuningError:
    if isinstance(error, RuntimeError) and "memory" not in str(error):
        raise error
    return TuningError(
        f"there is not enough memory to train: {' '.join(str(error).split())[:200]}.",
        remedy="Close other programs, lower `[tuning] max_length` or `rank`, or tune a smaller model.",
    )


class _Clock:
    """Seconds of each optimizer step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def callback(self) -> Any:  # noqa: ANN401
        from transformers import TrainerCallback

        clock = self

        class Timing(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
            def on_step_begin(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
                clock._began = time.perf_counter()

            def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
                clock.seconds.append(time.perf_counter() - clock._began)

        return Timing()


def shown(estimate: RunEstimate | Mapping[str, float]) -> str:
    """Return the estimate for people.

    >>> shown(RunEstimate(120_000, 754.0, 2_400_000_000))
    '120,000 tokens, about 13 min, 2.4 GB of memory at most'
    """
    values = asdict(estimate) if isinstance(estimate, RunEstimate) else estimate
    memory = values["memory_bytes"] / 1e9
    return f"{int(values['tokens']):,} tokens, about {_duration(values['seconds'])}, {memory:.1f} GB of memory at most"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
