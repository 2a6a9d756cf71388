"""Supervised training: LoRA on conversations, with loss on the assistant's turns only (TRL and PEFT).

Reads top to bottom: render, check, train with early stopping on held-out conversations, keep the best
checkpoint, write the adapter with its manifest. An interrupted run is resumed from its last
checkpoint. Knows nothing of documents and prompts: techniques differ in the conversations that they train on.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from groundtune.errors import NotInstalled, TuningError
from groundtune.models.templates import Rendered, training_ids, turn_ends
from groundtune.protocols import Progress, silent
from groundtune.settings import Table, TuningSettings
from groundtune.tuning.adapters import CHECKPOINTS, LossPoint, Manifest, finished, write_manifest
from groundtune.tuning.examples import data_hash, hold_out
from groundtune.values import Example, digest

PACKAGES = ("torch", "transformers", "trl", "peft")
POOL = 16  # batches over which conversations are sorted by length
_CHECKPOINT_FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "trainer_state.json")


@dataclass(frozen=True, slots=True)
class Base:
    """The model that is tuned: its name, its weights' fingerprint, and a function that loads (model, tokenizer)."""

    name: str
    weights: str
    load: Any


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training run.

    `own` are the technique's own settings, `[tuning.NAME]`: what the adapter depends on besides `settings`. For the
    manifest: `record` tells the settings with their origins, `counts` more of the data. `recipe` identifies what the
    examples were made of, if that took long.
    """

    technique: str
    base: Base
    examples: Sequence[Example]
    settings: TuningSettings
    record: Mapping[str, object]
    counts: Mapping[str, int] = field(default_factory=dict)
    own: Table | None = None
    recipe: str = ""

    @property
    def key(self) -> str:
        """Identifies all that the adapter depends on. Own settings that are all in `not_in_key` change nothing."""
        own = "{}" if self.own is None else self.own.for_key()
        settings = [self.settings.for_key(), *([] if own == "{}" else [own])]
        return digest(self.technique, self.base.name, self.base.weights, data_hash(self.examples), *settings)


def tune(job: TrainingJob, folder: Path, progress: Progress = silent) -> Manifest:
    """Train an adapter into `folder` and return its manifest; a finished one for the same job is kept, also where it is
    another version of the adapter.

    Raises `TuningError` for data that cannot teach and `NotInstalled` without the `local` extra.
    """
    known = _known(folder, job)
    if known is not None:
        return known
    work = _work_folder(folder, job)
    started = time.monotonic()
    model, tokenizer = job.base.load()
    training, held_out = hold_out(job.examples, job.settings.held_out, np.random.default_rng(job.settings.seed))
    rows = {
        part: render(tokenizer, data, job.settings.max_length, turn_ends(tokenizer, model))
        for part, data in (("training", training), ("held out", held_out))
    }
    trainer = _trainer(model, tokenizer, rows, job, work, progress)
    trainer.train(resume_from_checkpoint=last_checkpoint(work))
    curve = loss_curve(trainer.state.log_history)
    if not any(point.held_out is not None for point in curve):
        raise TuningError("training ended before its first evaluation.", remedy="Raise `[tuning] steps`.")
    shutil.rmtree(folder, ignore_errors=True)
    trainer.model.save_pretrained(str(folder))
    manifest = Manifest(
        key=job.key,
        technique=job.technique,
        base_model=job.base.name,
        base_weights=job.base.weights,
        data={"training": len(training), "held_out": len(held_out), "hash": data_hash(job.examples), **job.counts},
        settings=dict(job.record),
        versions={package: version(package) for package in PACKAGES},
        tokens=sum(len(row.input_ids) for row in rows["training"]),
        seconds=round(time.monotonic() - started, 1),
        stopped=_why_stopped(trainer.state),
        best_step=trainer.state.best_global_step,  # among checkpoints: step 0 is measured, not kept
        loss=curve,
        recipe=job.recipe,
    )
    write_manifest(folder, manifest)
    shutil.rmtree(work)
    return manifest


def _known(folder: Path, job: TrainingJob) -> Manifest | None:
    """Return the manifest of a finished adapter for the job; it learns what the examples were made of this time."""
    found = finished(folder, lambda manifest: manifest.key == job.key)
    if found is None:
        return None
    version, manifest = found
    if job.recipe and manifest.recipe != job.recipe:
        manifest = replace(manifest, recipe=job.recipe)
        with suppress(OSError):  # a folder that may only be read serves as well
            write_manifest(version, manifest)
    return manifest


def render(
    tokenizer: Any,  # noqa: ANN401
    examples: Sequence[Example],
    max_length: int,
    ends: Collection[int] | None = None,
) -> list[Rendered]:
    """Return token ids and labels of every conversation; `ends` are the tokens that may end a turn.

    Raises `TuningError` rather than cut one short.
    """
    rows = [training_ids(tokenizer, example.messages, ends) for example in examples]
    longest = max(len(row.input_ids) for row in rows)
    if longest > max_length:
        too_long = sum(len(row.input_ids) > max_length for row in rows)
        raise TuningError(
            f"{too_long} of {len(rows)} training conversations are longer than {max_length} tokens "
            f"(the longest has {longest}).",
            remedy=f"Set `[tuning] max_length` to {longest}, or shorten the conversations.",
        )
    return rows


def data_order(lengths: Sequence[int], batch_size: int, steps: int, rng: np.random.Generator) -> list[int]:
    """Return the indices of the conversations of `steps` batches, one batch after the other.

    Every conversation comes as often as any other, give or take one. Within `POOL` batches those of similar length
    go together, so that little is padded, and the batches come in random order. The order is drawn in advance: a run
    that resumes from a checkpoint sees the same batches as an uninterrupted one.
    """
    total = batch_size * steps
    passes = -(-total // len(lengths))
    stream = np.concatenate([rng.permutation(len(lengths)) for _ in range(passes)])[:total].tolist()
    order: list[int] = []
    for start in range(0, total, POOL * batch_size):
        pool = sorted(stream[start : start + POOL * batch_size], key=lengths.__getitem__)
        places = rng.permutation(len(pool) // batch_size)
        order += [index for place in places for index in pool[place * batch_size : (place + 1) * batch_size]]
    return order


def last_checkpoint(work: Path) -> str | None:
    """Return the newest complete checkpoint; one that a kill cut short is removed."""
    checkpoints = sorted(work.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    while checkpoints:
        if all((checkpoints[-1] / name).is_file() for name in _CHECKPOINT_FILES):
            return str(checkpoints[-1])
        shutil.rmtree(checkpoints.pop())
    return None


def microbatch(batch_size: int, most: int) -> int:
    """Return how many conversations go through the model at once: the largest part of a batch, at most `most`.

    >>> microbatch(8, 5), microbatch(8, 0)
    (4, 1)
    """
    return max(rows for rows in range(1, batch_size + 1) if batch_size % rows == 0 and rows <= max(1, most))


def loss_curve(history: Sequence[Mapping[str, float]]) -> tuple[LossPoint, ...]:
    """Take the losses out of the trainer's log."""
    points = [LossPoint(int(entry["step"]), train=entry["loss"]) for entry in history if "loss" in entry]
    points += [LossPoint(int(entry["step"]), held_out=entry["eval_loss"]) for entry in history if "eval_loss" in entry]
    return tuple(sorted(points, key=lambda point: point.step))


