"""Late interaction with a sentence encoder's token vectors: `late:` and the name of a local embedder.

    question  "Is roaming free?"      its words look for their nearest neighbours among those of
    passage   "Data abroad costs nothing in the EU."
    score     the mean over the question's word pieces of the highest cosine with a piece of the passage

A passage's vectors are computed once and kept for later questions, so only the question has to be encoded each time.

Source: MaxSim of Khattab & Zaharia, "ColBERT", SIGIR 2020 (arXiv 2004.12832), divided by the number of pieces, which
is the recall of BERTScore (Zhang et al., ICLR 2020, arXiv 1904.09675). ColBERT trains its encoder for this; here an
encoder of sentences is used as it is, and benchmarks/retrieval.py tells what that is worth.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundtune.knowledge.embedding.local import LocalEmbedder, groundtune_embedder
from groundtune.protocols import Vectors
from groundtune.settings import EmbeddingSettings
from groundtune.values import Passage

PREFIX = "late:"
MOST_KEPT = 1024  # passages whose vectors are kept: some 170 MB at 110 pieces of 384 dimensions


class LateInteraction:
    """A `Reranker` on the token vectors of `embedder`."""

    def __init__(self, embedder: LocalEmbedder) -> None:
        self._embedder = embedder
        self._kept: dict[str, Vectors] = {}
        self._lock = threading.Lock()

    @property
    def signature(self) -> str:
        """The measure and the encoder."""
        return f"late-interaction|{self._embedder.signature}"

    def score(self, query: str, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return one score a passage, in [-1, 1]; 0 for a question or a passage without any word piece."""
        if not passages:
            return np.zeros(0, dtype=np.float32)
        (asked,) = self._embedder.embed_tokens([query])
        return np.array([_max_sim(asked, vectors) for vectors in self._vectors(passages)], dtype=np.float32)

    def _vectors(self, passages: Sequence[Passage]) -> list[Vectors]:
        texts = [f"{passage.heading}\n{passage.text}" for passage in passages]
        with self._lock:
            known = {text: self._kept[text] for text in texts if text in self._kept}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        known |= dict(zip(missing, self._embedder.embed_tokens(missing), strict=True))
        with self._lock:
            self._kept |= known
            for text in list(self._kept)[: max(0, len(self._kept) - MOST_KEPT)]:
                del self._kept[text]
        return [known[text] for text in texts]


def _max_sim(asked: Vectors, passage: Vectors) -> float:
    """Return the score of `asked`, (pieces, d), against `passage`, (pieces, d); rows have norm 1."""
    return float((asked @ passage.T).max(axis=1).mean()) if len(asked) and len(passage) else 0.0


def groundtune_reranker(name: str) -> LateInteraction | None:
    """Hook of `rerankers`."""
    if not name.startswith(PREFIX):
        return None
    encoder = name.removeprefix(PREFIX)
    embedder = groundtune_embedder(EmbeddingSettings(name=encoder), encoder)
    return None if embedder is None else LateInteraction(embedder)
