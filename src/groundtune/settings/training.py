"""The tables about training: `[tuning]` and `[data]`."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from groundtune.settings.table import Principals, Table


class TuningSettings(Table):
    """`[tuning]`: training data and how adapters are trained."""

    # names of files, and how memory is used
    not_in_key: ClassVar[frozenset[str]] = frozenset(
        {"examples", "preferences", "microbatch_tokens", "retrieve_as"}  # who is asked as shows in the examples
    )

    examples: str = Field("training.jsonl", description="File with the training conversations.")
    preferences: str = Field(
        "preferences.jsonl",
        description="File with preference pairs, not yet used for tuning. `benchmark check` looks for leaks in it.",
    )
    steps: int = Field(240, ge=1, description="Maximum optimizer steps for instruction tuning.")
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

    allowed: list[str] = Field(
        [],
        description="Texts that are not personal data although they look like it: a hotline's number, a product that "
        'is called like a person, "@shop.com" for all addresses there. What stands in the documents is allowed anyway.',
    )
    personal_data: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Largest share of lines with cards, accounts, addresses, phone or identity numbers.",
    )
    names: float = Field(
        0.02, ge=0, le=1, description="Largest share of lines with names of people that are not in the documents."
    )
    names_sample: int = Field(
        2000, ge=1, description="Lines in which names of people are looked for, drawn at random if there are more."
    )
    toxic: float = Field(
        0.001,
        ge=0,
        le=1,
        description="Largest share of lines with toxic words, and of lines that the model holds toxic.",
    )
    secrets: float = Field(0.0, ge=0, le=1, description="Largest share of lines with keys or passwords.")
    toxicity_model: str = Field(
        "",
        description="Text classifier that looks for toxic content besides the list of words: `path:DIR` or "
        "`hf:ORG/NAME`. Only safetensors are loaded.",
    )
    toxicity_labels: list[str] = Field(
        [], description="Labels of that model that mean toxic. Empty: those whose names say so."
    )
    toxicity: float = Field(0.5, gt=0, le=1, description="Probability from which that model's verdict counts.")
    model_sample: int = Field(
        2000, ge=1, description="Lines that a model of a gate is given, drawn at random if there are more."
    )
    labels: float = Field(
        0.05, ge=0, le=1, description="Largest share of lines with a doubtful label, in data whose answers are labels."
    )
    labels_sample: int = Field(
        20_000, ge=100, description="Lines whose labels are checked, drawn at random if there are more."
    )
    swapped: float = Field(
        0.05, ge=0, le=1, description="Largest share of preference pairs whose answers look swapped."
    )
    relevance: float = Field(
        0.5,
        description="Relevance from which a line belongs to the task: 0 is how like two passages of the documents are, "
        "1 how like a question is to the nearest passage.",
    )
    irrelevant: float = Field(0.2, ge=0, le=1, description="Largest share of irrelevant lines.")
    contradictions: float = Field(
        0.01, ge=0, le=1, description="Largest share of lines that contradict another line or a document they name."
    )
