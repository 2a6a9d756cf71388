"""GGUF: transformers reads weights and tokenizer back as they were. llama.cpp is not asked."""

from functools import partial

import numpy as np
import pytest

from groundtune.errors import InputError, TuningError
from groundtune.models import local
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.export import gguf
from groundtune.tuning.model import Base

from .conftest import differ, expected_logits, tuned_model, write


def loaded(folder):
    import torch
    from transformers import AutoModelForCausalLM

    (file,) = folder.glob("*.gguf")
    return AutoModelForCausalLM.from_pretrained(folder, gguf_file=file.name, dtype=torch.float32)


def fields(folder):
    from gguf import GGUFReader

    (file,) = folder.glob("*.gguf")
    reader = GGUFReader(file)
    return {key: value.contents() for key, value in reader.fields.items()}, reader.tensors


@pytest.mark.parametrize(("numbers", "within"), [("f32", 1e-4), ("f16", 1e-2)])
def test_transformers_reads_what_base_and_adapters_give(tuned, tmp_path, numbers, within):
    exported = write(tuned, "gguf", tmp_path / "out", numbers)
    model = loaded(tmp_path / "out")
    assert differ(model, expected_logits(tuned)) <= within
    assert model.config.tie_word_embeddings
    assert exported.logits_differ_by <= within * exported.largest_logit
    assert set(exported.files) == {"README.md", f"friendly-{numbers}.gguf"}
    assert any("llama.cpp was not asked" in note for note in exported.notes)


def test_16_bits_are_the_default_and_norms_have_32(tuned, tmp_path):
    write(tuned, "gguf", tmp_path / "out")
    head, tensors = fields(tmp_path / "out")
    types = {tensor.name: tensor.tensor_type.name for tensor in tensors}
    assert types["blk.0.attn_q.weight"] == "F16"
    assert types["blk.0.attn_norm.weight"] == types["output_norm.weight"] == "F32"
    assert head["general.file_type"] == 1
    assert head["general.architecture"] == "llama"
    assert head["general.base_model.0.name"] == "org/tiny"
    assert "message.role" in head["tokenizer.chat_template"]


@pytest.mark.parametrize(
    "shape",
    [
        {"tie_word_embeddings": False},
        {"head_dim": 16},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1},
        {"rms_norm_eps": 1e-3},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 777.0}},
        {"vocab_size": 300},
        {"num_hidden_layers": 11},
        {"max_position_embeddings": 77},
    ],
    ids=str,
)
def test_shapes_of_llama(tmp_path, shape):
    tiny_model(tmp_path / "model", initializer_range=0.1, **shape)
    tiny_adapter(tmp_path / "model", tmp_path / "own", 3)
    tuned = tuned_model(tmp_path, "own")
    write(tuned, "gguf", tmp_path / "out", "f32")
    assert differ(loaded(tmp_path / "out"), expected_logits(tuned)) <= 1e-4


def qwen(tmp_path, **changed):
    """A Qwen2 of two layers: biases on q, k and v, rows not permuted."""
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    tiny_model(tmp_path / "words")
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "initializer_range": 0.1}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 264, "tie_word_embeddings": True}
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(Qwen2Config(**{**shape, **heads, **changed}))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.5)
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tmp_path / "words").save_pretrained(tmp_path / "model")
    tiny_adapter(tmp_path / "model", tmp_path / "own", 3)
    return tuned_model(tmp_path, "own")


@pytest.mark.parametrize("changed", [{}, {"tie_word_embeddings": False}, {"rms_norm_eps": 1e-3}], ids=str)
def test_qwen2(tmp_path, changed):
    tuned = qwen(tmp_path, **changed)
    write(tuned, "gguf", tmp_path / "out", "f32")
    model = loaded(tmp_path / "out")
    assert model.config.model_type == "qwen2"
    assert differ(model, expected_logits(tuned)) <= 1e-4
    head, tensors = fields(tmp_path / "out")
    assert head["general.architecture"] == "qwen2"
    assert "blk.0.attn_q.bias" in {tensor.name for tensor in tensors}


