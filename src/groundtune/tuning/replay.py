"""What is replayed so that less is forgotten: earlier texts, or texts that the model writes before it learns new ones.

Rolnick et al. 2019, "Experience Replay for Continual Learning" (arXiv 1811.11682); for text that the model generates
itself, Sun et al. 2020, "LAMOL" (arXiv 1909.03329).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.settings import TuningSettings
from groundtune.tuning.objective import Rows
from groundtune.tuning.texts import Texts, pieces
from groundtune.values import TrainingText, digest

AT_ONCE = 8  # texts that are generated together


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

    share: float = 0.25

    @property
    def data_hash(self) -> str:
        """See `Objective`. What is generated follows from the model and the seed, which the job's key holds."""
        return digest(Texts(self.texts, self.held_out, self.row_tokens).data_hash, f"generated:{self.share}")

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Generate, then tokenize and pack."""
        new = sum(len(piece) for piece in pieces(tokenizer, [text.text for text in self.texts], self.row_tokens))
        wanted = round(self.share / (1 - self.share) * new)
        written = generated(model, tokenizer, wanted, self.row_tokens, settings.seed)
        whole = Texts([*self.texts, *written], self.held_out, self.row_tokens)
        return whole.rows(tokenizer, model, settings)


def generated(model: Any, tokenizer: Any, tokens: int, row_tokens: int, seed: int) -> list[TrainingText]:  # noqa: ANN401
    """Return texts of about `tokens` tokens in all that the model writes from nothing, sampled as it predicts them."""
    import torch
    from transformers.trainer_utils import set_seed

    set_seed(seed)
    start = torch.tensor([[tokenizer.eos_token_id]] * AT_ONCE, device=model.device)
    texts: list[TrainingText] = []
    written = 0
    while written < tokens:
        made = model.generate(
            start,
            attention_mask=torch.ones_like(start),
            do_sample=True,
            top_k=0,
            top_p=1.0,
            temperature=1.0,
            max_new_tokens=row_tokens - 1,
            pad_token_id=tokenizer.eos_token_id,
        )[:, 1:]
        for row in made:
            text = tokenizer.decode(row, skip_special_tokens=True).strip()
            written += max(1, int((row != tokenizer.eos_token_id).sum()))
            if text and written <= tokens + row_tokens:
                texts.append(TrainingText(text, f"generated {len(texts) + 1}"))
    return texts
