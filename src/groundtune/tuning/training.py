"""One training run, whatever it learns: the frame of all techniques.

Reads top to bottom: load the base with the adapters that it stands on, render the data, plan memory and tell what the
run takes, train with early stopping on held-out data, keep the best checkpoint, check the adapter, write it with
manifest and card. An interrupted run is resumed from its last checkpoint. What is learned, and by which loss, is the
job's objective.
"""

from __future__ import annotations

import gc
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from groundtune.errors import TuningError
from groundtune.files import full_disk, replacing
from groundtune.machine import hardware
from groundtune.protocols import Progress, silent
from groundtune.settings import Table, TuningSettings
from groundtune.tuning import checks, estimate
from groundtune.tuning._fast import faster, takes_packed
from groundtune.tuning._memory import peak_of
from groundtune.tuning.adapters import LossPoint, Manifest, file_hashes, finished, read_manifest, write_manifest
from groundtune.tuning.card import write_card
from groundtune.tuning.checkpoints import Stopwatch, evaluating, last_checkpoint, work_folder
from groundtune.tuning.estimate import Plan
from groundtune.tuning.model import Base, in_full_precision, learning, ready, save, teachable
from groundtune.tuning.objective import Construction, MeasureModel, Objective, Rows
from groundtune.tuning.order import data_order, padded
from groundtune.values import digest

PACKAGES = ("torch", "transformers", "trl", "peft")

CheckData = Callable[[], tuple[tuple[Mapping[str, object], ...], tuple[str, ...]]]
"""Checks data; gives what each gate said, and which did not pass and were accepted. Raises `GateFailed`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training run.

    `own` are the technique's own settings, `[tuning.NAME]`: what the adapter depends on besides `settings`. For the
    manifest: `record` tells the settings with their origins, `counts` more of the data. `recipe` identifies what the
    examples were made of, if that took long. `parents` are the folders of the adapters that it is trained on top of,
    in order; `starts_from` is one whose weights are trained further instead of new ones. `measure` is called before and
    after training. `gate` checks the data; `gates` and `accepted` say what it found. For `part`, `upkeep`
    and `kind` see `Manifest`.
    """

    technique: str
    base: Base
    objective: Objective
    settings: TuningSettings
    record: Mapping[str, object]
    counts: Mapping[str, object] = field(default_factory=dict)
    own: Table | None = None
    recipe: str = ""
    parents: tuple[Path, ...] = ()
    starts_from: Path | None = None
    measure: MeasureModel | None = None
    gate: CheckData | None = None
    gates: tuple[Mapping[str, object], ...] = ()
    accepted: tuple[str, ...] = ()
    part: str = ""
    upkeep: int = 0
    kind: Literal["adapter", "reward"] = "adapter"

    @property
    def key(self) -> str:
        """Identifies all that the adapter depends on. Own settings that are all in `not_in_key` change nothing."""
        own = "{}" if self.own is None else self.own.for_key()
        settings = [self.settings.for_key(), *([] if own == "{}" else [own])]
        below = [*self.parents, *([self.starts_from] if self.starts_from else [])]
        keys = [manifest.key if (manifest := read_manifest(folder)) else folder.name for folder in below]
        return digest(self.technique, self.base.name, self.base.weights, self.objective.data_hash, *settings, *keys)


def tune(job: TrainingJob, folder: Path, progress: Progress = silent) -> Manifest:
    """Train an adapter into `folder` and return its manifest; a finished one for the same job is kept, also where it is
    another version of the adapter.

    Raises `GateFailed` for data that do not pass their gates, `TuningError` for those that cannot teach, and
    `NotInstalled` without the `local` extra.
    """
    known = _known(folder, job)
    if known is not None:
        return known
    job = passed(job)
    work = work_folder(folder, job.key)
    stopwatch = Stopwatch(work)
    model, tokenizer = ready(job.base, job.parents, job.settings)
    rows = job.objective.rows(tokenizer, model, job.settings)
    before = job.measure(model, tokenizer) if job.measure else {}
    plan = estimate.saved_plan(work)
    if plan is None:
        plan = _planned(job, model, tokenizer, rows, work)
        estimate.save_plan(work, plan)
        _log.info("Tuning %s: %s.", job.technique, estimate.shown(plan.estimate))
        del model  # the steps of the probe have changed it
        gc.collect()
        model, tokenizer = ready(job.base, job.parents, job.settings)
    trainer = _trainer(job, _Built(model, tokenizer, rows, plan), work, progress, stopwatch)
    with full_disk(work):
        took = _trained(trainer, last_checkpoint(work))
    if not any(point.held_out is not None for point in loss_curve(trainer.state.log_history)):
        raise TuningError("training ended before its first evaluation.", remedy="Raise `[tuning] steps`.")
    model = in_full_precision(trainer.model)
    measured = {"before": before, "after": job.measure(model, tokenizer)} if job.measure else {}
    with replacing(folder) as place:
        save(model, tokenizer, place, job.settings)
        logits, state = checks.logits_of(model, rows.samples), trainer.state
        del trainer, model  # the checks load the model again
        gc.collect()
        checked = checks.check(job.base, job.parents, job.settings, place, rows, logits)
        manifest = _manifest(job, rows, plan, state, stopwatch)
        manifest = replace(manifest, files=file_hashes(place), measures={**measured, "checks": checked}, took=took)
        write_card(place, folder.name, manifest, (job.base.licence, job.settings.licence))
        write_manifest(place, manifest)
    shutil.rmtree(work)
    return manifest


