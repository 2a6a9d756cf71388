"""Answers drawn at random from a model, many at once, for training by reinforcement. Serving is greedy.

A draw depends on the seed, on the place of its prompt in the call and on the number of the draw, not on the rows that
are decoded beside it: the same call gives the same answers however it is cut into batches. Knows token ids only.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.models import _generation

BATCH_TOKENS = 32_768  # of one batch, padding and answers included


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn: logits are divided by `temperature`, then the `top_k` likeliest tokens are kept (0: all),
    then the likeliest that together have the probability `top_p`."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws tokens for the rows of one batch. `uniforms` (rows, steps) in [0, 1) decide every draw in advance."""

    sampling: Sampling
    uniforms: np.ndarray

    def draw(self, logits: Any, rows: Sequence[int], step: int) -> Any:  # noqa: ANN401 -- torch tensors
        """Return a token for each of `rows`, whose logits are (rows, vocabulary).

        By inversion: the first token at which the cumulative probability exceeds the row's uniform number (Devroye,
        "Non-Uniform Random Variate Generation", 1986, section III.2). A token that was left out has no part of it.
        """
        import torch

        shares = torch.softmax(warped(logits.float(), self.sampling), dim=-1)
        cumulative = shares.double().cumsum(-1)  # single precision loses the rare half of a large vocabulary
        uniforms = torch.tensor(self.uniforms[list(rows), step], dtype=torch.float64, device=logits.device)
        total = cumulative[:, -1]
        targets = torch.minimum(uniforms * total, torch.nextafter(total, torch.zeros_like(total)))
        return torch.searchsorted(cumulative, targets[:, None], right=True)[:, 0]


def warped(logits: Any, sampling: Sampling) -> Any:  # noqa: ANN401
    """Return the logits (rows, vocabulary) of which the draw is the softmax, by transformers' own processors."""
    from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    steps = LogitsProcessorList()
    if sampling.temperature != 1.0:
        steps.append(TemperatureLogitsWarper(sampling.temperature))
    if 0 < sampling.top_k < logits.shape[-1]:
        steps.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1.0:
        steps.append(TopPLogitsWarper(sampling.top_p))
    return steps(None, logits)


def sample(
    model: Any,  # noqa: ANN401
    prompts: Sequence[Sequence[int]],
    copies: int,
    max_tokens: int,
    ends: Collection[int],
    sampling: Sampling | float,
    seed: Sequence[int],
) -> list[list[int]]:
    """Return `copies` answers to each prompt, as token ids: those of the first prompt first. `sampling` may be just a
    temperature.

    An answer's last token is in `ends`, unless it has `max_tokens`. Nothing else ends it: a loop, which ends a greedy
    answer, is something that a drawn one may leave again, and the model that wrote it must be judged by it.
    """
    sampling = sampling if isinstance(sampling, Sampling) else Sampling(sampling)
    uniforms = np.stack(
        [np.random.default_rng([*seed, place]).random((copies, max_tokens)) for place in range(len(prompts))]
    )
    answers: list[list[list[int]]] = [[[] for _ in range(copies)] for _ in prompts]
    lengths = [len(prompt) for prompt in prompts]
    for batch in _generation.batches(lengths, max_tokens, max(1, BATCH_TOKENS // copies)):
        sampler = Sampler(sampling, uniforms[batch].reshape(-1, max_tokens))
        chosen = [prompts[place] for place in batch]
        for step in _generation.decode(model, chosen, max_tokens, set(ends), sampler=sampler, copies=copies):
            for row, token in step.items():
                answers[batch[row // copies]][row % copies].append(token)
    return [answer for own in answers for answer in own]
