"""The tables of `groundtune.toml`: one documented model each, every value with a working default.

A part that needs settings of its own declares a table inside the table that it is given, as raft does with
`[tuning.raft]`: see `groundtune.settings`. Knows no file and no environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from groundtune.secrets import SecretUrl, without_passwords

Inner = TypeVar("Inner", bound="Table")


Principals = Annotated[list[Annotated[str, Field(pattern=r"\S")]], Field(min_length=1)]
"""Names as access lists have them; at least one, none of them blank."""


class Table(BaseModel):
    """Base of the tables: frozen, no key is taken that is not known, and passwords are not shown.

    `not_in_key` names the settings that an adapter, or whatever else is kept under a key, does not depend on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    not_in_key: ClassVar[frozenset[str]] = frozenset()
    _inner: Mapping[str, Table] = PrivateAttr(default_factory=dict)

    def part(self, name: str, kind: type[Inner]) -> Inner:
        """Return the table `name` inside this one, as it is set, or with its defaults.

        >>> class Fast(Table):
        ...     passes: int = 2
        >>> TuningSettings().part("fast", Fast).passes
        2
        """
        inner = self._inner.get(name)
        if inner is None:
            return kind()
        if not isinstance(inner, kind):
            raise TypeError(f"the table `{name}` is declared as {type(inner).__name__}, not as {kind.__name__}")
        return inner

    def with_parts(self, inner: Mapping[str, Table]) -> Self:
        """Return the same table with other tables inside."""
        made = self.model_copy()
        made._inner = dict(inner)
        return made

    def for_key(self) -> str:
        """Return the settings that a key must depend on, as JSON; a password is not one of them."""
        return self.model_dump_json(exclude=set(self.not_in_key))

    @model_serializer(mode="wrap")
    def _without_passwords(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: blanked(value) for name, value in handler(self).items()}

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield from ((name, blanked(value)) for name, value in super().__repr_args__())


def blanked(value: Any) -> Any:  # noqa: ANN401 -- a value as pydantic dumps it
    """Return a value with the passwords in its texts blanked."""
    if isinstance(value, str):
        return without_passwords(value)
    if isinstance(value, dict):
        return {key: blanked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(blanked(each) for each in value)
    return value


class ProjectSettings(Table):
    """`[project]`."""

    name: str = Field("assistant", description="Name of the assistant, shown in reports.")


class ModelSettings(Table):
    """`[model]`: the chat model that is grounded and tuned."""

    name: str = Field(
        "builtin:smollm2-135m-instruct",
        description="builtin:smollm2-135m-instruct, hf:ORG/NAME, path:DIR, openai:MODEL@BASE_URL or "
        "bedrock:MODEL_ID@REGION.",
    )
    max_tokens: int = Field(96, ge=1, description="The longest answer, in tokens.")
    batch_tokens: int = Field(
        16384, ge=256, description="Prompt and answer tokens in one batch: more is faster and takes more memory."
    )
    api_key_variable: str = Field(
        "OPENAI_API_KEY", description="Environment variable that holds the key of an openai: endpoint."
    )
    timeout: float = Field(120.0, gt=0, description="Seconds that an endpoint may take for one reply.")
    concurrency: int = Field(8, ge=1, description="Requests to an endpoint that are under way at once.")


class EmbeddingSettings(Table):
    """`[embedding]`: what turns text into vectors."""

    name: str = Field(
        "builtin:minilm-l6-v2", description="builtin:minilm-l6-v2, hf:ORG/NAME, path:DIR or openai:MODEL@BASE_URL."
    )
    batch_size: int = Field(32, ge=1, description="Texts that are embedded at once.")


class KnowledgeSettings(Table):
    """`[knowledge]`: documents and how they are split, stored and found."""

    documents: str = Field("documents", description="Folder of documents, relative to the project.")
    store: SecretUrl = Field(SecretUrl("lancedb:.groundtune/knowledge"), description="Where chunks are kept.")
    chunk_size: int = Field(450, ge=100, description="The longest chunk, in characters.")
    chunk_overlap: int = Field(0, ge=0, description="Characters that neighbouring chunks of one part share.")
    passages: int = Field(3, ge=1, description="Passages given to the model for a question, and in raft's prompts.")
    candidates: int = Field(30, ge=1, description="Chunks that each of vector and word search proposes for fusion.")
    reranker: str = Field(
        "late:builtin:minilm-l6-v2",
        description="What orders the first of them anew: late:ENCODER, cross:hf:ORG/NAME, cross:path:DIR or none.",
    )
    reranked: int = Field(12, ge=1, description="Passages of the fusion that the reranker reads.")
    readable_by: list[str] = Field(["everyone"], description="Principals that may read documents of this folder.")


class StoreSettings(Table):
    """`[store]`: settings of the stores that have some of their own, a table for each."""


class AssistantSettings(Table):
    """`[assistant]`: how questions are answered."""

    instructions: str = Field(
        "You are the support assistant of {project}. Answer the customer's question in one or two short sentences.",
        description="What the model is told, closed-book and grounded. {project} is the project's name.",
    )
    unknown: str = Field(
        "I do not know. The documents that I have do not answer this question.",
        description="What is said when the documents do not support an answer.",
    )
    history_turns: int = Field(
        4, ge=0, multiple_of=2, description="Earlier messages of the conversation that the model is shown."
    )
    also_unknown: list[str] = Field(
        [], description="Other openings with which an answer says that it does not know, as training data has them."
    )
    min_support: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Answer only if retrieval supports it at least so well. Fitted on the development part if not set.",
    )
    least_answered: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Share of the answerable development questions that the fitted `min_support` must let through.",
    )


