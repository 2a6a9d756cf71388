"""`--to gguf`: one file with weights and tokenizer, as llama.cpp and what is built on it read it.

Written with the `gguf` package for architectures whose form in GGUF is known here and can be checked: what was written
is loaded by `transformers`, and logits and token ids are compared. llama.cpp itself is not asked.

Source: the GGUF specification in the documentation of https://github.com/ggml-org/ggml; names of tensors from
`gguf.get_tensor_name_map`; the order of rows of q and k from llama.cpp's `convert_hf_to_gguf.py`, `LlamaModel.permute`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundtune.errors import InputError, TuningError
from groundtune.protocols import Progress
from groundtune.tuning.export import READING, Exported, TunedModel, finish, make_room, sizes, weights_size, writing
from groundtune.tuning.export._gguf_tokenizer import GgufWords, read_back, vocabulary
from groundtune.tuning.export._models import (
    check_equal,
    difference,
    load_base,
    logits,
    merge_all,
    needed,
    placed,
    scale,
)

BYTES = {"f16": 2, "f32": 4}
LARGEST_F16 = 65504.0
ROUGH = 1e-2  # of the largest logit: rounding to 16 bits moves logits by less, a wrong weight by more
STAGE = "writing GGUF"
INSTEAD = "Export it with `--to merged`, and convert that with llama.cpp's convert_hf_to_gguf.py."
NOT_TRIED = "llama.cpp was not asked: the file was checked by loading it with transformers."


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of model in GGUF. `turned` are the projections whose rows are stored in another order.

    `unlike` returns what the form has no room for in a configuration, "" if all of it fits.
    """

    name: str
    turned: tuple[str, ...]
    unlike: Callable[[Any], str]


def write(tuned: TunedModel, folder: Path, numbers: str, progress: Progress) -> Exported:
    """Write the file and compare what `transformers` reads from it with base and adapters."""
    needed()
    base, tokenizer = load_base(tuned, progress)
    form = architecture(base.config)
    model, tokenizer, reference = merge_all(tuned, base, tokenizer, progress)
    words = vocabulary(tokenizer, model.get_input_embeddings().num_embeddings)
    make_room(folder, weights_size(model, BYTES[numbers]))
    name = f"{tuned.name}-{numbers}.gguf"
    with writing(folder) as temporary:
        _write(temporary / name, tuned, form, words, model, numbers, progress)
        finish(tuned, temporary, "gguf", _card(tuned, name))
        del model, base
        gc.collect()
        progress(READING, 0, 1)
        read_back(temporary, name, tokenizer)
        outcome = logits(_read(temporary, name), tokenizer)
        progress(READING, 1, 1)
        what = f"the GGUF file ({numbers})"
        differ = difference(outcome, reference)
        if numbers == "f32" or differ > ROUGH * scale(reference):
            differ = check_equal(outcome, reference, what)
        files = sizes(temporary)
    rounded = [f"Weights are rounded to 16 bits: logits differ by up to {differ:.2g}."] if numbers == "f16" else []
    notes = (*tuned.remarks, *words.notes, *rounded, NOT_TRIED)
    return Exported(tuned.name, "gguf", folder, numbers, files, differ, scale(reference), notes)


def architecture(config: Any) -> Architecture:  # noqa: ANN401 -- transformers is untyped here
    """Return the form of a model's kind. Raises `InputError` for one that is not known here, and says why."""
    form = ARCHITECTURES.get(config.model_type)
    known = ", ".join(ARCHITECTURES)
    if form is None:
        raise InputError(
            f"models of the type `{config.model_type}` cannot be written as GGUF here. Possible are: {known}.",
            remedy=INSTEAD,
        )
    reason = form.unlike(config)
    if reason:
        raise InputError(f"this `{config.model_type}` model cannot be written as GGUF here: {reason}.", remedy=INSTEAD)
    return form


def _llama(config: Any) -> str:  # noqa: ANN401
    if config.attention_bias or config.mlp_bias:
        return "it has biases"
    return _common(config)


def _qwen2(config: Any) -> str:  # noqa: ANN401
    if config.use_sliding_window:
        return "it uses sliding windows"
    if _head(config) * config.num_attention_heads != config.hidden_size:
        return f"its heads have {_head(config)} dimensions, which the form has no room for"
    return _common(config)


