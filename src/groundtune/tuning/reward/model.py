"""A reward model: the layers of a chat model with a head that gives one number for a conversation.

The head is part of the adapter: without it, it would be drawn anew at each loading, and every reward with it. Knows
nothing of how it is trained.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from groundtune.errors import TuningError, damaged
from groundtune.models.templates import conversation_ids
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import verify
from groundtune.tuning.model import Base, ready
from groundtune.values import Conversation

HEAD = "score"
SCORED_TOKENS = 4096  # tokens that are scored at once, padding included


def with_head(model: Any, tokenizer: Any, seed: int) -> Any:  # noqa: ANN401
    """Return a reward model out of the layers of a chat model, which it shares, and a new head drawn from `seed`.

    Raises `TuningError` for an architecture that transformers has no such form of.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    config = copy.deepcopy(model.config)
    config.num_labels = 1
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    config.get_text_config().pad_token_id = pad  # the reward is read at the last token that is no padding
    try:
        with torch.device("meta"):  # only its shape is wanted: the layers are those that there are
            made = AutoModelForSequenceClassification.from_config(config)
    except ValueError:
        made = None
    if not hasattr(made, HEAD) or not hasattr(model, made.base_model_prefix):
        raise TuningError(
            f"a model of the architecture {type(model).__name__} cannot be made into a reward model.",
            remedy="Use another base model, or the technique `preference`, which needs no reward model.",
        )
    setattr(made, made.base_model_prefix, getattr(model, made.base_model_prefix))
    head = getattr(made, HEAD).to_empty(device=model.device).to(model.dtype)
    spread = getattr(config.get_text_config(), "initializer_range", 0.02)
    for parameter in head.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)) * spread)
    setattr(made, HEAD, head)
    return made


def open_reward(base: Base, parents: Sequence[Path], settings: TuningSettings, folder: Path) -> tuple[Any, Any]:
    """Return (reward model, tokenizer) of what was saved in `folder`, merged and ready to score.

    Whatever head the folder lacks is drawn at random, as PEFT does: compare rewards before you trust them.
    """
    from peft import PeftModel

    verify(folder)
    model, tokenizer = ready(base, parents, settings)
    plain = with_head(model, tokenizer, settings.seed)
    with damaged("the reward model cannot be loaded", place=folder, remedy=f"Delete {folder} and tune again."):
        made = PeftModel.from_pretrained(plain, str(folder))
    return made.merge_and_unload(safe_merge=True).eval(), tokenizer


def rewards(model: Any, tokenizer: Any, conversations: Sequence[Conversation]) -> list[float]:  # noqa: ANN401
    """Return the reward of each conversation, which ends with the answer that is judged."""
    import torch

    rows = [conversation_ids(tokenizer, conversation) for conversation in conversations]
    scored = [0.0] * len(rows)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        for batch in _batches([len(row) for row in rows]):
            inputs = padded([rows[place] for place in batch], model.config.get_text_config().pad_token_id)
            scores = model(**{name: each.to(model.device) for name, each in inputs.items()}).logits[:, 0].float()
            for place, score in zip(batch, scores.tolist(), strict=True):
                scored[place] = score
    model.train(was_training)
    return scored


def padded(rows: Sequence[Sequence[int]], pad: int) -> dict[str, Any]:
    """Return token ids (rows, width), padded on the right, and their mask."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return {"input_ids": ids, "attention_mask": mask}


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield places of rows of similar length, together at most `SCORED_TOKENS`."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and (len(batch) + 1) * lengths[batch[0]] > SCORED_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
