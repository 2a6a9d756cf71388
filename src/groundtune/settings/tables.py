"""The tables of `groundtune.toml`: one documented model each, every value with a working default.

A part that needs settings of its own declares a table inside the table that it is given, as raft does with
`[tuning.raft]`: see `groundtune.settings`. Knows no file and no environment.
"""

from __future__ import annotations

from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from groundtune.secrets import SecretUrl
from groundtune.settings.actions import ActionsSettings
from groundtune.settings.retrieval import RetrievalSettings
from groundtune.settings.table import Inner, Principals, Table
from groundtune.settings.training import DataSettings, TuningSettings
from groundtune.values import LEGS, Leg, MediaKind

ON_THIS_MACHINE = ("builtin:", "hf:", "path:")
"""How the names of models begin that run here, in this process."""


class ProjectSettings(Table):
    """`[project]`."""

    name: str = Field("assistant", description="Name of the assistant, shown in reports.")


class ModelSettings(Table):
    """`[model]`: the chat model that is grounded and tuned."""

    name: str = Field(
        "builtin:smollm2-135m-instruct",
        description="Chat model: builtin:smollm2-135m-instruct, hf:ORG/NAME, path:DIR, openai:MODEL@BASE_URL, or "
        "bedrock:MODEL_ID@REGION.",
    )
    max_tokens: int = Field(96, ge=1, description="Maximum length of an answer, in tokens.")
    batch_tokens: int = Field(
        16384,
        ge=256,
        description="Maximum tokens per batch, prompts and answers together. More is faster and needs more memory.",
    )
    api_key_variable: str = Field(
        "OPENAI_API_KEY", description="Environment variable with the API key for an openai: endpoint."
    )
    timeout: float = Field(120.0, gt=0, description="Maximum time for one reply from an endpoint, in seconds.")
    concurrency: int = Field(8, ge=1, description="Maximum concurrent requests to an endpoint.")


class EmbeddingSettings(Table):
    """`[embedding]`: the model that turns text into vectors."""

    name: str = Field(
        "builtin:minilm-l6-v2",
        description="Embedding model: builtin:minilm-l6-v2, hf:ORG/NAME, path:DIR, openai:MODEL@BASE_URL, or "
        "bedrock:MODEL_ID@REGION (Titan, Cohere Embed).",
    )
    image: str = Field(
        "",
        description="Encoder of pictures, which are then found by what they show: hf:ORG/NAME or path:DIR (CLIP and "
        "its kin), or bedrock:MODEL_ID@REGION (Titan multimodal). If empty, only the words in pictures are found.",
    )
    sound: str = Field(
        "",
        description="Encoder of recordings, which are then found by a recording that sounds alike: hf:ORG/NAME or "
        "path:DIR (CLAP, or Whisper for CTranslate2), builtin:whisper-base or builtin:whisper-tiny-en.",
    )
    batch_size: int = Field(32, ge=1, description="Texts per batch.")
    precision: Literal["float32", "int8"] = Field(
        "float32",
        description="float32, or int8: faster and a little less exact, for models of BERT's shape on a processor.",
    )

    @property
    def media(self) -> tuple[MediaKind, ...]:
        """The kinds of files that are embedded: those whose encoder is named."""
        return tuple(kind for kind in get_args(MediaKind) if getattr(self, kind))


class SourceSettings(Table):
    """An entry of `[[knowledge.sources]]`: an address, and what holds for its documents where no rule says more."""

    url: str = Field(description="Address: s3://BUCKET/PREFIX, or that of a sitemap.")
    readable_by: list[str] | None = Field(None, description="Principals who may read its documents.")
    metadata: dict[str, str] = Field({}, description="Metadata of its documents.")

    @model_validator(mode="before")
    @classmethod
    def _of_address(cls, value: Any) -> Any:  # noqa: ANN401 -- what a file says
        """Take a bare address; say which key is unknown, as the place of this table cannot be named."""
        if isinstance(value, dict) and (unknown := sorted(value.keys() - cls.model_fields)):
            raise ValueError(f"unknown key `{unknown[0]}`; known are {', '.join(cls.model_fields)}")
        return {"url": value} if isinstance(value, str) else value


