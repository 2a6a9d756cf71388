"""The tables about training: `[tuning]` and `[data]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from groundtune.settings.table import Principals, Table


class TuningSettings(Table):
    """`[tuning]`: training data and how adapters are trained."""

    # names of files, how memory is used, who is asked as (it shows in the examples), and where, which has its own keys
    not_in_key: ClassVar[frozenset[str]] = frozenset(
        {"examples", "preferences", "corpus", "microbatch_tokens", "retrieve_as", "licence", "where"}
    )
    in_key_if_set: ClassVar[frozenset[str]] = frozenset({"method", "quantize", "frozen_layers"})
    earlier_defaults: ClassVar[Mapping[str, object]] = {"max_length": 1024}  # it refuses, and shapes no adapter

    examples: str = Field("training.jsonl", description="File with the training conversations.")
    preferences: str = Field(
        "preferences.jsonl", description="File with preference pairs, rankings or thumbs, for `preference` and `rlhf`."
    )
    corpus: str = Field(
        "corpus", description="Folder or file with texts, for `domain`. If it is not there: the documents."
    )
    where: Literal["here", "bedrock"] = Field(
        "here",
        description="Where models are tuned: on this machine, or at Amazon Bedrock, where `[model] name` must be a "
        "model of theirs. See [bedrock_tuning.md](bedrock_tuning.md).",
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
        2048, ge=64, description="Maximum length of a conversation, in tokens. Longer ones are rejected, never cut."
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

    accept: list[str] = Field(
        [], description="Gates that need not pass, as with `groundtune tune --accept`; `compare` heeds them too."
    )
    broken_lines: float = Field(0.0, ge=0, le=1, description="Largest share of lines that cannot be used.")
    duplicates: float = Field(0.01, ge=0, le=1, description="Largest share of lines that repeat an earlier one.")
    near_duplicates: float = Field(
        0.05, ge=0, le=1, description="Largest share of lines that nearly repeat an earlier one."
    )
    near_duplicate_similarity: float = Field(
        0.65,
        gt=0.2,
        le=1,
        description="Least similarity of near duplicates, part by part: the share of equal pieces of four characters.",
    )
    contamination: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Largest share of the benchmark's questions that the data gives away, by question or ideal answer.",
    )
    paraphrased_contamination: float = Field(
        0.15,
        ge=0,
        le=1,
        description="Largest share of the benchmark's questions that the data asks in other words.",
    )
    same_question: float = Field(
        0.8, gt=0, le=1, description="Cosine similarity from which two questions ask the same in other words."
    )
    like_question: float = Field(
        0.6,
        gt=0,
        le=1,
        description="Cosine similarity from which two questions ask the same if their answers do so too.",
    )
    same_answer: float = Field(0.9, gt=0, le=1, description="Cosine similarity from which two answers say the same.")
    meaning_sample: int = Field(
        20_000,
        ge=1,
        description="Lines that are compared with the benchmark by meaning, drawn at random if there are more.",
    )
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
        8,
        ge=0,
        description="Questions that `groundtune tune` asks as people of several genders and origins, before and after "
        "tuning: 24 prompts for each. 0 measures nothing. `groundtune compare` does not ask them.",
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
