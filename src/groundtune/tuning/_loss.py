"""The loss on labelled tokens of a batch, computed without what no label needs.

Nothing is padded; what rows share at their beginning is read once (Wang & Hegde 2024, arXiv 2410.20305), and what
stands after the last label is not read at all. Logits exist only for labelled tokens, a few at a time. Sum and
gradients equal those of the padded batch to rounding (tests/unit/tuning/test_loss.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise, takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from groundtune.tuning._attention import AttentionPiece, chosen, sequences
from groundtune.tuning._fast import group, head, read_packed, takes_packed
from groundtune.tuning._kernels import operation
from groundtune.tuning.objective import IGNORED

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 128  # labelled tokens whose logits exist at once: 25 MB with 49,152 words
SHARED = 8  # tokens that must be alike at the beginning before it is worth sharing them
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows one behind the other, what all begin with first.

    `owners` says which row a token belongs to (-1: all). `targets[n]` is what the token at `places[n]` shall predict.
    """

    tokens: list[int]
    positions: list[int]
    owners: list[int]
    lengths: list[int]
    shared: int
    places: list[int]
    targets: list[int]


def pack(rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Packed:
    """Pack rows of (token ids, labels); label n is predicted by the tokens before n.

    >>> packed = pack([([5, 6, 7, 9], [-100, -100, 7, -100]), ([5, 8], [-100, 8])])
    >>> packed.tokens, packed.positions, packed.places, packed.targets
    ([5, 6, 5], [0, 1, 0], [1, 2], [7, 8])
    """
    kept = [(ids[:end], labels[1 : end + 1]) for ids, labels in rows if (end := _last_label(labels))]
    shared = _shared([ids for ids, _ in kept])
    tokens = list(kept[0][0][:shared]) if shared else []
    packed = Packed(tokens, list(range(shared)), [_NOBODY] * shared, [], shared, [], [])
    for number, (ids, labels) in enumerate(kept):
        start = len(packed.tokens) - shared
        learned = [place for place, label in enumerate(labels) if label != IGNORED]
        packed.places.extend(place if place < shared else start + place for place in learned)
        packed.targets.extend(labels[place] for place in learned)
        packed.tokens.extend(ids[shared:])
        packed.positions.extend(range(shared, len(ids)))
        packed.owners.extend([number] * (len(ids) - shared))
        packed.lengths.append(len(ids) - shared)
    return packed


def labelled_loss(model: Any, inputs: Mapping[str, Tensor], number: Any = None) -> Tensor:  # noqa: ANN401
    """Return the sum of the labels' losses over their number in the batch, or over `number`.

    `inputs` are `input_ids` and `labels` of padded rows, with `attention_mask` where each is one sequence, or with
    `position_ids` where sequences stand one behind the other: each begins at position 0.
    """
    counted = (inputs["labels"][:, 1:] != IGNORED).sum() if number is None else number
    weight = head(model) if takes_packed(model) else None
    packed = pack(_rows(inputs)) if weight is not None else None
    if weight is None or packed is None or not packed.places:
        return _padded_loss(model, inputs) / counted
    return _packed_loss(model, weight, packed) / counted


def split(model: Any, inputs: Mapping[str, Tensor], most: int) -> list[dict[str, Tensor]]:  # noqa: ANN401
    """Return the batch in parts of whole rows, each of at most `most` tokens that the model reads, or of one row.

    What stands after the last label of a part is left out.
    """
    packs = takes_packed(model)
    last = [_last_label(row) for row in inputs["labels"].tolist()]  # tokens before it are read
    parts: list[list[int]] = []
    for row in range(len(last)):
        with_row = [*parts[-1], row] if parts else []
        read = [last[other] for other in with_row]
        if with_row and (sum(read) if packs else (max(read) + 1) * len(read)) <= most:
            parts[-1].append(row)
        else:
            parts.append([row])
    return [
        {name: tensor[part[0] : part[-1] + 1, : max(last[row] for row in part) + 1] for name, tensor in inputs.items()}
        for part in parts
    ]


def summed_loss(states: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of the cross entropies of final states (tokens, width) under the head's weights (words, width)."""
    from torch.nn.functional import cross_entropy

    if weight.requires_grad:
        return cross_entropy(states @ weight.t(), targets, reduction="sum")
    summed: Tensor = operation(_summed, _summed_back).apply(states, weight, targets)
    return summed


def _packed_loss(model: Any, weight: Tensor, packed: Packed) -> Tensor:  # noqa: ANN401
    import torch

    tokens, positions, targets = (
        torch.tensor(values, dtype=torch.long) for values in (packed.tokens, packed.positions, packed.targets)
    )
    places = torch.tensor(packed.places, dtype=torch.long)
    last = None
    if 2 * len(set(packed.places)) <= len(packed.tokens):
        wanted, places = torch.unique(places, return_inverse=True)
        last = (wanted, _pieces_of(packed, wanted.tolist(), group(model)))
    states = read_packed(model, tokens, positions, sequences(packed.lengths, group(model), packed.shared), last)
    return summed_loss(states[places], weight, targets)


def _pieces_of(packed: Packed, wanted: list[int], group: int) -> list[AttentionPiece]:
    """Return the pieces of single tokens, which read their row up to themselves."""
    import torch

    owners, positions = np.array(packed.owners), np.array(packed.positions)
    own = (owners == owners[wanted][:, None]) | (owners == _NOBODY)
    past = positions <= positions[wanted][:, None]
    mask = torch.zeros(own.shape)
    return chosen(mask.masked_fill_(torch.from_numpy(~(own & past)), torch.finfo(mask.dtype).min), group)


def _padded_loss(model: Any, inputs: Mapping[str, Tensor]) -> Tensor:  # noqa: ANN401
    """Compute the sum by the model's own forward, with logits only where some row has a label."""
    from torch.nn.functional import cross_entropy

    labels = inputs["labels"][:, 1:]
    places = (labels != IGNORED).any(dim=0).nonzero().squeeze(1)
    seen = {name: inputs[name] for name in ("input_ids", "attention_mask", "position_ids") if name in inputs}
    outputs = model(**seen, logits_to_keep=places, use_cache=False)
    return cross_entropy(outputs.logits.float().flatten(0, 1), labels[:, places].flatten(), reduction="sum")


def _rows(inputs: Mapping[str, Tensor]) -> list[tuple[list[int], list[int]]]:
    """Return token ids and labels of each sequence, without padding."""
    both = list(zip(inputs["input_ids"].tolist(), inputs["labels"].tolist(), strict=True))
    if "position_ids" in inputs:
        return [
            (ids[start:end], labels[start:end])
            for (ids, labels), positions in zip(both, inputs["position_ids"].tolist(), strict=True)
            for start, end in pairwise(
                [0, *(place for place, at in enumerate(positions) if place and not at), len(ids)]
            )
        ]
    real = inputs["attention_mask"].bool().tolist()
    pairs = zip(both, real, strict=True)
    return [(list(compress(ids, mask)), list(compress(labels, mask))) for (ids, labels), mask in pairs]


def _starts(positions: Sequence[int]) -> list[int]:
    return [place for place, position in enumerate(positions) if place == 0 or position == 0]


def _last_label(labels: Sequence[int]) -> int:
    """Return the place of the last label that something predicts; 0 if there is none."""
    return next((place for place in range(len(labels) - 1, 0, -1) if labels[place] != IGNORED), 0)


def _shared(rows: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all rows begin with, if it is worth sharing them."""
    if len(rows) < 2:
        return 0
    alike = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, zip(*rows, strict=False)))
    return alike if alike >= SHARED else 0


def _summed(ctx: Any, states: Tensor, weight: Tensor, targets: Tensor) -> Tensor:  # noqa: ANN401
    """Sum the losses, and compute their gradient at once while a chunk's logits are there."""
    import torch

    summed = states.new_zeros(())
    gradient = torch.empty_like(states) if ctx.needs_input_grad[0] else None
    for first in range(0, len(states), CHUNK):
        part = slice(first, first + CHUNK)
        logits = states[part] @ weight.t()
        wanted = targets[part, None]
        total = logits.logsumexp(-1, keepdim=True)
        summed += (total - logits.gather(1, wanted)).sum()
        if gradient is not None:
            logits.sub_(total).exp_()
            logits.scatter_add_(1, wanted, logits.new_full(wanted.shape, -1.0))
            gradient[part] = logits @ weight
    ctx.save_for_backward(gradient)
    return summed


def _summed_back(ctx: Any, outer: Tensor) -> tuple[Any, ...]:  # noqa: ANN401
    (gradient,) = ctx.saved_tensors
    return gradient * outer, None, None