def _trained(trainer: Any, checkpoint: str | None) -> dict[str, float]:  # noqa: ANN401
    """Train; return seconds and memory as an estimate has them, nothing where only a part of the run was seen."""
    started = time.monotonic()
    _, peak = peak_of(lambda: trainer.train(resume_from_checkpoint=checkpoint), str(trainer.model.device))
    return {} if checkpoint else {"seconds": round(time.monotonic() - started, 1), "memory_bytes": peak}


def _manifest(job: TrainingJob, rows: Rows, plan: Plan, state: Any, stopwatch: Stopwatch) -> Manifest:  # noqa: ANN401
    """Return what is known when training has ended; `state` is the trainer's."""
    sizes = {"training": len(rows.training), "held_out": len(rows.held_out)}
    return Manifest(
        key=job.key,
        technique=job.technique,
        base_model=job.base.name,
        base_weights=job.base.weights,
        data={**sizes, "hash": job.objective.data_hash, **job.counts},
        settings=dict(job.record),
        versions={package: version(package) for package in PACKAGES},
        tokens=sum(rows.lengths[index] for index in _order(job, rows)[: state.global_step * job.settings.batch_size]),
        seconds=round(stopwatch.seconds, 1),
        stopped=why_stopped(state),
        best_step=state.best_global_step,  # among checkpoints: step 0 is measured, not kept
        loss=loss_curve(state.log_history),
        recipe=job.recipe,
        kind="model" if job.settings.method == "full" else job.kind,
        parents=tuple(parent.name for parent in job.parents),
        part=job.part,
        upkeep=job.upkeep,
        gates=job.gates,
        accepted=job.accepted,
        estimate=asdict(plan.estimate),
        hardware=dict(hardware()),
        curves=other_curves(state.log_history),
    )


def estimated(job: TrainingJob, progress: Progress = silent) -> estimate.RunEstimate:
    """Return what `tune` would take, from a few steps; nothing is kept. See `tune` for what it raises."""
    job = passed(job)
    there = tuple(parent for parent in job.parents if read_manifest(parent))  # phases before this one come later
    job = replace(job, parents=there)
    progress(f"estimating {job.technique}", 0, 1)
    with TemporaryDirectory() as work:
        model, tokenizer = ready(job.base, job.parents, job.settings)
        rows = job.objective.rows(tokenizer, model, job.settings)
        plan = _planned(job, model, tokenizer, rows, Path(work))
    progress(f"estimating {job.technique}", 1, 1)
    return plan.estimate


def passed(job: TrainingJob) -> TrainingJob:
    """Return the job with what the checks of its data found. Raises `GateFailed`."""
    if job.gate is None:
        return job
    gates, accepted = job.gate()
    return replace(job, gate=None, gates=gates, accepted=accepted)


def _known(folder: Path, job: TrainingJob) -> Manifest | None:
    """Return the manifest of a finished adapter for the job; it learns what the examples were made of this time."""
    result = finished(folder, lambda manifest: manifest.key == job.key)
    if result is None:
        return None
    version, manifest = result
    if job.recipe and manifest.recipe != job.recipe:
        manifest = replace(manifest, recipe=job.recipe)
        with suppress(OSError):  # a folder that may only be read serves as well
            write_manifest(version, manifest)
    return manifest


def loss_curve(history: Sequence[Mapping[str, float]]) -> tuple[LossPoint, ...]:
    """Take the losses out of the trainer's log."""
    points = [LossPoint(int(entry["step"]), train=entry["loss"]) for entry in history if "loss" in entry]
    points += [LossPoint(int(entry["step"]), held_out=entry["eval_loss"]) for entry in history if "eval_loss" in entry]
    return tuple(sorted(points, key=lambda point: point.step))


_CURVES = (
    *("rewards/accuracies", "rewards/margins", "reward", "reward_error", "kl", "entropy"),
    *("completions/mean_length", "cut", "repetition"),
)


def other_curves(history: Sequence[Mapping[str, float]]) -> dict[str, tuple[tuple[int, float], ...]]:
    """Take what trainers log besides the loss out of the log, by name, training and held-out ("eval_") part."""
    curves = {
        name: tuple((int(entry["step"]), float(entry[name])) for entry in history if name in entry)
        for name in (*_CURVES, *(f"eval_{curve}" for curve in _CURVES))
    }
    return {name: points for name, points in curves.items() if points}


