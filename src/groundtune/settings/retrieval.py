"""`[retrieval]`: what `groundtune retrieval tune` tries. Knows no file and no environment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from groundtune.settings.table import Table


class RetrievalSettings(Table):
    """`[retrieval]`: what `groundtune retrieval tune` tries beside the present settings."""

    chunk_sizes: list[int] = Field([300, 450, 700, 1000], description="Values of `[knowledge] chunk_size`.")
    embeddings: list[str] = Field([], description="Values of `[embedding] name`.")
    searches: list[Literal["hybrid", "vectors", "words"]] = Field(
        ["hybrid", "vectors", "words"], description="Values of `[knowledge] search`."
    )
    rerankers: list[str] = Field(["none", "late:builtin:minilm-l6-v2"], description="Values of `[knowledge] reranker`.")
    passages: list[int] = Field([1, 2, 3, 4, 6, 8], description="Values of `[knowledge] passages`.")
    characters: int = Field(
        0,
        ge=0,
        description="Most text that the passages of a question may have, in characters on average. If 0, a tenth more "
        "than with the present settings.",
    )
    minutes: float = Field(10, gt=0, description="Longest time that it may take, in minutes.")
