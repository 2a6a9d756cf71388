"""Layers of Llama models for answering on a processor: the same weights and operations, fewer passes over memory.

transformers writes the result of each small operation to new memory, which costs a processor up to a fifth of the time
of reading a prompt. Here the query, key and value projections are one product, queries and keys are rotated together,
and activations change in place. Logits differ from transformers' by rounding only (tests/unit/models/test_llama.py).
Not for training: what changes in place has no gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def fuse(model: Any) -> Any:  # noqa: ANN401
    """Change the layers of `model` where it is a Llama without biases on the processor; return it in any case."""
    from transformers import LlamaForCausalLM

    if type(model) is not LlamaForCausalLM or model.device.type != "cpu":
        return model
    if model.config.attention_bias or model.config.mlp_bias or model.config.hidden_act != "silu":
        return model
    for layer in model.model.layers:
        _join_projections(layer.self_attn)
        layer.forward = _layer.__get__(layer)
    return model


def _join_projections(attention: Any) -> None:  # noqa: ANN401
    """Put the three matrices one below the other as `attention.joined`; the parameters become views of it."""
    import torch

    parts = [attention.q_proj, attention.k_proj, attention.v_proj]
    attention.joined = torch.cat([part.weight.detach() for part in parts])
    for part, view in zip(parts, attention.joined.split([part.out_features for part in parts]), strict=True):
        part.weight.data = view


def _layer(
    layer: Any,  # noqa: ANN401
    hidden_states: Tensor,
    attention_mask: Tensor | None,
    position_embeddings: tuple[Tensor, Tensor],
    past_key_values: Any = None,  # noqa: ANN401
    **_: object,
) -> Tensor:
    """Stand in for `LlamaDecoderLayer.forward`; hidden states are (rows, length, width)."""
    from torch.nn.functional import silu

    normed = _norm(layer.input_layernorm, hidden_states)
    attended = _attend(layer.self_attn, normed, attention_mask, position_embeddings, past_key_values)
    hidden_states = attended.add_(hidden_states)
    normed = _norm(layer.post_attention_layernorm, hidden_states)
    gate = silu(layer.mlp.gate_proj(normed), inplace=True)
    changed: Tensor = layer.mlp.down_proj(gate.mul_(layer.mlp.up_proj(normed))).add_(hidden_states)
    return changed


def _norm(norm: Any, states: Tensor) -> Tensor:  # noqa: ANN401
    """Divide by the root mean square (Zhang & Sennrich 2019, arXiv 1910.07467)."""
    import torch

    squares = torch.linalg.vector_norm(states, dim=-1, keepdim=True).square_()
    scaled: Tensor = states * squares.div_(states.shape[-1]).add_(norm.variance_epsilon).rsqrt_()
    return scaled.mul_(norm.weight)


def _attend(
    attention: Any,  # noqa: ANN401
    states: Tensor,
    mask: Tensor | None,
    angles: tuple[Tensor, Tensor],
    cache: Any,  # noqa: ANN401
) -> Tensor:
    from torch.nn.functional import linear
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    rows, length, _ = states.shape
    config = attention.config
    queries, keys = config.num_attention_heads, config.num_key_value_heads
    joined = linear(states, attention.joined).view(rows, length, queries + 2 * keys, attention.head_dim)
    rotated = _rotate(joined[:, :, : queries + keys], *angles).transpose(1, 2)
    query, key = rotated[:, :queries], rotated[:, queries:]
    value = joined[:, :, queries + keys :].transpose(1, 2)
    if cache is not None:
        key, value = cache.update(key, value, attention.layer_idx)
    attended, _ = sdpa_attention_forward(attention, query, key, value, mask, scaling=attention.scaling)
    projected: Tensor = attention.o_proj(attended.reshape(rows, length, -1))
    return projected


def _rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Embed positions (Su et al. 2021, arXiv 2104.09864): states (rows, length, heads, size), angles (rows, length,
    size), in which the second half of `size` repeats the first."""
    half = states.shape[-1] // 2
    rotated = states * cos[:, :, None]
    sin = sin[:, :, None, :half]
    rotated[..., :half].addcmul_(states[..., half:], sin, value=-1)
    rotated[..., half:].addcmul_(states[..., :half], sin)
    return rotated
