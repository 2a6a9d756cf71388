"""Layers of Llama models for training on a processor: the same operations and gradients, fewer passes over memory.

`faster` changes how layers compute, not what they hold: PEFT's modules stay where they are, so that saving, merging and
resuming an adapter are as before. A call that a layer does not know (a cache, dropout, several adapters at once)
goes the ordinary way. Knows nothing of trainers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundtune.tuning._attention import Piece, attend, sequences
from groundtune.tuning._kernels import Lora, add, add_gated, project

if TYPE_CHECKING:
    from torch import Tensor

_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def faster(model: Any) -> Any:  # noqa: ANN401 -- transformers, PEFT
    """Change the layers of `model` where it is a Llama in fp32 on the processor; return it in any case."""
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    for layer in model.modules():
        if type(layer) is LlamaDecoderLayer and layer.self_attn.config.hidden_act == "silu":
            layer.forward = _layer.__get__(layer)
    return model


def takes_packed(model: Any) -> bool:  # noqa: ANN401
    """Tell whether `read_packed` can be asked: every layer was changed and would not go the ordinary way now."""
    from transformers import LlamaForCausalLM

    model = _inner(model)
    if type(model) is not LlamaForCausalLM:
        return False
    changed = all("forward" in layer.__dict__ for layer in model.model.layers)
    return changed and all(_linears(layer) is not None for layer in model.model.layers)


def read_packed(
    model: Any,  # noqa: ANN401
    tokens: Tensor,
    positions: Tensor,
    pieces: Sequence[Piece],
    last: tuple[Tensor, Sequence[Piece]] | None = None,
) -> Tensor:
    """Return the final states of packed tokens, (tokens, width), after the final norm.

    `last` names the tokens whose states are wanted, and the pieces of their attention: the last layer then computes
    only those.
    """
    inner = _inner(model).model
    states = inner.embed_tokens(tokens[None])
    angles = inner.rotary_emb(states, position_ids=positions[None])
    *layers, final = inner.layers
    for layer in layers:
        states = layer(states, position_embeddings=angles, pieces=pieces)
    states = final(states, position_embeddings=angles, pieces=pieces, last=last)
    normed: Tensor = inner.norm(states)[0]
    return normed


def group(model: Any) -> int:  # noqa: ANN401
    """Return how many query heads of the model share a key."""
    config = _inner(model).config
    return int(config.num_attention_heads // config.num_key_value_heads)


def head(model: Any) -> Tensor | None:  # noqa: ANN401
    """Return the weights that make logits of final states, or None where more than weights is needed."""
    from torch.nn import Linear

    layer = _inner(model).lm_head
    return layer.weight if type(layer) is Linear and layer.bias is None else None


def _inner(model: Any) -> Any:  # noqa: ANN401
    """Return transformers' model without PEFT's around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _layer(
    layer: Any,  # noqa: ANN401
    hidden_states: Tensor,
    attention_mask: Tensor | None = None,
    position_embeddings: tuple[Tensor, Tensor] | None = None,
    pieces: Sequence[Piece] | None = None,
    last: tuple[Tensor, Sequence[Piece]] | None = None,
    **others: Any,  # noqa: ANN401
) -> Tensor:
    """Stand in for `LlamaDecoderLayer.forward`; hidden states are (rows, length, width)."""
    linears = None if others.get("past_key_values") is not None else _linears(layer)
    if linears is None or position_embeddings is None:
        ordinary: Tensor = type(layer).forward(
            layer, hidden_states, attention_mask=attention_mask, position_embeddings=position_embeddings, **others
        )
        return ordinary
    rows, length, width = hidden_states.shape
    states = hidden_states.reshape(-1, width)
    if pieces is None and attention_mask is None and layer.self_attn.config._attn_implementation == "sdpa":
        pieces = sequences([length] * rows, layer.self_attn.num_key_value_groups)
    if pieces is None:
        attended = _attended_under_mask(layer, hidden_states, attention_mask, position_embeddings, linears)
    else:
        angles = tuple(part.expand(rows, -1, -1).reshape(rows * length, -1) for part in position_embeddings)
        attended, states = _attended(layer, states, angles, pieces, last, linears)
    states = add(attended, states, linears["o_proj"])
    norm = layer.post_attention_layernorm
    gate, up = project(states, norm.weight, norm.variance_epsilon, (linears["gate_proj"], linears["up_proj"]))
    return add_gated(gate, up, states, linears["down_proj"]).view(rows, -1, width)


