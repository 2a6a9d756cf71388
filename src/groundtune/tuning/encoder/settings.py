"""`[retrieval.training]`: how `groundtune retrieval train` trains an encoder. Knows no file and no environment."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from groundtune.settings import Table


class EncoderSettings(Table):
    """`[retrieval.training]`: how `groundtune retrieval train` trains the encoder of `[embedding] name`."""

    # `negatives` and `margin` show in the pairs
    not_in_key: ClassVar[frozenset[str]] = frozenset({"negatives", "margin"})

    passes: int = Field(3, ge=1, description="Passes over the pairs of questions and passages, at most.")
    batch_size: int = Field(
        16, ge=2, description="Pairs per optimizer step. A question is also told from the passages of the other pairs."
    )
    learning_rate: float = Field(2e-5, gt=0, description="Peak learning rate, with linear warm-up and decay.")
    negatives: int = Field(
        2, ge=0, description="Passages for each question that are found for it now and do not answer it."
    )
    margin: float = Field(
        0.95,
        gt=0,
        description="A passage that is found counts as another answer, and is not learned from, if its similarity to "
        "the question is more than this share of the answer's. 2 or more turns this off.",
    )
    held_out: int = Field(
        64, ge=1, description="Pairs held out for early stopping: whole groups, at most a fifth of all pairs."
    )
    evaluate_every: int = Field(10, ge=1, description="Steps between evaluations on the held-out pairs.")
    patience: int = Field(3, ge=1, description="Evaluations without improvement before training stops.")
    seed: int = Field(17, description="Random seed for what is held out, the order of the pairs and dropout.")
