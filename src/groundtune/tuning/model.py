"""The model that is trained: loaded with the adapters that it stands on, made ready to learn, and saved.

Knows nothing of data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from groundtune.errors import NotInstalled, SettingsError
from groundtune.merging import merge
from groundtune.settings import TuningSettings
from groundtune.tuning.adapters import read_manifest, verify


class Draw(Protocol):
    """Draws answers from a model, as token ids, those of the first prompt first, at the temperature
    `sampling`. The same `seed` gives the same."""

    def __call__(
        self,
        model: Any,  # noqa: ANN401
        prompts: Sequence[Sequence[int]],
        copies: int,
        max_tokens: int,
        ends: Sequence[int],
        sampling: float,
        seed: Sequence[int],
    ) -> list[list[int]]:
        """Return `copies` answers to each prompt."""
        ...


@dataclass(frozen=True, slots=True)
class Base:
    """The model that is tuned: its name, its weights' fingerprint, and a function that loads (model, tokenizer).

    `load(four_bit=True)` loads it quantised, where that is possible. `licence` is that of its weights, "" if unknown.
    `draw` draws answers at random; None where that is not possible.
    """

    name: str
    weights: str
    load: Any
    licence: str = ""
    draw: Draw | None = None


def ready(base: Base, parents: Sequence[Path], settings: TuningSettings) -> tuple[Any, Any]:
    """Return (model, tokenizer): the base, changed for good by the adapters in `parents`, in order; a parent that holds
    a whole model takes the base's place.

    Raises `NotInstalled` without the `local` extra, and `SettingsError` for what cannot be loaded.
    """
    _require()
    for parent in parents:
        verify(parent)
    if settings.quantize == "4bit":
        if parents:
            raise SettingsError(
                "`[tuning] quantize` is 4bit, but adapters cannot be merged into a quantised model.",
                remedy="Export the adapter as a merged model, name that in `[model] name`, and tune it.",
            )
        return tuple(base.load(four_bit=True))
    whole = [parent for parent in parents if is_whole(parent)]
    model, tokenizer = load_whole(whole[-1]) if whole else base.load()
    for parent in parents[parents.index(whole[-1]) + 1 if whole else 0 :]:
        model, tokenizer = merge(model, tokenizer, parent)
    return model, tokenizer


def is_whole(folder: Path) -> bool:
    """Tell whether full tuning made what is in the folder."""
    manifest = read_manifest(folder)
    return manifest is not None and manifest.kind == "model"


def load_whole(folder: Path) -> tuple[Any, Any]:
    """Return (model, tokenizer) of a folder that full tuning made."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32, use_safetensors=True)
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), AutoTokenizer.from_pretrained(str(folder))


def lora(settings: TuningSettings, model: Any) -> Any:  # noqa: ANN401
    """Return the adapter's shape: on all linear parts of the layers that are not frozen."""
    from peft import LoraConfig
    from torch.nn import Linear

    shape = {"r": settings.rank, "lora_alpha": 2 * settings.rank, "task_type": "CAUSAL_LM"}
    frozen, layers = settings.frozen_layers, model.config.get_text_config().num_hidden_layers
    if not frozen:
        return LoraConfig(**shape, target_modules="all-linear")
    inside = [name for name, part in model.named_modules() if isinstance(part, Linear) and ".layers." in name]
    parts = sorted({name.rpartition(".")[2] for name in inside})
    return LoraConfig(**shape, target_modules=parts, layers_to_transform=list(range(frozen, layers)))


def teachable(model: Any, settings: TuningSettings, starts_from: Path | None) -> tuple[Any, Any]:  # noqa: ANN401
    """Return (model, adapter's shape) as trainers take them; the shape is None where the model is trained as it is.

    Raises `SettingsError` where more layers are frozen than there are.
    """
    from peft import PeftModel

    layers = model.config.get_text_config().num_hidden_layers
    if settings.frozen_layers >= layers:
        raise SettingsError(
            f"`frozen_layers` is {settings.frozen_layers}, but the model has only {layers} layers.",
            remedy="Freeze fewer layers.",
        )
    if starts_from is not None:
        return PeftModel.from_pretrained(model, str(starts_from), is_trainable=True), None
    if settings.method == "full":
        _freeze(model, settings.frozen_layers)
        return model, None
    return model, lora(settings, model)


def in_full_precision(model: Any) -> Any:  # noqa: ANN401
    """Return a model that was trained, without the casts to 16 bits that accelerate put around its `forward`.

    It is measured and saved as it is served: in the precision of its weights. accelerate's own `unwrap_model` takes off
    transformers' decorators, too.
    """
    original = model.__dict__.pop("_original_forward", None)
    if original is not None:
        model.forward = original
    return model


def _freeze(model: Any, layers: int) -> None:  # noqa: ANN401
    """Leave the lowest layers, and the embeddings below them, as they are."""
    if not layers:
        return
    for name, parameter in model.named_parameters():
        below = any(f".layers.{layer}." in name for layer in range(layers))
        if below or "embed_tokens" in name:
            parameter.requires_grad_(requires_grad=False)


@contextmanager
def learning(model: Any, settings: TuningSettings, starts_from: Path | None) -> Iterator[Any]:  # noqa: ANN401
    """Give the model as it learns; afterwards it has no adapter on it."""
    from peft import get_peft_model

    made, shape = teachable(model, settings, starts_from)
    if shape is not None:
        made = get_peft_model(made, shape)
    yield made
    if made is not model:
        made.unload()


def save(model: Any, tokenizer: Any, folder: Path, settings: TuningSettings) -> None:  # noqa: ANN401
    """Write the adapter, or the whole model with its tokenizer, as safetensors."""
    model.save_pretrained(str(folder), safe_serialization=True)
    if settings.method == "full":
        tokenizer.save_pretrained(str(folder))


def _require() -> None:
    try:
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError:
        raise NotInstalled(
            "tuning needs packages that are not installed.",
            remedy='Install the extra: pip install "groundtune[local]".',
        ) from None
