"""Decoding of many prompts at once on PyTorch, greedy or drawn. Knows token ids only, no text and no conversations.

Prompts are read in pieces of a few rows, which bounds the memory that activations take, and decoded
together, which reads the weights once a step for all of them. Rows that have ended leave the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from groundtune.models._prefix import ReadPrefix

PREFILL_TOKENS = 2048
MOST_ROWS = 64
LOOP_TOKENS = 16  # this many tokens of pure repetition are a loop, if they are at least two rounds
LONGEST_ROUND = 64


def batches(lengths: Sequence[int], max_tokens: int, budget: int) -> list[list[int]]:
    """Return indices of prompts, longest first, in batches of similar length.

    A batch holds at most `budget` tokens, padding and answers included, and at most `MOST_ROWS` rows.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    groups: list[list[int]] = []
    for index in order:
        width = lengths[groups[-1][0]] + max_tokens if groups else 0
        if not groups or len(groups[-1]) == MOST_ROWS or (len(groups[-1]) + 1) * width > budget:
            groups.append([])
        groups[-1].append(index)
    return groups


class Draws(Protocol):
    """Draws a token for each of `rows` at a step, out of logits (rows, vocabulary)."""

    def draw(self, logits: Any, rows: Sequence[int], step: int) -> Any: ...  # noqa: ANN401


def decode(
    model: Any,  # noqa: ANN401
    prompts: Sequence[Sequence[int]],
    max_tokens: int,
    ends: set[int],
    *,
    sampler: Draws | None = None,
    copies: int = 1,
    prefix: ReadPrefix | None = None,
) -> Iterator[dict[int, int]]:
    """Yield after each step {row: token} for the rows that still run.

    Row r continues prompt r // `copies`, which is read once for all its copies. Without a `sampler` the likeliest token
    is taken, and a row that `repeats` itself ends. A row's last token is in `ends`, unless that or `max_tokens` cut it.
    With a `prefix`, what was read last is not read again.
    """
    import torch

    rows = list(range(len(prompts) * copies))
    written: list[list[int]] = [[] for _ in rows]
    with torch.inference_mode():
        logits, cache, mask = prefill(model, prompts, prefix)
        if copies > 1:
            cache.batch_repeat_interleave(copies)
            logits, mask = (each.repeat_interleave(copies, dim=0) for each in (logits, mask))
    for step in range(max_tokens):
        tokens = logits.argmax(-1) if sampler is None else sampler.draw(logits, rows, step)
        now = dict(zip(rows, tokens.tolist(), strict=True))
        yield now  # outside inference mode, which is the thread's: several may be decoding in turns
        for row, token in now.items():
            written[row].append(token)
        running = [
            place
            for place, row in enumerate(rows)
            if now[row] not in ends and (sampler is not None or not repeats(written[row]))
        ]
        if not running or step == max_tokens - 1:
            return
        with torch.inference_mode():
            if len(running) < len(rows):
                keep = torch.tensor(running, device=tokens.device)
                cache.batch_select_indices(keep)
                rows, tokens, mask = [rows[place] for place in running], tokens[keep], mask[keep]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            logits, cache = _next(model, tokens, mask, cache)


