"""Causal attention of packed sequences on a processor: which tokens read which, and the products that need it.

Several sequences stand one behind the other without padding; those that begin alike share their beginning, which is
computed once. PyTorch's own attention knows neither, and on a processor it is slower than the plain products below from
fifty tokens on. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundtune.tuning._kernels import operation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Piece:
    """Some queries read the keys of `keys`, one span behind the other.

    `queries` counts a token once for each query head that shares a key. `mask` is added to the scores of the last keys:
    (queries, so many keys).
    """

    queries: slice
    keys: tuple[slice, ...]
    mask: Tensor


def block(length: int) -> int:
    """Return how many queries to compute at once: few read less that lies in the future, many make larger products."""
    return 64 if length < 256 else 32  # measured


def sequences(lengths: Sequence[int], group: int, shared: int = 0) -> list[Piece]:
    """Return the pieces of causal sequences one behind the other; all read the first `shared` tokens, if there are.

    `group` query heads share a key.
    """
    import torch

    most = max(block(length) for length in (shared, *lengths))
    triangle = torch.full((most, most), torch.finfo(torch.float32).min).triu_(1).repeat_interleave(group, 0)
    pieces, start = [], 0
    for number, length in enumerate((shared, *lengths)):
        end = start + length
        first_key = 0 if start == shared else start  # right behind what is shared: one span
        before = [slice(0, shared)] if number > 0 and 0 < shared < start else []
        for first in range(start, end, block(length)):
            last = min(first + block(length), end)
            mask = triangle[: (last - first) * group, : last - first]
            pieces.append(Piece(slice(first * group, last * group), (*before, slice(first_key, last)), mask))
        start = end
    return pieces


def chosen(mask: Tensor, group: int) -> list[Piece]:
    """Return the pieces of some queries that read all keys under a mask: (queries, keys)."""
    import torch

    step = block(mask.shape[1])
    return [
        Piece(
            slice(first * group, min(first + step, len(mask)) * group),
            (slice(0, mask.shape[1]),),
            torch.repeat_interleave(mask[first : first + step], group, 0),
        )
        for first in range(0, len(mask), step)
    ]


def attend(
    states: tuple[Tensor, Tensor, Tensor],
    angles: tuple[Tensor, Tensor],
    query_angles: tuple[Tensor, Tensor],
    pieces: Sequence[Piece],
    size: int,
    scale: float,
) -> Tensor:
    """Return what each query reads: (queries, heads times size).

    `states` are queries, keys and values as (tokens, heads times `size`), before positions are embedded; `angles` are
    (cosine, sine) as (tokens, size), in which the second half of `size` repeats the first.
    """
    scaled = (query_angles[0] * scale, query_angles[1] * scale)
    made: Tensor = operation(_attend, _attend_back).apply(*states, angles, scaled, pieces)
    return made


def _attend(
    ctx: Any,  # noqa: ANN401
    query: Tensor,
    key: Tensor,
    value: Tensor,
    angles: tuple[Tensor, Tensor],
    query_angles: tuple[Tensor, Tensor],
    pieces: Sequence[Piece],
) -> Tensor:
    import torch

    size = angles[0].shape[1]
    heads = key.shape[1] // size
    queries = _rotate(_by_head(query, heads, size), *query_angles).flatten(1, 2)
    keys = _rotate(_by_head(key, heads, size), *angles).flatten(1, 2)
    values = _by_head(value, heads, size).flatten(1, 2).contiguous()
    made = torch.empty_like(queries)
    for piece in pieces:
        weights = _weights(queries[:, piece.queries], _taken(keys, piece.keys), piece.mask)
        made[:, piece.queries] = torch.bmm(weights, _taken(values, piece.keys))
    ctx.save_for_backward(queries, keys, values, *angles, *query_angles)
    ctx.pieces, ctx.group = pieces, query.shape[1] // key.shape[1]
    return _by_token(made, ctx.group)


def _attend_back(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:  # noqa: ANN401
    import torch

    queries, keys, values, cosine, sine, query_cosine, query_sine = ctx.saved_tensors
    gradient = _by_head(gradient, len(keys), keys.shape[2]).flatten(1, 2).contiguous()
    of_queries, of_keys, of_values = torch.empty_like(queries), torch.zeros_like(keys), torch.zeros_like(values)
    for piece in ctx.pieces:
        asked, given, read = queries[:, piece.queries], gradient[:, piece.queries], _taken(keys, piece.keys)
        weights = _weights(asked, read, piece.mask)
        _put(of_values, piece.keys, weights, given)
        scores = torch.bmm(given, _taken(values, piece.keys).transpose(1, 2))
        scores = torch._softmax_backward_data(scores, weights, -1, weights.dtype)
        of_queries[:, piece.queries] = torch.bmm(scores, read)
        _put(of_keys, piece.keys, scores, asked)
    of_queries = _rotate(_grouped(of_queries, ctx.group), query_cosine, -query_sine).flatten(1, 2)
    of_keys = _rotate(_grouped(of_keys, 1), cosine, -sine).flatten(1, 2)
    return _by_token(of_queries, ctx.group), _by_token(of_keys, 1), _by_token(of_values, 1), None, None, None


def _weights(queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
    """Return how much each query takes of each key: (heads, queries, keys)."""
    import torch

    scores = torch.bmm(queries, keys.transpose(1, 2))
    scores[..., keys.shape[1] - mask.shape[1] :].add_(mask)
    return torch.softmax(scores, -1)


def _taken(states: Tensor, spans: tuple[slice, ...]) -> Tensor:
    import torch

    if len(spans) == 1:
        return states[:, spans[0]]
    return torch.cat([states[:, span] for span in spans], 1)


def _put(gradients: Tensor, spans: tuple[slice, ...], weights: Tensor, given: Tensor) -> None:
    """Add the transposed weights times what was given to the gradients of the keys in `spans`."""
    first = 0
    for span in spans:
        part = weights[..., first : first + span.stop - span.start]
        gradients[:, span].baddbmm_(part.transpose(1, 2), given)
        first += span.stop - span.start


def _grouped(states: Tensor, group: int) -> Tensor:
    """View (heads, tokens x group, size) as (heads, tokens, group, size)."""
    return states.view(len(states), -1, group, states.shape[2])


def _by_head(states: Tensor, heads: int, size: int) -> Tensor:
    """View (tokens, heads x group x size) as (heads, tokens, group, size)."""
    return states.view(len(states), heads, -1, size).transpose(0, 1)


def _by_token(states: Tensor, group: int) -> Tensor:
    """Copy (heads, tokens x group, size) to (tokens, heads x group x size)."""
    by_token = _grouped(states, group).transpose(0, 1)
    return by_token.reshape(len(by_token), len(states) * group * states.shape[2])


def _rotate(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Embed positions (Su et al. 2021, arXiv 2104.09864) in (heads, tokens, group, size), in new memory."""
    import torch

    half = states.shape[-1] // 2
    made = torch.empty(states.shape, dtype=states.dtype, device=states.device)
    torch.mul(states, cosine[:, None], out=made)
    sine = sine[:, None, :half]
    made[..., :half].addcmul_(states[..., half:], sine, value=-1)
    made[..., half:].addcmul_(states[..., :half], sine)
    return made
