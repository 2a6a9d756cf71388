"""What is replayed so that less is forgotten: earlier texts, or texts that the model writes before it learns new ones.

Rolnick et al. 2019, "Experience Replay for Continual Learning" (arXiv 1811.11682); for text that the model generates
itself, Sun et al. 2020, "LAMOL" (arXiv 1909.03329).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from groundtune.settings import TuningSettings
from groundtune.tuning.model import Draw
from groundtune.tuning.objective import Rows
from groundtune.tuning.texts import Texts, pieces
from groundtune.values import TrainingText, digest

AT_ONCE = 16  # texts that are generated together


def earlier(
    known: Sequence[TrainingText], new: Sequence[TrainingText], share: float, rng: np.random.Generator
) -> list[TrainingText]:
    """Return texts out of `known`, drawn at random, so that they make up about `share` of all characters."""
    wanted = share / (1 - share) * sum(len(text.text) for text in new)
    drawn: list[TrainingText] = []
    for index in rng.permutation(len(known)):
        if sum(len(text.text) for text in drawn) >= wanted:
            break
        drawn.append(known[index])
    return drawn


@dataclass(frozen=True, slots=True)
class Replayed(Texts):
    """Texts with a share of text that the model generates before it is trained."""

    draw: Draw = field(kw_only=True)
    share: float = 0.25

    @property
    def data_hash(self) -> str:
        """See `Objective`. What is generated follows from the model and the seed, which the job's key holds."""
        return digest(Texts(self.texts, self.held_out, self.row_tokens).data_hash, f"generated:{self.share}")

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Generate, then tokenize and pack."""
        new = sum(len(piece) for piece in pieces(tokenizer, [text.text for text in self.texts], self.row_tokens))
        wanted = round(self.share / (1 - self.share) * new)
        written = generated(self.draw, model, tokenizer, wanted, self.row_tokens, settings.seed)
        whole = Texts([*self.texts, *written], self.held_out, self.row_tokens)
        return whole.rows(tokenizer, model, settings)


def generated(
    draw: Draw,
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    tokens: int,
    row_tokens: int,
    seed: int,
) -> list[TrainingText]:
    """Return texts of about `tokens` tokens in all that the model writes from nothing, sampled as it predicts them."""
    end = tokenizer.eos_token_id
    texts: list[TrainingText] = []
    written = 0
    for batch in count():
        if written >= tokens:
            break
        for row in draw(model, [[end]], AT_ONCE, row_tokens - 1, [end], 1.0, [seed, batch]):
            text = tokenizer.decode(row, skip_special_tokens=True).strip()
            written += len(row)
            if text and written <= tokens + row_tokens:
                texts.append(TrainingText(text, f"generated {len(texts) + 1}"))
    return texts
