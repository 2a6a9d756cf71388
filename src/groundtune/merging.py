"""Adapters put on a model by PEFT, and merged into it: for serving and for export, which must do the same.

Knows no manifests and no settings: an adapter is a folder in PEFT's format. No pickle is read.

Source: Hu et al., "LoRA", 2021 (arXiv 2106.09685), equation 3 and section 4.1.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from groundtune.errors import SettingsError, damaged

CONFIG, WEIGHTS, TOKENIZER = "adapter_config.json", "adapter_model.safetensors", "tokenizer_config.json"
PICKLED_WEIGHTS = "adapter_model.bin"
# keys of an adapter's configuration that leave it a product of two matrices that is added to the weights
_ADDITIVE = {
    "alpha_pattern",
    "auto_mapping",
    "base_model_name_or_path",
    "exclude_modules",
    "fan_in_fan_out",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "lora_alpha",
    "lora_dropout",
    "peft_version",
    "r",
    "rank_pattern",
    "revision",
    "target_modules",
    "task_type",
    "use_rslora",
}
_INITIAL = (True, False, "gaussian")  # ways to begin training that leave the base model as it is
_FACTORS = ("lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B")


class NotAdditive(Exception):
    """An adapter that does more than add to weights: it is merged into a copy of the model instead."""


def check_files(folder: Path) -> None:
    """Raise `SettingsError` for a folder without an adapter's configuration or weights."""
    if (folder / PICKLED_WEIGHTS).is_file():
        raise SettingsError(
            f"the adapter has {PICKLED_WEIGHTS}, a pickle, which may hold code. It was not read.",
            place=folder,
            remedy=f"Save the adapter again with PEFT, which writes {WEIGHTS}, and delete {PICKLED_WEIGHTS}.",
        )
    lacking = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if lacking:
        raise SettingsError(
            f"the adapter has no {' and no '.join(lacking)}.",
            place=folder,
            remedy="Copy the whole folder again, or delete it and tune again.",
        )


def check_additive(folder: Path) -> None:
    """Raise `NotAdditive` unless the adapter in `folder` is two factors for each weight and nothing else."""
    from peft import LoraConfig
    from safetensors import safe_open

    with safe_open(str(folder / WEIGHTS), framework="pt") as file:
        others = [key for key in file.keys() if not any(f".{part}" in key for part in _FACTORS)]  # noqa: SIM118
    config = read_config(folder)
    usual = LoraConfig().to_dict()
    unusual = [key for key, value in config.items() if key not in _ADDITIVE and value and value != usual.get(key)]
    if config.get("init_lora_weights") in _INITIAL:
        unusual = [key for key in unusual if key != "init_lora_weights"]
    if others or unusual:
        raise NotAdditive(", ".join([*unusual, *others[:3]]))


def read_config(folder: Path) -> dict[str, Any]:
    """Return what the adapter's configuration says. Raises `SettingsError` for one that is broken."""
    with reading(folder):
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError(f"{CONFIG} is not an object")
        return content


def reading(folder: Path) -> AbstractContextManager[None]:
    """Turn what libraries raise over a broken adapter into `SettingsError`."""
    remedy = "Delete the folder and tune again: its files are damaged, or of another model."
    return damaged("the adapter cannot be read", place=folder, remedy=remedy, passing=(NotAdditive,))


def own_tokenizer(folder: Path, tokenizer: Any) -> Any:  # noqa: ANN401 -- transformers is untyped here
    """Return the tokenizer that the adapter in `folder` brings along, with a chat template; `tokenizer` if none."""
    from transformers import AutoTokenizer

    if not (folder / TOKENIZER).is_file():
        return tokenizer
    with reading(folder):
        own = AutoTokenizer.from_pretrained(str(folder))
    if own.chat_template is None:
        own.chat_template = tokenizer.chat_template
    return own


def has_more_words(own: Any, tokenizer: Any, model: Any) -> bool:  # noqa: ANN401
    """Tell whether an adapter's tokenizer has words that the model has no rows for."""
    return bool(len(own) > max(len(tokenizer), model.get_input_embeddings().num_embeddings))


def put_on(model: Any, tokenizer: Any, folder: Path) -> tuple[Any, Any]:  # noqa: ANN401
    """Return PEFT's model, with the adapter on top of the weights and not yet in them, and the tokenizer.

    Raises `SettingsError` for an adapter that cannot be read or is pickled.
    """
    from peft import PeftModel

    check_files(folder)
    own = own_tokenizer(folder, tokenizer)
    if has_more_words(own, tokenizer, model):
        model.resize_token_embeddings(len(own), mean_resizing=False)  # the adapter brings the new rows
    with reading(folder):
        return PeftModel.from_pretrained(model, str(folder)).eval(), own


def merged(adapted: Any) -> Any:  # noqa: ANN401
    """Return the model out of `put_on`, changed for good. Raises `ValueError` where weights become infinite or NaN."""
    return adapted.merge_and_unload(safe_merge=True).eval()


def merge(model: Any, tokenizer: Any, folder: Path) -> tuple[Any, Any]:  # noqa: ANN401
    """Return model and tokenizer, changed for good by any kind of adapter that PEFT can merge."""
    adapted, own = put_on(model, tokenizer, folder)
    with reading(folder):
        return merged(adapted), own