class RecordsSettings(Table):
    """`[records]`: where runs are written."""

    url: SecretUrl = Field(SecretUrl("sqlite:///.groundtune/records.db"), description="SQLAlchemy URL.")


class BenchmarkSettings(Table):
    """`[benchmark]`: the expert questions."""

    cases: str = Field("benchmark.jsonl", description="The cases, relative to the project.")
    drafts: str = Field("drafts.jsonl", description="Proposed cases, which nothing uses until an expert approves them.")
    development_share: float = Field(
        0.3, gt=0, lt=1, description="Share of groups that become development where a case names no split."
    )
    draft_as: Principals = Field(
        ["everyone"],
        description="Principals that drafting reads documents as. They become the `asker` of each draft.",
    )


class TuningSettings(Table):
    """`[tuning]`: training data and how adapters are made."""

    # names of files, and how memory is used
    not_in_key: ClassVar[frozenset[str]] = frozenset(
        {"examples", "preferences", "microbatch_tokens", "retrieve_as"}  # who is asked as shows in the examples
    )

    examples: str = Field("training.jsonl", description="Training conversations.")
    preferences: str = Field(
        "preferences.jsonl",
        description="Preference pairs. Nothing is tuned on them yet; `benchmark check` looks for the cases in them.",
    )
    steps: int = Field(240, ge=1, description="The most optimizer steps of instruction tuning.")
    batch_size: int = Field(4, ge=1, description="Conversations in one optimizer step.")
    microbatch_tokens: int = Field(
        1024, ge=64, description="Tokens trained on at once: less takes less memory and gives the same adapter."
    )
    learning_rate: float = Field(5e-4, gt=0, description="Peak learning rate (linear warm-up, cosine decay).")
    rank: int = Field(16, ge=1, description="LoRA rank; alpha is twice as much.")
    max_length: int = Field(1024, ge=64, description="Tokens; longer conversations are refused, never cut.")
    held_out: int = Field(24, ge=1, description="Conversations kept back for early stopping, at most a fifth of all.")
    evaluate_every: int = Field(30, ge=1, description="Steps between two evaluations on the held-out part.")
    patience: int = Field(2, ge=1, description="Evaluations without improvement before training stops.")
    seed: int = Field(17, description="Seed of adapter initialisation and data order.")
    retrieve_as: Principals = Field(
        ["everyone"],
        description="Principals that tuning retrieves passages as. Weights have no access list: whoever may ask the "
        "tuned model may be told what these principals can read.",
    )


