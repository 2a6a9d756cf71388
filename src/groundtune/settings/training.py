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

    annotator_agreement: float = Field(
        0.2,
        ge=-1,
        le=1,
        description="Least agreement of annotators beyond chance, as Krippendorff's alpha. Pairs of answers to open "
        "questions seldom reach 0.5.",
    )
    careless_annotators: int = Field(
        0, ge=0, description="How many annotators may rate without regard to the items, or against all others."
    )
    biased_annotators: int = Field(
        0, ge=0, description="How many annotators may favour the answer shown first, or the longer answer."
    )
    drifting_annotators: int = Field(
        0, ge=0, description="How many annotators may agree with the others less, or more, in later lines."
    )
    most_of_one_gender: float = Field(
        0.85,
        gt=0,
        le=1,
        description="Largest share that one gender may have of the lines that mention any. The gate fails if a test "
        "shows a larger share.",
    )
    most_of_one_group: float = Field(
        0.95,
        gt=0,
        le=1,
        description="The same for one origin, and for one religion.",
    )
    association: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Largest difference between groups of people in how often they meet refusals, negative words or "
        "bad verdicts. The gate fails if a test shows a difference, and it is larger.",
    )
    amplification: float = Field(
        0.1,
        ge=0,
        le=1,
        description="By how much tuning may widen differences between groups in the model's answers, measured with "
        "swapped names, genders and origins.",
    )
    swap_questions: int = Field(
        24, ge=0, description="Questions that names, genders and origins are swapped in, before and after tuning."
    )
