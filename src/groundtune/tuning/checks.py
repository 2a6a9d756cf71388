"""What must hold of an adapter before it may be used: it loads as it was trained, merged it is the same, and serving
gives the prompts that it learned.

Each check raises `TuningError`: an adapter that fails is not declared finished. What was measured is in the manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundtune.errors import TuningError
from groundtune.merging import merged, put_on
from groundtune.models.templates import prompt_ids
from groundtune.settings import TuningSettings
from groundtune.tuning.model import Base, load_whole, ready
from groundtune.tuning.objective import Rows, ServedPrompt

MOST_TOKENS = 256  # of a row, on which logits are compared
TOLERANCE = 1e-3  # largest difference of two logits, as a share of the largest logit
QUANTISED = 3e-2  # the same on weights of four bits, where activations have 16 bits


def logits_of(model: Any, rows: Sequence[Sequence[int]]) -> list[Any]:  # noqa: ANN401
    """Return the logits after every token of each row, (tokens, vocabulary), on the processor."""
    import torch

    model.eval()
    with torch.inference_mode():
        return [
            model(input_ids=torch.tensor([list(row[:MOST_TOKENS])], device=model.device)).logits[0].float().cpu()
            for row in rows
        ]


def check(
    base: Base, parents: Sequence[Path], settings: TuningSettings, folder: Path, rows: Rows, logits: Sequence[Any]
) -> dict[str, float]:
    """Return what was compared of the adapter in `folder`: the largest difference of logits after reloading and after
    merging, relative to the largest logit, and the number of prompts.

    `logits` are those that the model gave for `rows.samples` when training ended. Raises `TuningError` where the
    difference is more than rounding, or a prompt is another one.
    """
    whole = settings.method == "full"
    model, tokenizer = load_whole(folder) if whole else ready(base, parents, settings)
    if not whole and rows.samples:  # a reward model has none: it is loaded in a way of its own
        model, tokenizer = put_on(model, tokenizer, folder)
    measured: dict[str, float] = {"prompts": check_prompts(tokenizer, rows.prompts)}
    if not rows.samples:
        return measured
    tolerance = TOLERANCE if settings.quantize == "none" else QUANTISED
    measured["reload"] = _compared("reloaded", model, rows.samples, logits, tolerance, folder)
    if not whole and settings.quantize == "none":  # merging into a quantised model would ruin it
        how = "merged into the model"
        measured["merge"] = _compared(how, merged(model), rows.samples, logits, tolerance, folder)
    return measured


def check_prompts(tokenizer: Any, prompts: Sequence[ServedPrompt]) -> int:  # noqa: ANN401
    """Return how many prompts were compared: serving renders each conversation as its row begins.

    `tokenizer` is that of the model as serving opens it. Raises `TuningError` for the first that differs.
    """
    for served in prompts:
        prompt = prompt_ids(tokenizer, served.conversation, served.tools)
        if list(served.input_ids[: len(prompt)]) != prompt:
            raise TuningError(
                f"serving gives the model another prompt than it was trained on: {tokenizer.decode(prompt)[:200]!r}.",
                remedy="Tune again with the tokenizer and chat template that the model is served with.",
            )
    return len(prompts)


def _compared(
    how: str,
    model: Any,  # noqa: ANN401
    rows: Sequence[Any],
    expected: Sequence[Any],
    tolerance: float,
    folder: Path,
) -> float:
    largest = max(float(logits.abs().max()) for logits in expected)
    pairs = zip(expected, logits_of(model, rows), strict=True)
    difference = max(float((each - other).abs().max()) for each, other in pairs) / max(largest, 1e-9)
    if not difference <= tolerance:  # not a number is not within it either
        raise TuningError(
            f"the adapter is not what was trained: {how}, its logits differ by {difference:.2g} of the largest one "
            f"(at most {tolerance:g} is rounding).",
            place=folder,
            remedy="Tune again. If it happens again, report it with the versions of torch, transformers and peft.",
        )
    return difference
