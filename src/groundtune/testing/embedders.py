"""Contract of embedders, and `HashingEmbedder`, which needs no model.

class TestMine(EmbedderContract):
    def make(self) -> Embedder:
        return MyEmbedder()
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Literal

import numpy as np

from groundtune.protocols import Embedder, LimitedEmbedder, Vectors
from groundtune.text import words


class HashingEmbedder:
    """Bag of words, hashed into `dimension` places: the same on every machine, no model, no file.

    Texts that share words are close; meaning is not known to it.
    """

    def __init__(self, dimension: int = 256) -> None:
        self._dimension = dimension

    @property
    def signature(self) -> str:
        """Name and dimension."""
        return f"hashing|dimension:{self._dimension}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vectors:
        """Return unit vectors of word counts, log-scaled; `kind` makes no difference."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in words(text) or [""]:
                vectors[row, zlib.crc32(word.encode()) % self._dimension] += 1.0
        vectors = np.log1p(vectors)
        norms: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / norms).astype(np.float32)


class EmbedderContract:
    """Every embedder passes these tests. Override `make`."""

    def make(self) -> Embedder:
        """Return the embedder under test."""
        raise NotImplementedError

    def test_shape_type_and_norm(self) -> None:
        """Rows are unit vectors of float32, one a text."""
        made = self.make()
        vectors = made.embed(["How much is the plan?", "", "x " * 5000], "document")
        assert vectors.shape == (3, made.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)

    def test_no_texts(self) -> None:
        """An empty batch gives an empty array of the right width."""
        made = self.make()
        assert made.embed([], "query").shape == (0, made.dimension)

    def test_order_is_kept_and_batches_do_not_matter(self) -> None:
        """A text's vector does not depend on its neighbours."""
        made = self.make()
        texts = ["a long text about roaming in Switzerland and its prices " * 20, "short", "two words"]
        together = made.embed(texts, "document")
        alone = np.concatenate([made.embed([text], "document") for text in texts])
        np.testing.assert_allclose(together, alone, atol=1e-4)

    def test_short_texts_are_read_whole(self) -> None:
        """An embedder that tells which texts it cuts tells so of none, and of no short one."""
        made = self.make()
        if isinstance(made, LimitedEmbedder):
            assert made.cut([]) in (0, None)
            assert made.cut(["short", "", "two words"]) in (0, None)

    def test_signature_is_stable(self) -> None:
        """Two embedders made alike have the same signature and give the same vectors."""
        left, right = self.make(), self.make()
        assert left.signature == right.signature != ""
        np.testing.assert_allclose(left.embed(["roaming"], "query"), right.embed(["roaming"], "query"), atol=1e-5)

    def test_related_texts_are_closer(self) -> None:
        """A question is closer to the passage with its answer than to another."""
        made = self.make()
        question = made.embed(["What does roaming in Switzerland cost?"], "query")
        passages = made.embed(
            ["Roaming in Switzerland has its price: it does cost 5 euros.", "Our shops open at nine."], "document"
        )
        similarities = (question @ passages.T)[0]
        assert similarities[0] > similarities[1]