def _next(model: Any, tokens: Any, mask: Any, cache: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Read one token a row; return the logits after it (rows, vocabulary) and the cache."""
    positions = mask.sum(1, keepdim=True) - 1
    output = model(tokens[:, None], attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
    return output.logits[:, -1], output.past_key_values


def repeats(tokens: Sequence[int]) -> bool:
    """Tell whether `tokens` end in a loop, which greedy decoding of a small model never leaves again
    (Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020, section 3).

    >>> repeats([7, *[1, 2, 3, 4, 5, 6, 7, 8] * 2]), repeats([1, 2, 3] * 5), repeats([1, 2, 3] * 6)
    (True, False, True)
    """
    for length in range(1, min(LONGEST_ROUND, len(tokens) // 2) + 1):
        span = length * max(2, -(-LOOP_TOKENS // length))
        if span <= len(tokens) and tokens[-span:-length] == tokens[length - span :]:
            return True
    return False


def log_probabilities(model: Any, prompt: Sequence[int], answers: Sequence[Sequence[int]]) -> list[list[float]]:  # noqa: ANN401
    """Return the log probability of each token of each answer after the prompt, which is read once for all of them.

    Answers are padded on the right, where the causal mask keeps the padding from what stands before it.
    """
    import torch
    from transformers import DynamicCache

    width = max(map(len, answers))
    rows = torch.tensor([[*answer, *[0] * (width - len(answer))] for answer in answers], device=model.device)
    with torch.inference_mode():
        ids = torch.tensor([list(prompt)], device=model.device)
        read = model(ids, past_key_values=DynamicCache(config=model.config), use_cache=True, logits_to_keep=1)
        logits = read.logits.expand(len(answers), -1, -1)
        if width > 1:
            read.past_key_values.batch_repeat_interleave(len(answers))
            rest = model(rows[:, :-1], past_key_values=read.past_key_values, use_cache=True).logits
            logits = torch.cat([logits, rest], dim=1)
        chosen = torch.log_softmax(logits, dim=-1).gather(2, rows[:, :, None])[:, :, 0]
        return [row[: len(answer)].tolist() for row, answer in zip(chosen, answers, strict=True)]


def likeliest(model: Any, prompt: Sequence[int], number: int, most: int) -> Iterator[list[tuple[int, float]]]:  # noqa: ANN401
    """Yield the `number` likeliest next tokens with their probabilities, best first; then those after the best one.

    Goes on for `most` tokens.
    """
    import torch

    with torch.inference_mode():
        logits, cache, mask = prefill(model, [prompt])
    for step in range(most):
        shares, tokens = torch.softmax(logits[0].float(), dim=-1).topk(min(number, logits.shape[-1]))
        yield list(zip(tokens.tolist(), shares.tolist(), strict=True))
        if step == most - 1:
            return
        with torch.inference_mode():
            mask = torch.cat([mask, mask.new_ones(1, 1)], dim=1)
            logits, cache = _next(model, tokens[:1], mask, cache)


def prefill(model: Any, prompts: Sequence[Sequence[int]], prefix: ReadPrefix | None = None) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Read the prompts, a few rows at a time; what all begin with is read once for all, if a `prefix` keeps it.

    They are padded on the left, or behind what they all begin with. Returns the logits of the last position (rows,
    vocabulary), the joint cache, and the mask (rows, width).
    """
    import torch

    begun = prefix.read(model, prompts) if prefix else 0
    prefix = prefix or ReadPrefix()
    rests = [list(prompt[begun:]) for prompt in prompts]
    width = max(map(len, rests))
    ids = torch.tensor([[0] * (width - len(rest)) + rest for rest in rests], device=model.device)
    read = [[1] * begun + [0] * (width - len(rest)) + [1] * len(rest) for rest in rests]
    mask = torch.tensor(read, device=model.device)
    step = max(1, PREFILL_TOKENS // width)
    logits, caches = [], []
    for start in range(0, len(prompts), step):
        part = mask[start : start + step]
        output = model(
            ids[start : start + step],
            # without padding there is nothing to mask, and the causal kernel without a mask is the fast one
            attention_mask=None if bool(part.all()) else part,
            position_ids=(part.cumsum(1) - 1).clamp(min=0)[:, begun:],
            past_key_values=prefix.cache(model, begun, len(part)),
            use_cache=True,
            logits_to_keep=1,
        )
        logits.append(output.logits[:, -1])
        caches.append(output.past_key_values)
    return torch.cat(logits), _join(caches), mask


def _join(caches: list[Any]) -> Any:  # noqa: ANN401
    """Put caches of equal width one below the other, freeing each as it is copied."""
    import torch

    first = caches[0]
    if len(caches) > 1:
        for number, layer in enumerate(first.layers):
            layers = [cache.layers[number] for cache in caches]
            layer.keys = torch.cat([other.keys for other in layers])
            layer.values = torch.cat([other.values for other in layers])
            for other in layers[1:]:
                other.keys = other.values = None
    return first
