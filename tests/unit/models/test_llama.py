"""Fused layers say what transformers' own say, whatever the shape of the model and of the batch."""

import copy

import pytest

from groundtune.models import _llama
from groundtune.models._generation import decode, prefill


def build(**changed):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(3)
    shape = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(**{**shape, **heads, **changed})).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name:  # ones by default, which would hide a forgotten factor
                weight.uniform_(0.5, 2)
    return model


SHAPES = {
    "grouped heads": {},
    "a key-value head for each": {"num_key_value_heads": 4},
    "one key-value head": {"num_key_value_heads": 1},
    "head size apart from width": {"head_dim": 16},
    "coarse norm": {"rms_norm_eps": 0.5},
}
PROMPTS = {"alone": [[3, 1, 4, 1, 5]], "equal": [[1, 2, 3], [4, 5, 6]], "padded": [[7], [8] * 11, list(range(30))]}


@pytest.mark.parametrize("prompts", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_logits_and_cache_are_those_of_transformers(shape, prompts):
    import torch

    own = build(**shape)
    fused = _llama.fuse(copy.deepcopy(own))
    assert "_layer" in repr(fused.model.layers[0].forward), "these shapes are to be fused"
    with torch.inference_mode():
        (expected, cache, mask), (found, fused_cache, _) = prefill(own, prompts), prefill(fused, prompts)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    for layer, fused_layer in zip(cache.layers, fused_cache.layers, strict=True):
        real = mask[:, None, :, None].bool()
        torch.testing.assert_close(fused_layer.keys * real, layer.keys * real, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(fused_layer.values * real, layer.values * real, atol=1e-5, rtol=1e-5)
    assert list(decode(fused, prompts, 20, {49})) == list(decode(own, prompts, 20, {49}))


def test_weights_stay_what_and_where_they_were():
    import torch

    own = build()
    fused = _llama.fuse(copy.deepcopy(own))
    assert fused.state_dict().keys() == own.state_dict().keys()
    for name, weight in own.state_dict().items():
        assert torch.equal(fused.state_dict()[name], weight), name
    attention = fused.model.layers[0].self_attn
    assert attention.k_proj.weight.untyped_storage().data_ptr() == attention.joined.untyped_storage().data_ptr()


@pytest.mark.parametrize("changed", [{"attention_bias": True}, {"mlp_bias": True}, {"hidden_act": "gelu"}])
def test_a_llama_that_is_not_plain_is_left_alone(changed):
    model = _llama.fuse(build(**changed))
    assert "forward" not in vars(model.model.layers[0])


def test_another_architecture_is_left_alone():
    from transformers import Qwen2Config, Qwen2ForCausalLM

    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=50,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    )
    assert _llama.fuse(model) is model
    assert "forward" not in vars(model.model.layers[0])


@pytest.mark.models
def test_the_builtin_model_is_fused_and_answers_as_before(tmp_path):
    import torch

    from groundtune.models import local
    from groundtune.settings import ModelSettings
    from groundtune.values import Message

    chat = local.groundtune_model(ModelSettings(), tmp_path)
    own, _ = local.load(local.locate_weights("builtin", "smollm2-135m-instruct", tmp_path))
    prompt = local.prompt_ids(chat.tokenizer, (Message("user", "What is the capital of France?"),))
    with torch.inference_mode():
        found, expected = prefill(chat.model, [prompt])[0], prefill(own, [prompt])[0]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-5)
    assert found.argmax() == expected.argmax()