class ComparisonSettings(Table):
    """`[comparison]`: how candidates are judged."""

    candidates: list[str] = Field(
        [],
        description="What is compared when nothing is named; base, rag, tuned, tuned+rag, raft and those of plugins if "
        "not set.",
    )
    cases: int | None = Field(
        None, ge=2, description="So many test cases at most, spread over the groups; all of them if not set."
    )
    decide_by: str = Field("resolution", description="The scorer that the recommendation rests on.")
    resamples: int = Field(10_000, ge=1000, description="Random draws of tests, and of corpus BLEU's intervals.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Coverage of the intervals.")
    margin: float = Field(0.02, gt=0, description="Differences below this do not matter (equivalence margin).")
    repeat: str | None = Field(
        None, description="Candidate that is run twice: differences as small as its own are not called better."
    )
    latency_cases: int = Field(5, ge=1, description="Questions asked one at a time to measure latency.")
    seed: int = Field(17, description="Seed of what is drawn at random.")
    also_score: list[str] = Field(
        [], description="Scorers that are not among those of every comparison, such as answer_relevance."
    )
    rouge_stem: bool = Field(False, description="ROUGE compares English words without their endings (Porter).")
    rouge_tokens: Literal["ascii", "unicode"] = Field(
        "ascii", description="Words that ROUGE counts: ascii as rouge-score does, or unicode for any script."
    )
    bertscore_model: str = Field("builtin:minilm-l6-v2", description="Encoder for BERTScore, named like [embedding].")
    bertscore_layer: int | None = Field(None, description="Encoder layer; the last one if not set.")
    bertscore_idf: bool = Field(False, description="Word pieces that few of the ideal answers have weigh more.")
    bertscore_baseline: str | list[float] | None = Field(
        None,
        description="Rescale BERTScore: a baseline file as bert-score has them, or the three values for P, R and F1.",
    )


class HumanSettings(Table):
    """`[human]`: what raters are given."""

    cases: int = Field(40, ge=1, description="Cases that are rated in all, spread over the groups.")
    overlap: int = Field(10, ge=0, description="So many of them go to every rater, to measure agreement.")
    answers: int | None = Field(
        None, ge=1, le=26, description="Answers shown to a question; those of all candidates if not set."
    )
    attention: float = Field(
        0.1, ge=0, le=0.5, description="Share of attention items, on top of a rater's cases; rounded up."
    )
    repeats: float = Field(0.1, ge=0, le=0.5, description="Share of a rater's cases shown again later; rounded up.")
    seed: int = Field(17, description="Seed of assignments and of unexpected queries.")


class JudgeSettings(Table):
    """`[judge]`: chat models that grade answers, and how far they are trusted."""

    models: list[str] = Field(
        [], description="Judges, named like `[model] name`; several make a panel. Nothing is judged without one."
    )
    rubrics: str | None = Field(
        None, description="File with your own rubrics (TOML), relative to the project; the shipped ones if not set."
    )
    rationale_tokens: int = Field(
        0, ge=0, description="The longest reasoning that a judge writes before it chooses, in tokens; 0 for none."
    )
    api_key_variables: list[str] = Field(
        ["OPENAI_API_KEY"],
        min_length=1,
        description="Environment variables with the keys of openai: judges: one for all, or one for each of `models`.",
    )
    timeout: float = Field(60.0, gt=0, description="Seconds that a judge may take for one reply.")
    concurrency: int = Field(8, ge=1, description="Requests to each judge that are under way at once.")
    price_in: float | None = Field(None, ge=0, description="Price of a million tokens that a judge reads.")
    price_out: float | None = Field(None, ge=0, description="Price of a million tokens that a judge writes.")
    least_agreement: float = Field(
        0.6,
        ge=-1,
        le=1,
        description="Quadratic-weighted kappa with human ratings below which a judge is kept out of recommendations.",
    )

    @model_validator(mode="after")
    def _one_key_or_one_each(self) -> Self:
        if len(self.api_key_variables) not in (1, len(self.models)):
            raise ValueError("name one variable for all judges, or one for each of `models`")
        return self


class Settings(Table):
    """The whole of `groundtune.toml`."""

    project: ProjectSettings = ProjectSettings()
    model: ModelSettings = ModelSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    store: StoreSettings = StoreSettings()
    assistant: AssistantSettings = AssistantSettings()
    records: RecordsSettings = RecordsSettings()
    benchmark: BenchmarkSettings = BenchmarkSettings()
    tuning: TuningSettings = TuningSettings()
    comparison: ComparisonSettings = ComparisonSettings()
    human: HumanSettings = HumanSettings()
    judge: JudgeSettings = JudgeSettings()

    def part(self, name: str, kind: type[Inner]) -> Inner:
        """Return a table inside a table: `part("tuning.raft", RaftSettings)`; see `Table.part`."""
        table, _, inner = name.partition(".")
        outer: Table = getattr(self, table)
        return outer.part(inner, kind)
