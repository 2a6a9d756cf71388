"""How well a model predicts texts: perplexity, text by text, so that two models can be compared in pairs.

Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech recognition tasks". Knows no training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.models.templates import training_ids, turn_ends
from groundtune.tuning.objective import IGNORED
from groundtune.tuning.texts import pieces
from groundtune.values import Example

AT_ONCE = 2048  # tokens that go through the model at once
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Predicted:
    """Sum of negative log probabilities (nats) of each text, and the number of tokens that were predicted in it."""

    nats: tuple[float, ...]
    tokens: tuple[int, ...]

    @property
    def nats_per_token(self) -> float:
        """The mean over all tokens."""
        return sum(self.nats) / max(1, sum(self.tokens))

    @property
    def perplexity(self) -> float:
        """E to the mean negative log probability of a token."""
        return math.exp(self.nats_per_token)

    def told(self, seed: int = 17) -> dict[str, object]:
        """Return it for a manifest, with a 95 % interval over texts (percentile bootstrap)."""
        low, high = _interval(self.nats, self.tokens, seed)
        return {
            "perplexity": self.perplexity,
            "low": math.exp(low),
            "high": math.exp(high),
            "texts": len(self.nats),
            "tokens": sum(self.tokens),
        }


def predicted(model: Any, tokenizer: Any, texts: Sequence[str], row_tokens: int) -> Predicted:  # noqa: ANN401
    """Return how well the model predicts each text, in pieces of at most `row_tokens`; nothing is left out but the
    first token of each piece."""
    owners: list[int] = []
    rows: list[list[int]] = []
    for place, text in enumerate(texts):
        own = pieces(tokenizer, [text], row_tokens)
        rows += own
        owners += [place] * len(own)
    sums = nats_of(model, rows)
    nats, tokens = [0.0] * len(texts), [0] * len(texts)
    for owner, row, total in zip(owners, rows, sums, strict=True):
        nats[owner] += total
        tokens[owner] += len(row) - 1
    return Predicted(tuple(nats), tuple(tokens))


def answer_nats(model: Any, tokenizer: Any, examples: Sequence[Example]) -> Predicted:  # noqa: ANN401
    """Return how well the model predicts the assistant's turns of each conversation."""
    rendered = [training_ids(tokenizer, each.messages, turn_ends(tokenizer, model), each.tools) for each in examples]
    learned = [[label != IGNORED for label in row.labels] for row in rendered]
    nats = nats_of(model, [row.input_ids for row in rendered], learned)
    return Predicted(tuple(nats), tuple(sum(row[1:]) for row in learned))


def nats_of(
    model: Any,  # noqa: ANN401
    rows: Sequence[Sequence[int]],
    learned: Sequence[Sequence[bool]] | None = None,
) -> list[float]:
    """Return the negative log probability of each row of token ids after its first token, or of the `learned` ones."""
    import torch

    sums = [0.0] * len(rows)
    order = sorted(range(len(rows)), key=lambda place: -len(rows[place]))
    was_training = model.training
    model.eval()
    while order:
        width = len(rows[order[0]])
        batch, order = order[: max(1, AT_ONCE // width)], order[max(1, AT_ONCE // width) :]
        ids = torch.tensor([[*rows[place], *[0] * (width - len(rows[place]))] for place in batch], device=model.device)
        mask = _mask([[1] * len(rows[place]) for place in batch], width, model.device)
        counted = mask if learned is None else _mask([learned[place] for place in batch], width, model.device)
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
            chosen = logits.gather(2, ids[:, 1:, None])[:, :, 0] - logits.logsumexp(-1)
        for place, total in zip(batch, (-chosen * counted[:, 1:]).sum(1).tolist(), strict=True):
            sums[place] = total
    model.train(was_training)
    return sums


def _mask(rows: Sequence[Sequence[int]], width: int, device: Any) -> Any:  # noqa: ANN401
    import torch

    return torch.tensor([[*map(int, row), *[0] * (width - len(row))] for row in rows], device=device)


def difference(before: Predicted, after: Predicted, seed: int = 17) -> dict[str, float]:
    """Return how many nats a token became harder to predict (below 0: easier), with a paired 95 % interval over texts.

    >>> difference(Predicted((9.0, 8.0), (4, 4)), Predicted((8.0, 7.0), (4, 4)))
    {'nats_per_token': -0.25, 'low': -0.25, 'high': -0.25}
    """
    changes = [now - then for now, then in zip(after.nats, before.nats, strict=True)]
    low, high = _interval(changes, after.tokens, seed)
    return {"nats_per_token": sum(changes) / sum(after.tokens), "low": low, "high": high}


def _interval(nats: Sequence[float], tokens: Sequence[int], seed: int) -> tuple[float, float]:
    """Return the 95 % interval of nats a token, over texts that are drawn again (percentile bootstrap)."""
    own, counted = np.array(nats), np.array(tokens)
    drawn = np.random.default_rng(seed).integers(len(own), size=(RESAMPLES, len(own)))
    low, high = np.percentile(own[drawn].sum(1) / counted[drawn].sum(1), [2.5, 97.5])
    return float(low), float(high)


def from_told(told: Mapping[str, Sequence[float]]) -> Predicted:
    """Return what `as_lists` kept."""
    return Predicted(tuple(told["nats"]), tuple(int(each) for each in told["tokens"]))


def as_lists(measured: Predicted) -> dict[str, list[float]]:
    """Return it text by text, for a file."""
    return {"nats": [round(each, 4) for each in measured.nats], "tokens": [float(each) for each in measured.tokens]}
