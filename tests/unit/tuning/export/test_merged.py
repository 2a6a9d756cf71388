"""Whole weights: plain transformers loads them, and they give what base and adapters give."""

import json

import pytest

from groundtune.errors import SettingsError, TuningError
from groundtune.testing.tiny import tiny_adapter, tiny_model
from groundtune.tuning.export import Exported, merged

from .conftest import differ, expected_logits, tuned_model, write


def loaded(folder, **options):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder, **options), AutoTokenizer.from_pretrained(folder)


def test_transformers_loads_what_base_and_adapters_give(tuned, tmp_path):
    exported = write(tuned, "merged", tmp_path / "out")
    model, tokenizer = loaded(tmp_path / "out")
    assert differ(model, expected_logits(tuned)) <= 1e-4
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    _, base = tuned.base.load()
    for text in ("Hello <s>user</s>", "ä€", ""):
        assert tokenizer(text)["input_ids"] == base(text)["input_ids"]
    assert tokenizer.chat_template == base.chat_template
    assert model.generation_config.eos_token_id == 1
    assert isinstance(exported, Exported)
    assert exported.logits_differ_by <= 1e-4
    assert exported.files["model.safetensors"] == (tmp_path / "out" / "model.safetensors").stat().st_size


def test_each_adapter_counts(tuned, place, tmp_path):
    write(tuned, "merged", tmp_path / "out")
    model, _ = loaded(tmp_path / "out")
    assert differ(model, expected_logits(tuned_model(place, "domain"))) > 0.1
    assert differ(model, expected_logits(tuned_model(place, "friendly"))) > 0.1


def test_a_model_without_adapters_is_written_as_it_is(place, tmp_path):
    tuned = tuned_model(place)
    write(tuned, "merged", tmp_path / "out")
    assert differ(loaded(tmp_path / "out")[0], expected_logits(tuned)) == 0


@pytest.mark.filterwarnings("ignore:Setting `save_embedding_layers`", "ignore:`lora_bias=True` was passed")
@pytest.mark.parametrize(
    "kind",
    [
        {"use_dora": True},
        {"modules_to_save": ["lm_head"]},
        {"target_modules": ["embed_tokens", "q_proj"]},
        {"bias": "all"},
        {"r": 700},
        {"rank_pattern": {"layers.1.self_attn.q_proj": 9}, "alpha_pattern": {"up_proj": 3}},
        {"layers_to_transform": [1], "target_modules": ["q_proj", "down_proj"]},
    ],
    ids=str,
)
def test_kinds_of_adapters(place, tmp_path, kind):
    untied = tiny_model(tmp_path / "untied", tie_word_embeddings=False, initializer_range=0.1)
    tiny_adapter(untied, tmp_path / "own", 3, **kind)
    tuned = tuned_model(tmp_path, "own", model="untied")
    write(tuned, "merged", tmp_path / "out")
    assert differ(loaded(tmp_path / "out")[0], expected_logits(tuned)) <= 1e-4


@pytest.mark.parametrize("numbers", ["bf16", "f16"])
def test_fewer_bits_are_told(tuned, tmp_path, numbers):
    import torch

    exported = write(tuned, "merged", tmp_path / "out", numbers)
    model, _ = loaded(tmp_path / "out")
    assert model.dtype is {"bf16": torch.bfloat16, "f16": torch.float16}[numbers]
    assert any("rounded" in note for note in exported.notes)
    assert exported.logits_differ_by > 1e-4


def test_a_card_goes_along_and_peft_s_empty_form_does_not(tuned, place, tmp_path):
    assert "Model Card for Model ID" in (place / "friendly" / "README.md").read_text()
    write(tuned, "merged", tmp_path / "form")
    card = (tmp_path / "form" / "README.md").read_text()
    assert "Model Card for Model ID" not in card
    assert "base_model: org/tiny" in card
    home = tmp_path / "home"
    home.mkdir()
    (home / "README.md").write_text(
        "---\nbase_model: ../tiny\nlibrary_name: peft\n---\nlibrary_name: ä.\n", encoding="utf-8"
    )
    write(tuned_model(place, "domain", home=home), "merged", tmp_path / "own")
    said = (tmp_path / "own" / "README.md").read_text(encoding="utf-8")
    assert said == "---\nbase_model: org/tiny\nlibrary_name: transformers\n---\nlibrary_name: ä.\n"


def test_quantised_weights_take_no_adapter(tuned, place, tmp_path):
    model, tokenizer = tuned.base.load()
    model.config.quantization_config = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    base = type(tuned.base)("hf:org/tiny-4bit", "w", lambda: (model, tokenizer))
    with pytest.raises(TuningError, match="hf:org/tiny-4bit") as raised:
        write(tuned_model(place, "domain", base=base), "merged", tmp_path / "out")
    assert "without quantisation" in raised.value.remedy
    assert not (tmp_path / "out").exists()


def test_a_pickled_adapter_is_not_read(place, tmp_path):
    tiny_adapter(place / "model", tmp_path / "own", 3)
    (tmp_path / "own" / "adapter_model.safetensors").rename(tmp_path / "own" / "adapter_model.bin")
    with pytest.raises(SettingsError, match="pickle"):
        write(tuned_model(place, "domain", folders=(tmp_path / "own",)), "merged", tmp_path / "out")


def test_weights_that_are_not_those_that_were_merged_are_found(tuned, tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    real = merged.finish

    def planted(one, temporary, *rest):
        file = temporary / "model.safetensors"
        tensors = load_file(file)
        tensors["model.layers.0.mlp.up_proj.weight"][0, 0] += 1.0
        save_file(tensors, file, metadata={"format": "pt"})
        real(one, temporary, *rest)

    monkeypatch.setattr(merged, "finish", planted)
    with pytest.raises(TuningError, match="other logits"):
        write(tuned, "merged", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_it_is_told_as_json(tuned, tmp_path):
    document = json.loads(json.dumps(write(tuned, "merged", tmp_path / "out").as_json()))
    assert document["to"] == "merged"
    assert document["bytes"] == sum(document["files"].values())