class KnowledgeSettings(Table):
    """`[knowledge]`: how documents are split, stored and searched."""

    documents: str = Field("documents", description="Folder with the documents, relative to the project.")
    sources: list[SourceSettings] = Field(
        [],
        description="Documents elsewhere: s3://BUCKET/PREFIX, or the address of a sitemap. As tables, they say who may "
        "read them; see files.md.",
    )
    store: SecretUrl = Field(SecretUrl("lancedb:.groundtune/knowledge"), description="URL of the knowledge store.")
    chunk_size: int = Field(450, ge=100, description="Maximum length of a chunk, in characters.")
    chunk_overlap: int = Field(0, ge=0, description="Overlap of neighbouring chunks, in characters.")
    passages: int = Field(3, ge=1, description="Passages given to the model per question, also in RAFT prompts.")
    candidates: int = Field(30, ge=1, description="Chunks that vector search and word search each propose.")
    search: Literal["hybrid", "vectors", "words"] = Field(
        "hybrid",
        description="What finds chunks: vectors (by meaning), words, or hybrid (both, fused by rank).",
    )
    reranker: str = Field(
        "none",
        description="Reranker for the top passages: cross:hf:ORG/NAME, cross:path:DIR, late:ENCODER, or none.",
    )
    reranked: int = Field(12, ge=1, description="Number of top passages to rerank.")
    rewrite: Literal["none", "rule", "model"] = Field(
        "rule",
        description="What a question after others is searched with: none (its own words), rule (the user's turn "
        "before it and its own words), or model (a stand-alone question that `[model]` writes, else the rule).",
    )
    near_duplicates: float = Field(
        0,
        ge=0,
        le=1,
        description="Share of their pairs of words from which on two passages count as the same, as 0.95, so that "
        "only the better one is returned. Passages with different figures are never the same. 0: all are returned.",
    )
    widen: Literal["none", "tables", "neighbours", "section"] = Field(
        "tables",
        description="What a passage takes in before it is given to the model: none, tables (the rows of tables right "
        "behind and before it), neighbours (the text around it), or section (the text around it below the same "
        "heading).",
    )
    widen_to: int = Field(1200, ge=100, description="Maximum length of a widened passage, in characters.")
    readable_by: list[str] = Field(
        ["everyone"], description="Principals who may read the documents, where no rule or source says otherwise."
    )
    keep_revisions: int = Field(
        5, ge=0, description="Earlier revisions of a document whose text is kept, for answers that cite them."
    )
    read_apart: bool = Field(
        True, description="Read documents in a process of its own, with limits, so that a harmful one does no harm."
    )
    read_seconds: float = Field(
        120,
        gt=0,
        description="Longest time that reading a document may take, or a part by OCR or transcription, in seconds.",
    )
    read_memory_mb: float = Field(
        2000, gt=0, description="Most memory that reading a document may take, in megabytes (not on Windows)."
    )
    file_mb: float = Field(200, gt=0, description="Largest file that is read, and most text taken of it, in megabytes.")
    ocr: Literal["auto", "tesseract", "rapidocr", "off"] = Field(
        "auto", description="What reads scanned pages and pictures. auto: Tesseract where installed, else RapidOCR."
    )
    ocr_languages: list[str] = Field(
        ["eng"], min_length=1, description='Languages of pages and pictures, as Tesseract calls them, such as "deu".'
    )
    page_seconds: float = Field(90, gt=0, description="Longest time that OCR may take for a page, in seconds.")
    transcription: str = Field(
        "auto",
        description="Whisper model for recordings, converted for CTranslate2: builtin:whisper-base, "
        "builtin:whisper-tiny-en, hf:ORG/NAME, path:DIR, or off. auto: a built-in one where it is installed.",
    )
    least_confidence: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Confidence of OCR and transcription below which a place is marked as poorly legible or audible.",
    )

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The ways that are searched."""
        return LEGS if self.search == "hybrid" else (self.search,)

    def for_recognition(self) -> KnowledgeSettings:
        """Return only what OCR and transcription need, for another process: without addresses and passwords."""
        return KnowledgeSettings(
            ocr=self.ocr,
            ocr_languages=self.ocr_languages,
            page_seconds=self.page_seconds,
            transcription=self.located(self.transcription),
        )

    @model_validator(mode="after")
    def _each_source_once(self) -> Self:
        urls = [each.url for each in self.sources]
        if twice := next((url for url in urls if urls.count(url) > 1), None):
            raise ValueError(f"`sources` names {twice} twice")
        return self


class StoreSettings(Table):
    """`[store]`: settings of individual stores, one table per store."""


class AssistantSettings(Table):
    """`[assistant]`: how questions are answered."""

    instructions: str = Field(
        "You are the support assistant of {project}. Answer the customer's question in one or two short sentences.",
        description="Instructions for the model, closed-book and grounded. {project} stands for the project's name.",
    )
    unknown: str = Field(
        "I do not know. The documents that I have do not answer this question.",
        description="Answer given when the documents do not support one.",
    )
    history_turns: int = Field(
        4, ge=0, multiple_of=2, description="Number of earlier messages in the conversation that the model sees."
    )
    also_unknown: list[str] = Field(
        [],
        description='Other opening phrases that count as "I do not know", for example those in the training data.',
    )
    min_support: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Minimum support from retrieval for giving an answer. If not set, fitted on the development part.",
    )
    least_answered: float = Field(
        0.9,
        ge=0,
        le=1,
        description="Minimum share of answerable development questions still answered with the fitted `min_support`.",
    )


class RecordsSettings(Table):
    """`[records]`: where runs are recorded."""

    url: SecretUrl = Field(SecretUrl("sqlite:///.groundtune/records.db"), description="SQLAlchemy URL of the database.")


class BenchmarkSettings(Table):
    """`[benchmark]`: the expert questions."""

    cases: str = Field("benchmark.jsonl", description="File with the cases, relative to the project.")
    drafts: str = Field(
        "drafts.jsonl", description="File with draft cases. Drafts are not used until an expert approves them."
    )
    development_share: float = Field(
        0.3, gt=0, lt=1, description="Share of groups put into the development part, for cases that name no split."
    )
    draft_as: Principals = Field(
        ["everyone"],
        description="Principals that drafting reads documents as. Each draft gets them as its `asker`.",
    )


class ComparisonSettings(Table):
    """`[comparison]`: how candidates are compared."""

    candidates: list[str] = Field(
        [],
        description="Candidates to compare unless others are named. If empty: base, rag, tuned, tuned+rag, raft, and "
        "those of plugins.",
    )
    cases: int | None = Field(
        None, ge=2, description="Maximum number of test cases, spread over the groups. If not set, all."
    )
    decide_by: str = Field("resolution", description="Scorer that the recommendation is based on.")
    resamples: int = Field(10_000, ge=1000, description="Random resamples for tests and for corpus BLEU's intervals.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Confidence level of the intervals.")
    margin: float = Field(0.02, gt=0, description="Equivalence margin: smaller differences do not matter.")
    repeat: str | None = Field(
        None,
        description="Candidate to run twice. Differences no larger than between its two runs are not called better.",
    )
    latency_cases: int = Field(5, ge=1, description="Questions asked one at a time to measure latency.")
    seed: int = Field(17, description="Random seed of the comparison.")
    also_score: list[str] = Field(
        [], description="Scorers to use in addition to the default ones, such as answer_relevance."
    )
    rouge_stem: bool = Field(False, description="ROUGE compares stems of English words (Porter).")
    rouge_tokens: Literal["ascii", "unicode"] = Field(
        "ascii", description="How ROUGE splits words: ascii as in rouge-score, or unicode for any script."
    )
    bertscore_model: str = Field("builtin:minilm-l6-v2", description="Encoder for BERTScore, named like [embedding].")
    bertscore_layer: int | None = Field(None, description="Encoder layer for BERTScore. If not set, the last one.")
    bertscore_idf: bool = Field(
        False, description="BERTScore gives more weight to word pieces that are rare in the ideal answers."
    )
    bertscore_baseline: str | list[float] | None = Field(
        None,
        description="Baseline to rescale BERTScore: a baseline file as in bert-score, or three values for P, R and F1.",
    )


class HumanSettings(Table):
    """`[human]`: what raters receive."""

    cases: int = Field(40, ge=1, description="Total number of cases to rate, spread over the groups.")
    overlap: int = Field(10, ge=0, description="Number of these cases that every rater gets, to measure agreement.")
    answers: int | None = Field(
        None, ge=1, le=26, description="Answers shown per question. If not set, those of all candidates."
    )
    attention: float = Field(
        0.1, ge=0, le=0.5, description="Share of attention items, added to each rater's cases and rounded up."
    )
    repeats: float = Field(0.1, ge=0, le=0.5, description="Share of each rater's cases shown again later, rounded up.")
    seed: int = Field(17, description="Random seed for assignments and unexpected queries.")


class JudgeSettings(Table):
    """`[judge]`: chat models that grade answers, and when they are trusted."""

    models: list[str] = Field(
        [], description="Judges, named like `[model] name`. Several form a panel. Without any, nothing is judged."
    )
    rubrics: str | None = Field(
        None, description="TOML file with your own rubrics, relative to the project. If not set, the shipped ones."
    )
    rationale_tokens: int = Field(
        0,
        ge=0,
        description="Maximum length of the reasoning that a judge writes before it chooses, in tokens. 0 for none.",
    )
    api_key_variables: list[str] = Field(
        ["OPENAI_API_KEY"],
        min_length=1,
        description="Environment variables with the API keys for openai: judges: one for all, or one per judge.",
    )
    timeout: float = Field(60.0, gt=0, description="Maximum time for one reply from a judge, in seconds.")
    concurrency: int = Field(8, ge=1, description="Maximum concurrent requests to each judge.")
    price_in: float | None = Field(None, ge=0, description="Price per million tokens that a judge reads.")
    price_out: float | None = Field(None, ge=0, description="Price per million tokens that a judge writes.")
    least_agreement: float = Field(
        0.6,
        ge=-1,
        le=1,
        description="Minimum agreement with human ratings (quadratic-weighted kappa) for a judge to count.",
    )

    @model_validator(mode="after")
    def _one_key_or_one_each(self) -> Self:
        if len(self.api_key_variables) not in (1, len(self.models)):
            raise ValueError("name one variable for all judges, or one for each of `models`")
        return self


class EnrichmentSettings(Table):
    """`[enrichment]`: what is learned from conversations."""

    retention_days: int = Field(
        90,
        ge=1,
        description="Conversations that ended longer ago are not looked through, and proposals that were made longer "
        "ago and not accepted are erased.",
    )
    reword: Literal["auto", "none", "model"] = Field(
        "auto",
        description="Whether the chat model puts proposed statements into words that stand by themselves. auto: not a "
        "built-in one.",
    )


class Settings(Table):
    """The whole of `groundtune.toml`."""

    project: ProjectSettings = ProjectSettings()
    model: ModelSettings = ModelSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    store: StoreSettings = StoreSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    assistant: AssistantSettings = AssistantSettings()
    records: RecordsSettings = RecordsSettings()
    benchmark: BenchmarkSettings = BenchmarkSettings()
    tuning: TuningSettings = TuningSettings()
    data: DataSettings = DataSettings()
    comparison: ComparisonSettings = ComparisonSettings()
    human: HumanSettings = HumanSettings()
    judge: JudgeSettings = JudgeSettings()
    enrichment: EnrichmentSettings = EnrichmentSettings()
    actions: ActionsSettings = ActionsSettings()

    def part(self, name: str, kind: type[Inner]) -> Inner:
        """Return a table inside a table: `part("tuning.raft", RaftSettings)`; see `Table.part`."""
        table, _, inner = name.partition(".")
        outer: Table = getattr(self, table)
        return outer.part(inner, kind)
