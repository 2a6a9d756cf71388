"""An encoder of BERT's shape that reads texts one after another in one row, without padding, on a processor.

It computes what the model of sentence-transformers computes, with its weights: products are taken over all tokens of
a row at once, queries, keys and values in one, and attention over texts of one length at a time. Whether it does is
tried when it is made. Optionally the products of the layers are computed with 8-bit integers.

Devlin et al. 2019 (https://arxiv.org/abs/1810.04805) for the network; Zeng et al. 2022, "Boosting Distributed
Training Performance of the Unpadded BERT Model" (https://arxiv.org/abs/2208.08124) for reading without padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np

from groundtune.protocols import Vectors

if TYPE_CHECKING:
    import torch

    Product = Callable[[torch.Tensor], torch.Tensor]

_ROW = 1024  # tokens that are read at once: longer rows leave the processor's cache
_BATCH = 256  # texts that are tokenized at once
_PROBES = ("A short text.", "A longer text, of which the padding would have an effect on the shorter one, if it had.")
_CLOSE = 1e-4  # of unit vectors in 32 bits


class PackedBert:
    """Reads token ids with the weights of `network`, a `BertModel`; `integers` computes products in 8 bits."""

    def __init__(self, network: Any, pooling: str, *, integers: bool = False) -> None:  # noqa: ANN401
        self._embeddings, self._pooling = network.embeddings, pooling
        self._heads, self._width = network.config.num_attention_heads, network.config.hidden_size
        made = _in_integers if integers else _exact
        self._layers = [
            (
                made(_together(layer.attention.self)),
                made(_of(layer.attention.output.dense)),
                layer.attention.output.LayerNorm,
                made(_of(layer.intermediate.dense)),
                made(_of(layer.output.dense)),
                layer.output.LayerNorm,
            )
            for layer in network.encoder.layer
        ]

    def vectors(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """Return the unit vectors of texts in word pieces, (len(texts), d)."""
        import torch
        from torch.nn.functional import normalize

        made = np.zeros((len(texts), self._width), dtype=np.float32)
        with torch.inference_mode():
            for row in _rows(texts):
                states = self._states([texts[place] for place in row])
                pooled = [state.mean(0) if self._pooling == "mean" else state[0] for state in states]
                made[row] = normalize(torch.stack(pooled), dim=1).numpy()
        return made

    def states(self, texts: Sequence[Sequence[int]]) -> list[Vectors]:
        """Return the last states of texts in word pieces, each (pieces, d)."""
        import torch

        made: list[Vectors] = [np.zeros((0, self._width), dtype=np.float32)] * len(texts)
        with torch.inference_mode():
            for row in _rows(texts):
                for place, state in zip(row, self._states([texts[place] for place in row]), strict=True):
                    made[place] = state.numpy()
        return made

    def _states(self, texts: Sequence[Sequence[int]]) -> Sequence[torch.Tensor]:
        """Return the last states of texts that are sorted by length, each (pieces, d)."""
        import torch
        from torch.nn.functional import gelu

        lengths = [len(text) for text in texts]
        groups = [(length, len(list(same))) for length, same in groupby(lengths)]
        ids = torch.tensor([piece for text in texts for piece in text])
        places = torch.cat([torch.arange(length) for length in lengths])
        own = self._embeddings
        words = own.word_embeddings.weight[ids] + own.position_embeddings.weight[places]
        states = own.LayerNorm(words + own.token_type_embeddings.weight[0])
        for together, out, first_norm, wide, narrow, second_norm in self._layers:
            states = first_norm(states + out(self._attended(together(states), groups)))
            states = second_norm(states + narrow(gelu(wide(states))))
        return tuple(states.split(lengths))

    def _attended(self, together: torch.Tensor, groups: Sequence[tuple[int, int]]) -> torch.Tensor:
        """Return what each token attends to in its own text, (tokens, d); `together` is (tokens, 3 d)."""
        import torch
        from torch.nn.functional import scaled_dot_product_attention

        attended, start = [], 0
        for length, count in groups:
            part = together[start : start + length * count]
            query, key, value = part.view(count, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            seen = scaled_dot_product_attention(query, key, value)
            attended.append(seen.transpose(1, 2).reshape(length * count, -1))
            start += length * count
        return torch.cat(attended)


def packed(model: Any, *, integers: bool = False) -> PackedBert | None:  # noqa: ANN401 -- a SentenceTransformer
    """Return what reads as `model` does, None where it is of another shape or on another device.

    With `integers` its vectors are those of the model nearly: whether near enough is for its user to measure.
    """
    network: Any = getattr(model[0], "auto_model", None)
    kinds = [type(network).__name__, *(type(module).__name__ for module in list(model)[1:])]
    if kinds not in (["BertModel", "Pooling"], ["BertModel", "Pooling", "Normalize"]):
        return None
    pooling, config = model[1], network.config
    plain = (
        pooling.pooling_mode in ("mean", "cls")
        and pooling.include_prompt
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and config.hidden_act == "gelu"
        and not config.is_decoder
        and model.truncate_dim is None
        and {(each.device.type, str(each.dtype)) for each in network.parameters()} == {("cpu", "torch.float32")}
    )
    if not plain:
        return None
    exact = PackedBert(network, pooling.pooling_mode)
    if not _alike(model, exact):
        return None
    return PackedBert(network, pooling.pooling_mode, integers=True) if integers else exact


def pieces(model: Any, texts: Sequence[str], prompt: str | None) -> list[list[int]]:  # noqa: ANN401
    """Return the word pieces of texts as the model cuts them, its special ones included."""
    made: list[list[int]] = [[] for _ in texts]
    order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        features = model.preprocess([texts[place] for place in places], prompt=prompt)
        lengths = features["attention_mask"].sum(1).tolist()
        for place, ids, length in zip(places, features["input_ids"].tolist(), lengths, strict=True):
            made[place] = ids[:length]
    return made


def _alike(model: Any, made: PackedBert) -> bool:  # noqa: ANN401
    """Tell whether both give the same vectors: the shape of a network says little about what its authors changed."""
    wanted = model.encode(list(_PROBES), normalize_embeddings=True, show_progress_bar=False, prompt="")
    return bool(np.abs(made.vectors(pieces(model, _PROBES, "")) - wanted).max() < _CLOSE)


def _rows(texts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the places of texts in rows of about `_ROW` tokens, longest first."""
    order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
    rows: list[list[int]] = []
    room = 0
    for place in order:
        if room <= 0:
            rows.append([])
            room = _ROW
        rows[-1].append(place)
        room -= len(texts[place])
    return rows


