"""Learning from texts: next tokens, packed into rows that are full, with attention that ends where a text ends.

A text longer than a row goes on in another row; nothing of it is left out. Pieces of several texts share a row: their
positions begin anew, from which transformers makes a mask, so that no piece sees another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundtune.errors import TuningError
from groundtune.settings import TuningSettings
from groundtune.tuning.conversations import SAMPLES, supervised_trainer
from groundtune.tuning.objective import IGNORED, LOSS, Construction, Metric, Rows, TokenRow
from groundtune.values import TrainingText, digest

SAME = 1e-2  # difference of logits, as a share of the largest, up to which it is rounding


@dataclass(frozen=True, slots=True)
class Texts:
    """The objective: every token of `texts` but the first of a piece, in rows of `row_tokens`. Whole texts of
    `held_out` are for early stopping."""

    texts: Sequence[TrainingText]
    held_out: Sequence[TrainingText]
    row_tokens: int = 512
    metric: Metric = LOSS

    @property
    def data_hash(self) -> str:
        """See `Objective`."""
        parts = (sorted(text.text for text in part) for part in (self.texts, self.held_out))
        return digest(str(self.row_tokens), *(text for part in parts for text in part))

    def rows(self, tokenizer: Any, model: Any, settings: TuningSettings) -> Rows:  # noqa: ANN401
        """Tokenize and pack the texts. Raises `TuningError` where there is no text."""
        together = keeps_apart(model)
        training, held_out = (
            pack(pieces(tokenizer, [text.text for text in part], self.row_tokens), self.row_tokens if together else 0)
            for part in (self.texts, self.held_out)
        )
        if not training or not held_out:
            raise TuningError(
                f"there are too few texts: {len(self.texts)} to train on, {len(self.held_out)} held out.",
                remedy="Add documents, or name more in `[tuning] corpus`.",
            )
        samples = [row["input_ids"][: _first_piece(row)] for row in held_out[:SAMPLES]]
        return Rows(training, held_out, [len(row["input_ids"]) for row in training], samples, supervised=True)

    def trainer(self, construction: Construction) -> Any:  # noqa: ANN401
        """Return TRL's supervised trainer on packed rows."""
        arguments = {**construction.arguments, "remove_unused_columns": False}
        given = {**construction.given, "data_collator": collate}
        return supervised_trainer(
            Construction(arguments, given, construction.rows, construction.batch_size, construction.settings)
        )


def split_texts(
    texts: Sequence[TrainingText], number: int, rng: np.random.Generator
) -> tuple[list[TrainingText], list[TrainingText]]:
    """Return (training, held out): `number` whole documents are held out, but at most a fifth and at least one.

    Raises `TuningError` for fewer than two documents.
    """
    documents = list(dict.fromkeys(text.document for text in texts))
    if len(documents) < 2:
        raise TuningError(
            f"too few documents: {len(documents)}. At least 2 are needed, as one is held out.",
            remedy="Add documents, or name more in `[tuning] corpus`.",
        )
    kept = max(1, min(number, len(documents) // 5))
    held_out = {documents[index] for index in rng.permutation(len(documents))[:kept]}
    return [text for text in texts if text.document not in held_out], [
        text for text in texts if text.document in held_out
    ]


def pieces(tokenizer: Any, texts: Sequence[str], row_tokens: int) -> list[list[int]]:  # noqa: ANN401
    """Return the token ids of the texts, each closed by the end-of-sequence token, in pieces of at most `row_tokens`.

    Two tokens are the least that teach anything: a last piece of one token takes one of the piece before it.
    """
    cut: list[list[int]] = []
    for text in texts:
        ids = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        starts = list(range(0, len(ids), row_tokens))
        if len(starts) > 1 and len(ids) - starts[-1] == 1:
            starts[-1] -= 1
        ends = [*starts[1:], len(ids)]
        cut += [ids[start:end] for start, end in zip(starts, ends, strict=True) if end - start > 1]
    return cut


def pack(parts: Sequence[list[int]], row_tokens: int) -> list[TokenRow]:
    """Return rows of at most `row_tokens`: each piece, longest first, goes to the fullest row that has room; a piece
    longer than that has a row of its own.

    Rows have `input_ids`, `labels` (the first token of a piece is not learned) and `position_ids`, from
    0 in each piece.

    >>> [row["position_ids"] for row in pack([[5, 6], [7, 8, 9], [4, 3]], 5)]
    [[0, 1, 2, 0, 1], [0, 1]]
    """
    shelves: list[list[list[int]]] = []
    room: list[int] = []
    for part in sorted(parts, key=len, reverse=True):
        fitting = [place for place, left in enumerate(room) if left >= len(part)]
        if fitting:
            place = min(fitting, key=room.__getitem__)
            shelves[place].append(part)
            room[place] -= len(part)
        else:
            shelves.append([part])
            room.append(row_tokens - len(part))
    return [
        {
            "input_ids": [token for part in shelf for token in part],
            "labels": [label for part in shelf for label in (IGNORED, *part[1:])],
            "position_ids": [position for part in shelf for position in range(len(part))],
        }
        for shelf in shelves
    ]


def keeps_apart(model: Any) -> bool:  # noqa: ANN401
    """Tell whether the model sees pieces in one row apart: it gives the second of two the logits that it has alone."""
    import torch

    first, second = [1, 2, 3, 4], [5, 6, 7, 8]
    with torch.inference_mode():
        both = torch.tensor([[*first, *second]], device=model.device)
        places = torch.tensor([[*range(4), *range(4)]], device=model.device)
        packed = model(input_ids=both, position_ids=places, use_cache=False).logits[0, 4:]
        alone = model(input_ids=both[:, 4:], use_cache=False).logits[0]
    return bool((packed - alone).abs().max() <= SAME * alone.abs().max())


def collate(rows: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Any]:
    """Return tensors (rows, longest). Padding has position 0 and no label: it sees itself only, and nothing sees it."""
    import torch

    width = max(len(row["input_ids"]) for row in rows)
    fill = {"input_ids": 0, "labels": IGNORED, "position_ids": 0}
    return {
        name: torch.tensor([[*row[name], *[value] * (width - len(row[name]))] for row in rows])
        for name, value in fill.items()
    }


def _first_piece(row: TokenRow) -> int:
    positions = row["position_ids"]
    return next((place for place in range(1, len(positions)) if positions[place] == 0), len(positions))
