"""What a network has read last, for prompts that begin alike: they are read from where they differ.

Where an action is selected, most of a prompt is instructions and actions, the same at every turn of every conversation.
Knows token ids only. The prefix is a prompt's keys and values in each layer: kept once for a network, while its weights
stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

_CHANGES_WITH_LENGTH = ("dynamic", "longrope")
"""Positions that are embedded otherwise in a longer prompt: what was read of a shorter one does not fit it."""


class ReadPrefix:
    """The beginning that a network read last. Not safe under threads: whoever holds the network uses it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Keep nothing: the weights have changed."""
        self._ids: list[int] = []
        self._layers: list[tuple[Any, Any]] = []

    def read(self, model: Any, prompts: Sequence[Sequence[int]]) -> int:  # noqa: ANN401 -- transformers' own
        """Read what all prompts begin with, but for the last token of the shortest, and return how many tokens it has.

        Of what was read before, nothing is read again. Returns 0 for a network whose cache cannot be cut.
        """
        import torch

        shared = list(prompts[0][: _alike(prompts) if len(prompts) > 1 else None])
        shared = shared[: min(map(len, prompts)) - 1]
        if not shared or not _can_be_cut(model.config):
            return 0
        known = _alike([shared, self._ids])
        if known < len(shared):
            cache = self.cache(model, known, rows=1)
            ids = torch.tensor([shared[known:]], device=model.device)
            self.forget()
            model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._ids, self._layers = shared, [(layer.keys, layer.values) for layer in cache.layers]
        return len(shared)

    def cache(self, model: Any, length: int, rows: int) -> Any:  # noqa: ANN401
        """Return a new cache in which each of `rows` has read the first `length` tokens."""
        from transformers import DynamicCache

        cache = DynamicCache(config=model.config)
        for place, layer in enumerate(self._layers if length else ()):
            cache.update(*(states[:, :, :length].expand(rows, -1, -1, -1) for states in layer), place)
        return cache


def _alike(rows: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all rows begin with."""
    return sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, zip(*rows, strict=False)))


def _can_be_cut(config: Any) -> bool:  # noqa: ANN401
    """Whether a prefix of a prompt's cache is the cache of the prefix: not where layers forget or sum up."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    rope = getattr(config, "rope_parameters", None) or {}
    plain = all(type(layer) is DynamicLayer for layer in DynamicCache(config=config).layers)
    return plain and rope.get("rope_type") not in _CHANGES_WITH_LENGTH
