"""What the formats share: a model in full precision with its adapters, and whether two models give the same logits."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

from groundtune.errors import ModelFailed, NotInstalled, TuningError
from groundtune.merging import merged, put_on, reading
from groundtune.models.templates import prompt_ids
from groundtune.protocols import Progress
from groundtune.tuning.export import TOLERANCE, TunedModel
from groundtune.values import Message

LOADING = "loading the model"
QUESTIONS = (
    "What does the small plan cost, and how do I cancel it?",
    "Où est la gare ? 5 € or 6 €? ✓",
    "0123456789 " * 8,
)


def needed() -> None:
    """Raise `NotInstalled` where the packages that exporting needs are missing."""
    try:
        import gguf  # noqa: F401
        import peft  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError:
        raise NotInstalled(
            "exporting needs packages that are not installed.",
            remedy='Install the extra: pip install "groundtune[local]".',
        ) from None


def load_base(tuned: TunedModel, progress: Progress) -> tuple[Any, Any]:
    """Return model and tokenizer of the base. Raises `TuningError` for one whose weights are quantised.

    Merging into quantised weights rounds the adapter away (peft issues 1043, 2321).
    """
    progress(LOADING, 0, 1)
    model, tokenizer = tuned.base.load()
    if getattr(model.config, "quantization_config", None) is not None:
        raise TuningError(
            f"the base `{tuned.base.name}` is stored in quantised form, and adapters are put on full weights only.",
            remedy="Set `[model] name` to the same model without quantisation.",
        )
    progress(LOADING, 1, 1)
    return model, tokenizer


def merge_all(tuned: TunedModel, model: Any, tokenizer: Any, progress: Progress) -> tuple[Any, Any, Any]:  # noqa: ANN401
    """Return the base with all adapters in its weights, its tokenizer, and the logits it gave before the last one
    was merged: base and adapters, which all that is written must equal.
    """
    reference = None
    for number, folder in enumerate(tuned.folders, start=1):
        adapted, tokenizer = put_on(model, tokenizer, folder)
        if number == len(tuned.folders):
            reference = logits(adapted, tokenizer)
        with reading(folder):
            model = merged(adapted)
        progress("merging adapters", number, len(tuned.folders))
    return model, tokenizer, logits(model, tokenizer) if reference is None else reference


def probes(tokenizer: Any) -> list[list[int]]:  # noqa: ANN401 -- transformers is untyped here
    """Return prompts as token ids, as serving gives them."""
    try:
        return [prompt_ids(tokenizer, (Message("user", text),)) for text in QUESTIONS]
    except (ModelFailed, ValueError):  # no chat template: a model tuned on plain text
        return [list(tokenizer(text)["input_ids"]) for text in QUESTIONS]


def logits(model: Any, tokenizer: Any) -> list[Any]:  # noqa: ANN401
    """Return the logits of the probes, in fp32 on the CPU, one array [tokens, words] for each."""
    import torch

    device = next(model.parameters()).device
    given = []
    with torch.inference_mode():
        for ids in probes(tokenizer):
            given.append(model(torch.tensor([ids], device=device)).logits[0].float().cpu())
    return given


def placed(model: Any) -> Any:  # noqa: ANN401
    """Return a model that was read back where the base is loaded: other devices round differently."""
    import torch

    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def difference(outcome: Sequence[Any], expected: Sequence[Any]) -> float:
    """Return the largest absolute difference of logits, infinite where they cannot be compared."""
    pairs = list(zip(outcome, expected, strict=True))
    if any(ours.shape != theirs.shape for ours, theirs in pairs):
        return float("inf")
    largest = [float((ours - theirs).abs().max()) for ours, theirs in pairs]
    return max(float("inf") if isnan(value) else value for value in largest)


def check_equal(outcome: Sequence[Any], expected: Sequence[Any], what: str) -> float:
    """Return the largest difference. Raises `TuningError` where it is more than rounding."""
    largest = difference(outcome, expected)
    if not largest <= TOLERANCE * scale(expected):
        raise TuningError(
            f"{what} gives other logits than base and adapters, by up to {largest:.3g}. It was not kept.",
            remedy="Tune again, and report this if it happens again.",
        )
    return largest


def scale(expected: Sequence[Any]) -> float:
    """Return the largest absolute logit, at least 1."""
    return max(1.0, *(float(logit.abs().max()) for logit in expected))