def _work_folder(folder: Path, job: TrainingJob) -> Path:
    """Return the folder of this job's checkpoints; those of another job under the same name are removed."""
    parent = folder.with_name(f"{folder.name}.{CHECKPOINTS}")
    work = parent / job.key
    for other in parent.glob("*"):
        if other != work:
            shutil.rmtree(other)
    work.mkdir(parents=True, exist_ok=True)
    return work


def _trainer(
    model: Any,  # noqa: ANN401 -- transformers' model and tokenizer
    tokenizer: Any,  # noqa: ANN401
    rows: Mapping[str, list[Rendered]],
    job: TrainingJob,
    work: Path,
    progress: Progress,
) -> Any:  # noqa: ANN401
    try:
        from datasets import Dataset
        from peft import LoraConfig
        from transformers import EarlyStoppingCallback, PrinterCallback
        from transformers.trainer_utils import set_seed
    except ImportError:
        raise NotInstalled(
            "tuning needs packages that are not installed.",
            remedy='Install the extra: pip install "groundtune[local]".',
        ) from None
    set_seed(job.settings.seed)  # before the adapter is initialised, or the seed does not cover it
    settings = job.settings
    lengths = [len(row.input_ids) for row in rows["training"]]
    order = data_order(lengths, settings.batch_size, settings.steps, np.random.default_rng(settings.seed))
    rows = {**rows, "training": [rows["training"][index] for index in order]}
    parts = {
        part: Dataset.from_dict({"input_ids": [row.input_ids for row in data], "labels": [row.labels for row in data]})
        for part, data in rows.items()
    }
    lora = LoraConfig(r=settings.rank, lora_alpha=2 * settings.rank, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer: Any = _trainer_class()(
        model=model,
        args=_arguments(settings, work, max(len(row.input_ids) for data in rows.values() for row in data)),
        train_dataset=parts["training"],
        eval_dataset=parts["held out"],
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[EarlyStoppingCallback(settings.patience), _reporter(job.technique, progress)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints every log entry on stdout; `progress` tells what is needed
    return trainer


def _trainer_class() -> Any:  # noqa: ANN401
    from torch.nn.functional import cross_entropy
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]  # trl is untyped here
        """Computes logits only where some row has a label.

        Prompts with passages are 15 times as long as their answers, and without a GPU TRL computes them everywhere:
        two fifths of the time of a step.
        """

        def compute_loss(
            self,
            model: Any,  # noqa: ANN401
            inputs: Any,  # noqa: ANN401
            return_outputs: bool = False,
            num_items_in_batch: Any = None,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            """Return the sum of the labels' losses over their number in the batch."""
            labels = inputs["labels"][:, 1:]
            places = (labels != -100).any(dim=0).nonzero().squeeze(1)
            outputs = model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                logits_to_keep=places,
                use_cache=False,
            )
            labels = labels[:, places]
            total = cross_entropy(outputs.logits.float().flatten(0, 1), labels.flatten(), reduction="sum")
            loss = total / ((labels != -100).sum() if num_items_in_batch is None else num_items_in_batch)
            return (loss, outputs) if return_outputs else loss

    return Trainer


def _arguments(settings: TuningSettings, work: Path, longest: int) -> Any:  # noqa: ANN401
    import torch
    from trl import SFTConfig

    every = min(settings.evaluate_every, settings.steps)
    rows = microbatch(settings.batch_size, settings.microbatch_tokens // longest)
    return SFTConfig(
        output_dir=str(work),
        max_steps=settings.steps,
        per_device_train_batch_size=rows,
        per_device_eval_batch_size=rows,
        gradient_accumulation_steps=settings.batch_size // rows,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, settings.steps // 20),
        train_sampling_strategy="sequential",  # in the order drawn by `data_order`
        max_length=None,  # nothing is ever cut: `render` refuses what is too long
        packing=False,
        gradient_checkpointing=False,
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        dataloader_pin_memory=torch.cuda.is_available(),
        eval_strategy="steps",
        eval_steps=every,
        # after a resume, early stopping must count as if there had been no interruption
        eval_on_start=last_checkpoint(work) is None,
        restore_callback_states_from_checkpoint=True,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        logging_steps=max(1, every // 4),
        logging_first_step=True,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
        data_seed=settings.seed,
    )


def _reporter(technique: str, progress: Progress) -> Any:  # noqa: ANN401
    from transformers import TrainerCallback

    class Reporter(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
        """Passes the trainer's steps on."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
            progress(f"tuning {technique}", state.global_step, state.max_steps)

    return Reporter()


def _why_stopped(state: Any) -> str:  # noqa: ANN401
    if state.global_step < state.max_steps:
        return f"early, at step {state.global_step}: the held-out loss stopped falling"
    return f"at the last step, {state.global_step}"
