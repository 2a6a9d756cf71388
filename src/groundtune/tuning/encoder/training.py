"""One training run of an encoder: load it, draw the batches of the whole run, train with early stopping on held-out
pairs, keep the best step, check that serving gives the vectors that were trained, write it with manifest and card.

A question is drawn to its passage and away from the passages that were found and do not answer it, and from those of
the other questions in the batch. An interrupted run goes on from its last checkpoint, with the batches that an
uninterrupted one would have had.

Source: van den Oord et al. 2018, arXiv 1807.03748 (InfoNCE); Henderson et al. 2017, arXiv 1705.00652 (the passages of a
batch as negatives); Gao et al. 2021, arXiv 2101.06983 (a batch in parts, with the gradients of the whole): all as in
sentence-transformers' `CachedMultipleNegativesRankingLoss`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from groundtune import extras
from groundtune.encoders import prompt_of, sentence_transformers
from groundtune.errors import InputError, TuningError
from groundtune.files import full_disk, replacing
from groundtune.machine import hardware
from groundtune.protocols import Progress, Vectors, silent
from groundtune.tuning.adapters import Manifest, file_hashes, read_manifest, verify, write_manifest
from groundtune.tuning.card import write_card
from groundtune.tuning.checkpoints import Stopwatch, evaluating, last_checkpoint, work_folder
from groundtune.tuning.encoder.pairs import QuestionPair, batches, filled, hold_out_groups, pairs_hash, row
from groundtune.tuning.encoder.settings import EncoderSettings
from groundtune.tuning.model import in_full_precision
from groundtune.tuning.training import loss_curve, reporter, why_stopped
from groundtune.values import digest

TECHNIQUE = "encoder"
PACKAGES = ("torch", "transformers", "sentence-transformers")
AT_ONCE = 8  # texts that are read at once, whatever the batch
CHECKED = 16  # texts of each kind whose vectors are compared
TOLERANCE = 1e-3  # largest difference between two vectors of length 1, in one of their numbers
SAME_LOSS = 1e-3  # largest difference between the best loss and that of the encoder that is kept, in nats or as a share

EmbedServed = Callable[[Path, Sequence[str], Literal["query", "document"]], Vectors]
"""Embeds texts with the encoder in a folder, as serving does: (texts, d), rows of length 1."""


@dataclass(frozen=True, slots=True)
class EncoderJob:
    """One training run. `base` is what `[embedding] name` calls the encoder in `folder`, `weights` the hash of its
    files; texts are cut after `max_tokens` word pieces, where it does so by itself if None.

    For the manifest: `record` tells the settings with their origins, `counts` what became of the data; `licences` are
    those of the encoder and of the data, "" where they are not known.
    """

    base: str
    weights: str
    folder: Path
    max_tokens: int | None
    pairs: Sequence[QuestionPair]
    settings: EncoderSettings
    embed: EmbedServed
    record: Mapping[str, object] = field(default_factory=dict)
    counts: Mapping[str, object] = field(default_factory=dict)
    licences: tuple[str, str] = ("", "")

    @property
    def key(self) -> str:
        """Identifies all that the encoder depends on."""
        limit = str(self.max_tokens)
        return digest(TECHNIQUE, self.base, self.weights, limit, pairs_hash(self.pairs), self.settings.for_key())


@dataclass(frozen=True, slots=True)
class _Data:
    """The pairs on either side, the batches of the whole run and of an evaluation, and how many negatives were drawn at
    random."""

    training: Sequence[QuestionPair]
    held_out: Sequence[QuestionPair]
    batches: list[list[int]]
    evaluation: list[list[int]]
    random_negatives: int

    @classmethod
    def of(cls, job: EncoderJob) -> _Data:
        rng, settings = np.random.default_rng(job.settings.seed), job.settings
        pairs, drawn = filled(job.pairs, settings.negatives, rng)
        training, held_out = hold_out_groups(pairs, settings.held_out, rng)
        order = batches(training, settings.batch_size, settings.passes, rng)
        return cls(training, held_out, order, batches(held_out, settings.batch_size, 1), drawn)


def train_encoder(job: EncoderJob, folder: Path, progress: Progress = silent) -> Manifest:
    """Train an encoder into `folder` and return its manifest; one that was made by the same job is kept.

    Raises `InputError` where another encoder is in the folder, `TuningError` for pairs that cannot teach, and
    `NotInstalled` without the `local` extra.
    """
    if (known := read_manifest(folder)) is not None:
        return _same(known, job, folder)
    data = _Data.of(job)
    work = work_folder(folder, job.key)
    stopwatch = Stopwatch(work)
    model = _loaded(job)
    trainer = _trainer(job, model, data, work, [reporter("the encoder", progress, stopwatch)])
    with full_disk(work):
        trainer.train(resume_from_checkpoint=last_checkpoint(work))
    _refuse_another_step(trainer)
    model, state = in_full_precision(trainer.model).eval(), trainer.state
    with replacing(folder) as place:
        model.save_pretrained(str(place), create_model_card=False)
        checks = _checked(job, model, data, place)
        manifest = _manifest(job, data, model, state, stopwatch)
        measures = {**manifest.measures, "checks": checks}
        manifest = replace(manifest, files=file_hashes(place), measures=measures)
        write_card(place, folder.name, manifest, job.licences)
        write_manifest(place, manifest)
    shutil.rmtree(work.parent)
    return manifest


def _same(known: Manifest, job: EncoderJob, folder: Path) -> Manifest:
    """Return the manifest of an encoder that is there. Raises `InputError` if it is not what the job makes."""
    if known.key != job.key:
        raise InputError(
            "holds an encoder that was trained from other pairs, settings or weights.",
            place=folder,
            remedy="Choose another name, or delete the folder if no index uses it.",
        )
    verify(folder)
    return known


def _loaded(job: EncoderJob) -> Any:  # noqa: ANN401 -- sentence_transformers is optional and has no stubs
    """Return the encoder to be trained: a copy of its own, as others may be embedding with the one in memory."""
    model = sentence_transformers().SentenceTransformer(str(job.folder), local_files_only=True)
    if job.max_tokens is not None:
        model.max_seq_length = job.max_tokens
    return model


def _trainer(
    job: EncoderJob,
    model: Any,  # noqa: ANN401
    data: _Data,
    work: Path,
    callbacks: Sequence[Any],
) -> Any:  # noqa: ANN401
    try:
        from datasets import Dataset
        from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
        from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss
        from torch.utils.data import DataLoader
        from transformers import EarlyStoppingCallback, PrinterCallback
        from transformers.trainer_utils import set_seed
    except ImportError as error:
        raise extras.not_installed("local", "training an encoder", error) from None

    class EncoderTrainer(SentenceTransformerTrainer):  # type: ignore[misc]  # sentence_transformers is untyped here
        """The trainer on batches that are drawn already, without a model card of its own."""

        def get_train_dataloader(self) -> Any:  # noqa: ANN401
            return self._batched(self.train_dataset, data.batches)

        def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:  # noqa: ANN401
            return self._batched(self.eval_dataset, data.evaluation)

        def _batched(self, dataset: Any, drawn: list[list[int]]) -> Any:  # noqa: ANN401
            loader = DataLoader(dataset, batch_sampler=drawn, collate_fn=self.data_collator)
            return self.accelerator.prepare(loader)

        def add_model_card_callback(self, default_args_dict: Any) -> None:  # noqa: ANN401
            """Add none: it would look for the encoder on the hub."""

    set_seed(job.settings.seed)
    prompts = {name: prompt_of(model, "document") for name in row(data.training[0])}
    arguments = _arguments(job.settings, work, len(data.batches))
    arguments["prompts"] = {**prompts, "question": prompt_of(model, "query")}
    trainer = EncoderTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(**arguments),
        train_dataset=Dataset.from_list([row(pair) for pair in data.training]),
        eval_dataset=Dataset.from_list([row(pair) for pair in data.held_out]),
        loss=CachedMultipleNegativesRankingLoss(model, mini_batch_size=AT_ONCE),
        callbacks=[EarlyStoppingCallback(job.settings.patience), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)  # it prints every log entry on stdout
    return trainer


def _arguments(settings: EncoderSettings, work: Path, steps: int) -> dict[str, Any]:
    import torch

    every = min(settings.evaluate_every, steps)
    return {
        "output_dir": str(work),
        "max_steps": steps,
        "per_device_train_batch_size": settings.batch_size,
        "per_device_eval_batch_size": settings.batch_size,
        "learning_rate": settings.learning_rate,
        "warmup_steps": max(1, steps // 10),
        "bf16": torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        "dataloader_pin_memory": torch.cuda.is_available(),
        **evaluating(work, every, "eval_loss", greater_is_better=False),
        "logging_steps": every,
        "logging_first_step": True,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": settings.seed,
        "data_seed": settings.seed,
    }


def _refuse_another_step(trainer: Any) -> None:  # noqa: ANN401
    """Raise `TuningError` unless the trainer has the best step: it goes on with the last where it cannot load that."""
    best, loss = trainer.state.best_metric, trainer.evaluate()["eval_loss"]
    trainer.state.log_history.pop()  # no point of the curve
    if best is None or not abs(loss - best) <= SAME_LOSS * max(best, 1.0):
        raise TuningError(
            f"the best step had a held-out loss of {best}, but the encoder that was loaded has {loss:.4f}.",
            remedy="Train again. If it happens again, report it with the versions of torch and sentence-transformers.",
        )


def _checked(job: EncoderJob, model: Any, data: _Data, folder: Path) -> dict[str, float]:  # noqa: ANN401
    """Return the largest difference between what was trained and what serving makes of the folder.

    Raises `TuningError` where it is more than rounding: pooling, prompts or the place where texts are cut are others.
    """
    largest = 0.0
    samples: dict[Literal["query", "document"], list[str]] = {
        "query": [pair.question for pair in data.held_out[:CHECKED]],
        "document": [pair.passage for pair in data.held_out[:CHECKED]],
    }
    for kind, texts in samples.items():
        told = {"prompt": prompt_of(model, kind), "normalize_embeddings": True, "show_progress_bar": False}
        served = job.embed(folder, texts, kind)
        largest = max(largest, float(np.abs(model.encode(texts, **told) - served).max()))
    if not largest <= TOLERANCE:  # not a number is not within it either
        raise TuningError(
            f"the encoder is not what was trained: loaded again, its vectors differ by {largest:.2g} (at most "
            f"{TOLERANCE:g} is rounding).",
            place=folder,
            remedy="Train again. If it happens again, report it with the versions of torch and sentence-transformers.",
        )
    return {"reload": largest}


def _manifest(
    job: EncoderJob,
    data: _Data,
    model: Any,  # noqa: ANN401
    state: Any,  # noqa: ANN401
    stopwatch: Stopwatch,
) -> Manifest:
    loss = loss_curve(state.log_history)
    before = next((point.held_out for point in loss if point.step == 0 and point.held_out is not None), None)
    sizes = {"training": len(data.training), "held_out": len(data.held_out)}
    sides = {"training_hash": pairs_hash(data.training), "held_out_hash": pairs_hash(data.held_out)}
    return Manifest(
        key=job.key,
        technique=TECHNIQUE,
        base_model=job.base,
        base_weights=job.weights,
        data={**sizes, **sides, "random_negatives": data.random_negatives, **job.counts},
        settings=dict(job.record),
        versions={package: version(package) for package in PACKAGES},
        tokens=_pieces(model, data, state.global_step),
        seconds=round(stopwatch.seconds, 1),
        stopped=why_stopped(state),
        best_step=state.best_global_step,
        loss=loss,
        kind="encoder",
        hardware=dict(hardware()),
        measures={"held_out_loss_of_the_base": before, "held_out_loss": state.best_metric},
    )


def _pieces(model: Any, data: _Data, steps: int) -> int:  # noqa: ANN401
    """Return how many word pieces were read in so many steps, padding and prompts aside."""
    seen = [text for batch in data.batches[:steps] for index in batch for text in row(data.training[index]).values()]
    lengths = {text: _length(model.preprocess([text])) for text in set(seen)}
    return sum(lengths[text] for text in seen)


def _length(features: Mapping[str, Any]) -> int:
    mask = features.get("attention_mask")
    return int(features["input_ids"].numel() if mask is None else mask.sum())
