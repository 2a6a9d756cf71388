"""Contract of rerankers, and `OverlapReranker`, which needs no model.

class TestMine(RerankerContract):
    def make(self) -> Reranker:
        return MyReranker()
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundtune.protocols import Reranker
from groundtune.text import content_words
from groundtune.values import Passage, Place


def passage(text: str, rank: int = 1, heading: str = "") -> Passage:
    """Return a passage of a document of its own."""
    return Passage(f"{rank}.md", Place(0, len(text)), text, heading, rank, 1 / rank)


class OverlapReranker:
    """Scores a passage by the share of the question's content words that it has: no model, no file."""

    signature = "overlap"

    def score(self, query: str, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """Return shares in [0, 1], one a passage."""
        asked = set(content_words(query))
        held = [set(content_words(f"{passage.heading}\n{passage.text}")) for passage in passages]
        return np.array([len(asked & words) / max(1, len(asked)) for words in held], dtype=np.float32)


class RerankerContract:
    """Every reranker passes these tests. Override `make`."""

    def make(self) -> Reranker:
        """Return the reranker under test."""
        raise NotImplementedError

    def test_one_finite_score_a_passage(self) -> None:
        """Scores come in the order of the passages, long and empty texts among them."""
        scores = self.make().score(
            "What does it cost?", [passage("It costs 5 euros."), passage(""), passage("x " * 900)]
        )
        assert scores.shape == (3,)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_no_passages(self) -> None:
        """Nothing to order gives no scores."""
        assert self.make().score("What?", []).shape == (0,)

    def test_a_score_does_not_depend_on_the_neighbours(self) -> None:
        """Passages are scored each for itself, also when seen before."""
        made = self.make()
        passages = [passage("Roaming in Switzerland costs 5 euros."), passage("Our shops open at nine.")]
        together = made.score("What does roaming cost?", passages)
        alone = [made.score("What does roaming cost?", [passage])[0] for passage in passages]
        np.testing.assert_allclose(together, alone, atol=1e-4)
        np.testing.assert_allclose(made.score("What does roaming cost?", passages[::-1]), together[::-1], atol=1e-4)

    def test_signature_is_stable(self) -> None:
        """Two rerankers made alike have the same signature."""
        assert self.make().signature == self.make().signature != ""
