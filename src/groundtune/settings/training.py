"""The tables about training: `[tuning]` and `[data]`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from groundtune.settings.table import Principals, Table


class TuningSettings(Table):
    """`[tuning]`: training data and how adapters are trained."""

    # names of files, and how memory is used
    not_in_key: ClassVar[frozenset[str]] = frozenset(
        # who is asked as shows in the examples
        {"examples", "preferences", "corpus", "microbatch_tokens", "retrieve_as", "licence"}
    )
    in_key_if_set: ClassVar[frozenset[str]] = frozenset({"method", "quantize", "frozen_layers"})

    examples: str = Field("training.jsonl", description="File with the training conversations.")
    preferences: str = Field(
        "preferences.jsonl", description="File with preference pairs, rankings or thumbs, for `preference` and `rlhf`."
    )
    corpus: str = Field(
        "corpus", description="Folder or file with texts, for `domain`. If it is not there: the documents."
    )
    licence: str = Field("", description="Licence of the training data, for the model card.")
    method: Literal["lora", "full"] = Field(
        "lora",
        description="What is trained: lora trains an adapter, full all weights of the model. For full, set a learning "
        "rate of about a tenth.",
    )
    quantize: Literal["none", "4bit"] = Field(
        "none", description="How the model is held while an adapter is trained. 4bit needs an NVIDIA GPU."
    )
    frozen_layers: int = Field(0, ge=0, description="Number of layers, from below, that are not trained.")
    steps: int = Field(240, ge=1, description="Maximum optimizer steps, for techniques without a setting of their own.")
    batch_size: int = Field(4, ge=1, description="Conversations per optimizer step.")
    microbatch_tokens: int = Field(
        1024,
        ge=64,
        description="Tokens processed at once during training. Less needs less memory and gives the same adapter.",
    )
    learning_rate: float = Field(5e-4, gt=0, description="Peak learning rate, with linear warm-up and cosine decay.")
    rank: int = Field(16, ge=1, description="LoRA rank. Alpha is twice the rank.")
    max_length: int = Field(
        1024, ge=64, description="Maximum length of a conversation, in tokens. Longer ones are rejected, never cut."
    )
    held_out: int = Field(24, ge=1, description="Conversations held out for early stopping, at most a fifth of all.")
    evaluate_every: int = Field(30, ge=1, description="Steps between evaluations on the held-out conversations.")
    patience: int = Field(2, ge=1, description="Evaluations without improvement before training stops.")
    seed: int = Field(17, description="Random seed for adapter initialisation and data order.")
    retrieve_as: Principals = Field(
        ["everyone"],
        description="Principals that tuning retrieves passages as. A model has no access list: anyone who may ask the "
        "tuned model may learn what these principals can read.",
    )


class DataSettings(Table):
    """`[data]`: what training data must be like. Each gate has a threshold here; see docs/data.md."""