def _of(linear: Any) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401
    return linear.weight, linear.bias


def _together(attention: Any) -> tuple[torch.Tensor, torch.Tensor]:  # noqa: ANN401
    """Return the weights of queries, keys and values as one; theirs become views of it, so that memory holds one."""
    import torch

    parts = (attention.query, attention.key, attention.value)
    weight, bias = (torch.cat([getattr(part, name).detach() for part in parts]) for name in ("weight", "bias"))
    for number, part in enumerate(parts):
        size = len(part.bias)
        part.weight.data = weight[number * size : (number + 1) * size]
        part.bias.data = bias[number * size : (number + 1) * size]
    return weight, bias


def _exact(weights: tuple[torch.Tensor, torch.Tensor]) -> Product:
    from torch.nn.functional import linear

    return lambda states: linear(states, *weights)


def _in_integers(weights: tuple[torch.Tensor, torch.Tensor]) -> Product:
    """Return the product with weights in 8 bits and states in 7, with a scale for each of their rows.

    So a token's product does not depend on what else is read with it. The library takes one scale for all rows: they
    are brought to one range, whose ends are two rows more. Eighth bits of the states would overflow on processors
    without VNNI.
    """
    import torch

    weight, bias = (each.detach() for each in weights)
    scales = weight.abs().amax(1) / 127
    ends = torch.stack([torch.ones(weight.shape[1]), -torch.ones(weight.shape[1])])
    with catch_warnings():
        simplefilter("ignore")  # announces another place for this, which is not there yet
        rounded = torch.quantize_per_channel(weight, scales, torch.zeros(len(scales), dtype=torch.long), 0, torch.qint8)
        prepared = torch.ops.quantized.linear_prepack(rounded, None)

    def product(states: torch.Tensor) -> torch.Tensor:
        size = states.abs().amax(1, keepdim=True).clamp_min(torch.finfo(states.dtype).tiny)
        made: torch.Tensor = torch.ops.quantized.linear_dynamic(torch.cat([states / size, ends]), prepared, True)
        return made[:-2] * size + bias

    return product