def _common(config: Any) -> str:  # noqa: ANN401
    rope = config.rope_parameters or {}
    if rope.get("rope_type", "default") != "default":
        return f"its positions are scaled (`rope_type` is {rope['rope_type']!r}), which cannot be checked"
    if rope.get("partial_rotary_factor", 1.0) != 1.0:
        return "only a part of each head is rotated"
    if config.hidden_act not in ("silu", "swish"):
        return f"its activation is {config.hidden_act!r}, not silu"
    return ""


ARCHITECTURES = {
    "llama": Architecture("llama", ("q_proj", "k_proj"), _llama),
    "qwen2": Architecture("qwen2", (), _qwen2),
}


def permuted(weight: Any, heads: int) -> Any:  # noqa: ANN401 -- NumPy's array [heads * head, inputs]
    """Return the rows of q or k as GGUF has them: pairs that are rotated together stand next to one another.

    Hugging Face's Llama rotates the first half of a head against the second, GGML neighbours.
    """
    half = weight.shape[0] // heads // 2
    return weight.reshape(heads, 2, half, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def _write(
    path: Path,
    tuned: TunedModel,
    form: Architecture,
    words: GgufWords,
    model: Any,  # noqa: ANN401
    numbers: str,
    progress: Progress,
) -> None:
    from gguf import GGUFWriter, LlamaFileType

    writer = GGUFWriter(str(path), form.name)
    try:
        writer.add_type("model")
        writer.add_name(tuned.name)
        writer.add_base_model_count(1)
        writer.add_base_model_name(0, tuned.known_as)
        writer.add_file_type(LlamaFileType.MOSTLY_F16 if numbers == "f16" else LlamaFileType.ALL_F32)
        _add_shape(writer, model.config)
        words.add_to(writer)
        tensors = _tensors(form, model)
        for name, parameter, _ in tensors:
            kind = _number_type(parameter, numbers)
            count = parameter.numel()
            writer.add_tensor_info(name, tuple(parameter.shape), kind, count * kind.itemsize)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for number, (name, parameter, heads) in enumerate(tensors, start=1):
            writer.write_tensor_data(_values(name, parameter, heads, numbers))
            progress(STAGE, number, len(tensors))
    finally:
        writer.close()


def _add_shape(writer: Any, config: Any) -> None:  # noqa: ANN401
    head = _head(config)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(head)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


def _head(config: Any) -> int:  # noqa: ANN401
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)


def _tensors(form: Architecture, model: Any) -> list[tuple[str, Any, int]]:  # noqa: ANN401
    """Return (name in GGUF, parameter, heads whose rows are to be permuted or 0) of all weights, tied ones once."""
    from gguf import MODEL_ARCH_NAMES, get_tensor_name_map

    config = model.config
    arch = next(key for key, name in MODEL_ARCH_NAMES.items() if name == form.name)
    names = get_tensor_name_map(arch, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    placed_tensors = []
    for name, parameter in model.named_parameters(remove_duplicate=True):
        renamed = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if renamed is None:
            raise InputError(f"the weight `{name}` has no place in GGUF.", remedy=INSTEAD)
        layer = name.split(".")[-2]
        placed_tensors.append((renamed, parameter, heads[layer] if layer in form.turned else 0))
    return placed_tensors


def _number_type(parameter: Any, numbers: str) -> Any:  # noqa: ANN401 -- NumPy's type
    """Norms and biases stay in 32 bits, as in llama.cpp's own files."""
    import numpy as np

    return np.dtype(np.float16 if numbers == "f16" and parameter.dim() > 1 else np.float32)


def _values(name: str, parameter: Any, heads: int, numbers: str) -> Any:  # noqa: ANN401
    values = parameter.detach().float().cpu().numpy()
    if heads:
        values = permuted(values, heads)
    kind = _number_type(parameter, numbers)
    if kind.itemsize == 2 and values.size and float(abs(values).max()) > LARGEST_F16:
        raise TuningError(f"the weight `{name}` is too large for 16 bits.", remedy="Export it with `--type f32`.")
    return values.astype(kind)


def _read(folder: Path, name: str) -> Any:  # noqa: ANN401
    import torch
    from transformers import AutoModelForCausalLM

    return placed(AutoModelForCausalLM.from_pretrained(str(folder), gguf_file=name, dtype=torch.float32))


def _card(tuned: TunedModel, name: str) -> str:
    return f"`{tuned.known_as}`, tuned with groundtune. `{name}` holds weights, tokenizer and chat template."