def _attended(
    layer: Any,  # noqa: ANN401
    states: Tensor,
    angles: Any,  # noqa: ANN401 -- two tensors
    pieces: Sequence[Piece],
    last: tuple[Tensor, Sequence[Piece]] | None,
    linears: dict[str, Lora],
) -> tuple[Tensor, Tensor]:
    """Return what the tokens read, and their states; with `last`, of the tokens that it names."""
    norm, attention = layer.input_layernorm, layer.self_attn
    how = (norm.weight, norm.variance_epsilon)
    query_angles = angles
    if last is None:
        query, key, value = project(states, *how, (linears["q_proj"], linears["k_proj"], linears["v_proj"]))
    else:
        key, value = project(states, *how, (linears["k_proj"], linears["v_proj"]))
        places, pieces = last
        states, query_angles = states[places], tuple(part[places] for part in angles)
        (query,) = project(states, *how, (linears["q_proj"],))
    made = attend((query, key, value), angles, query_angles, pieces, attention.head_dim, attention.scaling)
    return made, states


def _attended_under_mask(
    layer: Any,  # noqa: ANN401
    states: Tensor,
    mask: Tensor | None,
    angles: tuple[Tensor, Tensor],
    linears: dict[str, Lora],
) -> Tensor:
    """Return what the tokens read by the attention that the model is set to; `states` are (rows, length, width)."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb, eager_attention_forward

    norm, attention = layer.input_layernorm, layer.self_attn
    chosen = (linears["q_proj"], linears["k_proj"], linears["v_proj"])
    rows, length, width = states.shape
    made = project(states.reshape(-1, width), norm.weight, norm.variance_epsilon, chosen)
    query, key, value = (part.view(rows, length, -1, attention.head_dim).transpose(1, 2) for part in made)
    query, key = apply_rotary_pos_emb(query, key, *angles)
    function = ALL_ATTENTION_FUNCTIONS.get_interface(attention.config._attn_implementation, eager_attention_forward)
    attended, _ = function(attention, query, key, value, mask, dropout=_dropout(attention), scaling=attention.scaling)
    flat: Tensor = attended.reshape(rows * length, -1)
    return flat


def _dropout(attention: Any) -> float:  # noqa: ANN401
    return float(attention.attention_dropout) if attention.training else 0.0


def _linears(layer: Any) -> dict[str, Lora] | None:  # noqa: ANN401
    """Return the layer's linear parts by name, or None where one of them, or this moment, asks for more than that."""
    import torch

    if torch.is_autocast_enabled("cpu") or _dropout(layer.self_attn) > 0:
        return None
    linears = {}
    for name in _LINEARS:
        part = getattr(layer.self_attn if name in ("q_proj", "k_proj", "v_proj", "o_proj") else layer.mlp, name)
        linear = _lora(part)
        if linear is None or linear.weight.dtype != torch.float32 or linear.weight.device.type != "cpu":
            return None
        linears[name] = linear
    return linears


def _lora(module: Any) -> Lora | None:  # noqa: ANN401
    """Return the weights of a linear layer without bias, with one adapter of plain LoRA or none."""
    if _is_plain(module):
        return Lora(module.weight)
    base: Any = getattr(module, "base_layer", None)
    if not _is_plain(base) or not hasattr(module, "lora_variant"):
        return None
    if module.merged and module.disable_adapters:
        return None  # PEFT takes the adapter out of the weights first
    if module.merged or module.disable_adapters:
        return Lora(base.weight)
    names: list[str] = [name for name in module.active_adapters if name in module.lora_A]
    if not names:
        return Lora(base.weight)
    return _one_adapter(module, names[0]) if len(names) == 1 else None


def _is_plain(module: Any) -> bool:  # noqa: ANN401
    from torch.nn import Linear

    bias: Any = getattr(module, "bias", None)
    return type(module) is Linear and bias is None


def _one_adapter(module: Any, name: str) -> Lora | None:  # noqa: ANN401
    base, down, up = module.base_layer.weight, module.lora_A[name].weight, module.lora_B[name]
    dropout = getattr(module.lora_dropout[name], "p", 0.0) if module.training else 0.0
    if name in module.lora_variant or up.bias is not None or dropout > 0 or down.dtype != base.dtype:
        return None
    return Lora(base, down, up.weight, module.scaling[name])