def test_sliding_windows_are_refused(tmp_path):
    tuned = qwen(tmp_path, use_sliding_window=True, sliding_window=8, max_window_layers=1)
    with pytest.raises(InputError, match="sliding windows"):
        write(tuned, "gguf", tmp_path / "out")


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"attention_bias": True}, "biases"),
        ({"mlp_bias": True}, "biases"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}, "linear"),
        (
            {
                "rope_parameters": {
                    "rope_type": "llama3",
                    "factor": 8.0,
                    "rope_theta": 1e4,
                    "low_freq_factor": 1.0,
                    "high_freq_factor": 4.0,
                    "original_max_position_embeddings": 64,
                }
            },
            "llama3",
        ),
    ],
    ids=str,
)
def test_what_the_form_has_no_room_for_is_refused(tmp_path, shape, reason):
    tiny_model(tmp_path / "model", **shape)
    with pytest.raises(InputError, match=f"cannot be written as GGUF here: .*{reason}") as raised:
        write(tuned_model(tmp_path), "gguf", tmp_path / "out")
    assert "--to merged" in raised.value.remedy
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["GPTNeoX", "Mistral", "Gemma", "Qwen3", "Phi3"])
def test_other_architectures_are_refused_with_those_that_work(place, tmp_path, kind):
    import transformers

    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 258, "pad_token_id": 1}
    config = getattr(transformers, f"{kind}Config")(**shape, intermediate_size=64)
    model = getattr(transformers, f"{kind}ForCausalLM")(config)
    _, tokenizer = tuned_model(place).base.load()
    tuned = tuned_model(place, base=Base("path:model", "w", lambda: (model, tokenizer)))
    with pytest.raises(InputError, match=f"`{config.model_type}` cannot be written as GGUF here. .*llama, qwen2"):
        write(tuned, "gguf", tmp_path / "out")


def test_a_weight_too_large_for_16_bits_is_told(place, tmp_path):
    model, tokenizer = tuned_model(place).base.load()
    model.model.layers[1].mlp.down_proj.weight.data[0, 0] = -70000.0
    tuned = tuned_model(place, base=Base("path:model", "w", lambda: (model, tokenizer)))
    with pytest.raises(TuningError, match=r"blk\.1\.ffn_down\.weight` is too large for 16 bits") as raised:
        write(tuned, "gguf", tmp_path / "out", "f16")
    assert "--type f32" in raised.value.remedy
    assert not list(tmp_path.iterdir())


def test_rows_in_the_wrong_order_are_found(tuned, tmp_path, monkeypatch):
    monkeypatch.setattr(gguf, "permuted", lambda weight, heads: weight)
    with pytest.raises(TuningError, match="other logits"):
        write(tuned, "gguf", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_pairs_that_are_rotated_together_stand_next_to_one_another():
    rows = np.arange(12)[:, None]  # two heads of six: halves 0-2 and 3-5, 6-8 and 9-11
    assert gguf.permuted(rows, 2)[:, 0].tolist() == [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]


@pytest.mark.models
def test_the_built_in_model(tmp_path):
    """Its permuted rows, its tied embeddings, its 49,152 words and their 48,900 merges."""
    from groundtune.models.builtin import chat_model_folder

    folder = chat_model_folder()
    base = Base("builtin:smollm2-135m-instruct", "w", partial(local.load, str(folder)))
    tuned = tuned_model(folder, base=base, home=folder)
    exported = write(tuned, "gguf", tmp_path / "out", "f32")
    assert exported.logits_differ_by <= 1e-4
    head, _ = fields(tmp_path / "out")
    assert head["tokenizer.ggml.pre"] == "gpt-2"
    assert head["tokenizer.ggml.tokens"][2] == "<|im_end|>"
    assert head["tokenizer.ggml.token_type"][2] == 3
