"""Learning from conversations: next tokens of the assistant's turns, by TRL's supervised trainer.

Knows nothing of documents and prompts: techniques differ in the conversations that they train on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.errors import TuningError
from groundtune.models.templates import Rendered, training_ids, turn_ends
from groundtune.settings import TuningSettings
from groundtune.tuning._fast import faster
from groundtune.tuning._loss import labelled_loss, split
from groundtune.tuning.examples import data_hash, hold_out
from groundtune.tuning.objective import IGNORED, LOSS, Construction, Metric, Rows, ServedPrompt, TokenRow
from groundtune.values import Example

SAMPLES = 4  # held-out rows on which the logits of adapters are compared
PROMPTS = 32  # held-out conversations of which the prompts are


@dataclass(frozen=True, slots=True)
class Conversations:
    """The objective: loss on the assistant's turns of `examples`, some of which are held out."""

    examples: Sequence[Example]
    metric: Metric = LOSS

    @property
    def data_hash(self) -> str:
        """See `Objective`."""
        return data_hash(self.examples)

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Render the conversations. Raises `TuningError` rather than cut one short."""
        parts = hold_out(self.examples, settings.held_out, np.random.default_rng(settings.seed))
        ends = turn_ends(tokenizer, model)
        training, held_out = (render(tokenizer, part, settings.max_length, ends) for part in parts)
        return Rows(
            [_columns(row) for row in training],
            [_columns(row) for row in held_out],
            [len(row.input_ids) for row in training],
            [row.input_ids for row in held_out[:SAMPLES]],
            [
                ServedPrompt(example.messages[:-1], row.input_ids, example.tools)
                for example, row in zip(parts[1][:PROMPTS], held_out, strict=False)
            ],
            supervised=True,
        )

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return TRL's supervised trainer with a loss that computes only what is needed."""
        return supervised_trainer(construction)


def supervised_trainer(construction: Construction) -> Any:  # noqa: ANN401
    """Return a trainer on rows of `input_ids` and `labels`. Nothing is cut, packed or dropped by it."""
    from trl import SFTConfig

    # a batch is split by `training_step`, by tokens and not by rows, so that short rows go together
    whole = {"per_device_train_batch_size": construction.batch_size, "gradient_accumulation_steps": 1}
    arguments = SFTConfig(**{**construction.arguments, **whole}, max_length=None, packing=False)
    longest = max(len(ids) for ids in construction.given["train_dataset"]["input_ids"])
    trainer = _trainer_class()(args=arguments, **construction.given)
    trainer.tokens_at_once = construction.rows * longest
    faster(trainer.model)
    return trainer


def render(
    tokenizer: Any,  # noqa: ANN401
    examples: Sequence[Example],
    max_length: int,
    ends: Collection[int] | None = None,
) -> list[Rendered]:
    """Return token ids and labels of every conversation; `ends` are the tokens that may end a turn.

    Raises `TuningError` rather than cut one short.
    """
    rows = [training_ids(tokenizer, example.messages, ends, example.tools) for example in examples]
    refuse_long([len(row.input_ids) for row in rows], max_length, "training conversations")
    return rows


def refuse_long(lengths: Sequence[int], max_length: int, what: str) -> None:
    """Raise `TuningError` where any of `lengths`, in tokens, is above `max_length`."""
    longest = max(lengths)
    if longest > max_length:
        too_long = sum(length > max_length for length in lengths)
        raise TuningError(
            f"{too_long} of {len(lengths)} {what} are longer than {max_length} tokens (the longest has {longest}).",
            remedy=f"Set `[tuning] max_length` to {longest}, or shorten them.",
        )


def _columns(row: Rendered) -> TokenRow:
    return {"input_ids": row.input_ids, "labels": row.labels}


def _trainer_class() -> Any:  # noqa: ANN401
    from trl import SFTTrainer

    class Trainer(SFTTrainer):  # type: ignore[misc]  # trl is untyped here
        """Computes only what some label needs.

        Prompts with passages are 15 times as long as their answers, and without a GPU TRL computes logits everywhere:
        two fifths of the time of a step.
        """

        tokens_at_once: int

        def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:  # noqa: ANN401
            """Return the loss of a batch, part by part; its gradients are those of the whole."""
            number = (inputs["labels"][:, 1:] != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
            loss = 0.0
            for part in split(model, inputs, self.tokens_at_once):
                loss += super().training_step(model, part, number)
            return loss

        def compute_loss(
            self,
            model: Any,  # noqa: ANN401
            inputs: Any,  # noqa: ANN401
            return_outputs: bool = False,
            num_items_in_batch: Any = None,  # noqa: ANN401
        ) -> Any:  # noqa: ANN401
            """Return the sum of the labels' losses over their number in the batch."""
            loss = labelled_loss(model, inputs, num_items_in_batch)
            return (loss, {}) if return_outputs else loss  # nothing asks for the outputs

    return Trainer