def _order(job: TrainingJob, rows: Rows) -> list[int]:
    rng = np.random.default_rng(job.settings.seed)
    return data_order(rows.lengths, job.settings.batch_size, job.settings.steps, rng)


def _planned(job: TrainingJob, model: Any, tokenizer: Any, rows: Rows, work: Path) -> Plan:  # noqa: ANN401
    """Return how the run uses memory and what it takes; `model` is changed by a few steps."""
    with learning(model, job.settings, job.starts_from) as trained:
        if rows.supervised:
            faster(trained)  # as their trainer does
        packed = rows.supervised and takes_packed(trained)
        per_token = estimate.bytes_per_token(trained, rows.samples[0] if rows.samples else [0] * estimate.SHORT_ROW)
    at_once, recompute = estimate.rows_at_once(rows.lengths, per_token, job.settings, str(model.device))
    plan = Plan(at_once, recompute, estimate.RunEstimate(0, 0.0, 0))
    read = sum if packed else partial(padded, rows=at_once)

    def trainer_of(order: Sequence[int], steps: int) -> Any:  # noqa: ANN401
        watching = {"max_steps": steps, "eval_strategy": "no", "save_strategy": "no"}
        return _built(job, _Built(model, tokenizer, rows, plan), order, work / "probe", watching)

    measured = estimate.probe(trainer_of, rows, _order(job, rows), read, job.settings)
    return replace(plan, estimate=measured)


@dataclass(frozen=True, slots=True)
class _Built:
    """What a trainer is built of."""

    model: Any
    tokenizer: Any
    rows: Rows
    plan: Plan


def _trainer(job: TrainingJob, parts: _Built, work: Path, progress: Progress, stopwatch: Stopwatch) -> Any:  # noqa: ANN401
    """Return the trainer of the whole run."""
    from transformers import EarlyStoppingCallback

    every = min(job.settings.evaluate_every, job.settings.steps)
    metric = job.objective.metric
    kept = evaluating(work, every, metric.name, greater_is_better=metric.greater_is_better)
    watching = {"max_steps": job.settings.steps, **kept}
    callbacks = [EarlyStoppingCallback(job.settings.patience), reporter(f"tuning {job.technique}", progress, stopwatch)]
    return _built(job, parts, _order(job, parts.rows), work, watching, callbacks)


def _built(
    job: TrainingJob,
    parts: _Built,
    order: Sequence[int],
    work: Path,
    watching: Mapping[str, Any],
    callbacks: Sequence[Any] = (),
) -> Any:  # noqa: ANN401
    """Return a trainer on the rows in that order; `watching` says when it stops, evaluates and saves."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from transformers.trainer_utils import set_seed

    set_seed(job.settings.seed)  # before the adapter is initialised, or the seed does not cover it
    rows, settings = parts.rows, job.settings
    model, shape = teachable(parts.model, settings, job.starts_from)
    given = {
        "model": model,
        "train_dataset": Dataset.from_list([dict(rows.training[index]) for index in order]),
        "eval_dataset": Dataset.from_list([dict(row) for row in rows.held_out]),
        "processing_class": parts.tokenizer,
        "peft_config": shape,
        "callbacks": list(callbacks),
    }
    arguments = {**_arguments(settings, work, parts.plan), **watching}
    trainer = job.objective.trainer(Construction(arguments, given, parts.plan.rows, settings.batch_size, settings))
    trainer.remove_callback(PrinterCallback)  # it prints every log entry on stdout; `progress` tells what is needed
    return trainer


def _arguments(settings: TuningSettings, work: Path, plan: Plan) -> dict[str, Any]:
    import torch

    every = min(settings.evaluate_every, settings.steps)
    return {
        "output_dir": str(work),
        "per_device_train_batch_size": plan.rows,
        "per_device_eval_batch_size": plan.rows,
        "gradient_accumulation_steps": settings.batch_size // plan.rows,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": max(1, settings.steps // 20),
        "train_sampling_strategy": "sequential",  # in the order drawn by `data_order`
        "gradient_checkpointing": plan.recompute,
        "bf16": torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        "logging_steps": max(1, every // 4),
        "logging_first_step": True,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": settings.seed,
        "data_seed": settings.seed,
    }


def reporter(stage: str, progress: Progress, stopwatch: Stopwatch) -> Any:  # noqa: ANN401
    """Return what passes the steps of a trainer on."""
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
        """Passes the trainer's steps on, and remembers how long they took."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            progress(stage, state.global_step, state.max_steps)

        def on_save(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
            stopwatch.save()

    return Reporter()


def why_stopped(state: Any) -> str:  # noqa: ANN401
    """Say when a trainer stopped, and why; `state` is the trainer's."""
    if state.global_step < state.max_steps:
        return f"early, at step {state.global_step}: the held-out loss stopped falling"
    return f"at the last step, {state.global_step}"
