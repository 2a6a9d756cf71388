"""Cross-encoders of sentence-transformers: `cross:hf:ORG/NAME` or `cross:path:DIR`.

The strongest kind, trained for ranking, and slow without a GPU: it reads question and passage together, for every pair.

Source: Nogueira & Cho, "Passage Re-ranking with BERT", 2019 (arXiv 1901.04085).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundtune.encoders import HeldEncoder, cross_encoder
from groundtune.knowledge.embedding.local import hash_of, model_folder
from groundtune.values import Passage

PREFIX = "cross:"


class CrossEncoderReranker:
    """A `Reranker` by the cross-encoder in `folder`."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._folder = folder

    @cached_property
    def signature(self) -> str:
        """Name and a hash of all files of the model."""
        return f"cross-encoder|{self._name}|weights:{hash_of(self._folder)}"

    def score(self, query: str, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return the model's score of each passage: higher is more relevant, on the model's own scale."""
        if not passages:
            return np.zeros(0, dtype=np.float32)
        pairs = [(query, f"{passage.heading}\n{passage.text}") for passage in passages]
        with self._model.held() as model:
            return np.asarray(model.predict(pairs, show_progress_bar=False), dtype=np.float32)

    @cached_property
    def _model(self) -> HeldEncoder:
        return cross_encoder(self._folder)


def groundtune_reranker(name: str) -> CrossEncoderReranker | None:
    """Hook of `rerankers`."""
    if not name.startswith(PREFIX):
        return None
    model = name.removeprefix(PREFIX)
    folder = model_folder(model, "knowledge.reranker")
    if folder is None:
        return None
    return CrossEncoderReranker(f"path:{folder.name}" if model.startswith("path:") else model, folder)
